// Collectives: who waits for whom, and what they take of the links.
#include <algorithm>

#include "engine/event_executor.hpp"

namespace orrery::event {
namespace {

// What of a transfer may be left to rounding when its end is due.
constexpr double kLeftToRounding = 1e-14;

}  // namespace

const Meeting* Executor::meeting(std::uint32_t rank, const Op& op) const {
  const std::int32_t number =
      schedule_.meeting(rank, schedule_.tables().collectives[op.work].group);
  if (number < 0) return nullptr;
  return &meetings_[Schedule::queue_of(static_cast<std::size_t>(number), op.stream)];
}

void Executor::arrive(std::uint32_t rank, Stream stream, const Op& op) {
  Meeting* const at = meeting(rank, op);
  if (at == nullptr) {
    start_latency(rank, stream);
    return;
  }
  at->come.push_back(rank);
  const auto number = static_cast<std::size_t>(at - meetings_.data()) / kStreamCount;
  const std::vector<std::uint32_t>& issued = schedule_.issued(number, stream);
  // Those that issue as many.
  const auto expected = issued.end() - std::upper_bound(issued.begin(), issued.end(), at->held);
  if (static_cast<std::ptrdiff_t>(at->come.size()) < expected) return;
  std::sort(at->come.begin(), at->come.end());
  at->to_end = static_cast<std::uint32_t>(at->come.size());
  ++at->held;
  Seconds earliest{};
  const auto waiting = [&](std::uint32_t member) -> Frame::Waiting& {
    const Running& run = running(member, stream);
    return frames_[run.frame].waiting[run.op];
  };
  for (const std::uint32_t member : at->come) earliest = max(earliest, waiting(member).earliest);
  for (const std::uint32_t member : at->come) waiting(member).earliest = earliest;
  if (wait_together(*at, stream)) {
    start_latency(rank, stream);
  } else {
    for (const std::uint32_t member : at->come) start_latency(member, stream);
  }
}

void Executor::start_latency(std::uint32_t rank, Stream stream) {
  kernel_.start_timer(costs_.collective(op_of(running(rank, stream)).work).latency,
                      token_of(rank, stream, Part::Latency));
}

bool Executor::wait_together(const Meeting& meeting, Stream stream) const {
  const auto latency = [&](std::uint32_t member) {
    const Running& run = ranks_[member].running[static_cast<std::size_t>(stream)];
    return costs_.collective(op_of(run).work).latency;
  };
  const Seconds first = latency(meeting.come.front());
  return std::all_of(meeting.come.begin(), meeting.come.end(),
                     [&](std::uint32_t member) { return latency(member) == first; });
}

void Executor::end_latency(std::uint32_t rank, Stream stream) {
  Meeting* const at = meeting(rank, op_of(running(rank, stream)));
  if (at == nullptr || !wait_together(*at, stream)) {
    start_transfer({&rank, 1}, stream, ranks_[rank].alone);
  } else {
    start_transfer(at->come, stream, at->quiet);
  }
}

bool Executor::loads_links(const Running& run) const {
  const CollectiveCost& cost = costs_.collective(op_of(run).work);
  return cost.transfer.si() > 0 && !cost.flows.empty();
}

void Executor::start_transfer(std::span<const std::uint32_t> ranks, Stream stream,
                              QuietTransfer& quiet) {
  Seconds time{};
  for (const std::uint32_t rank : ranks) {
    const Running& run = running(rank, stream);
    const std::uint32_t work = op_of(run).work;
    const CollectiveCost& cost = costs_.collective(work);
    if (cost.memory.si() > 0) {
      ranks_[rank].comm_memory += cost.memory;
      update_compute(rank);
    }
    time = max(time, loads_links(run) ? demands_.time_alone(work) : cost.transfer);
  }
  // A rank has one quiet transfer; that of a collective without links needs none.
  const bool timed = ranks.size() == 1 && !loads_links(running(ranks.front(), stream));
  if (timed || !stays_quiet(ranks, stream)) {
    for (const std::uint32_t rank : ranks) {
      if (loads_links(running(rank, stream))) {
        open_quiet(rank);
        ++ranks_[rank].transfers;
      }
      running(rank, stream).parts = start_flows(rank, stream, kernel_.now());
    }
    return;
  }
  quiet = {.under_way = true, .since = kernel_.now(), .due = kernel_.now() + time, .timer = 0};
  quiet.timer = kernel_.start_timer(time, token_of(ranks.front(), stream, Part::Transfer));
  for (const std::uint32_t rank : ranks) {
    if (!loads_links(running(rank, stream))) continue;
    ++ranks_[rank].transfers;
    ranks_[rank].quiet = true;
    ranks_[rank].quiet_on = stream;
  }
}

bool Executor::stays_quiet(std::span<const std::uint32_t> ranks, Stream stream) const {
  return std::all_of(ranks.begin(), ranks.end(), [&](std::uint32_t rank) {
    const Running& run = ranks_[rank].running[static_cast<std::size_t>(stream)];
    return !loads_links(run) ||
           (ranks_[rank].transfers == 0 && demands_.private_to_rank(op_of(run).work));
  });
}

void Executor::open_quiet(std::uint32_t rank) {
  if (!ranks_[rank].quiet) return;
  const Stream stream = ranks_[rank].quiet_on;
  Meeting* const at = meeting(rank, op_of(running(rank, stream)));
  const bool alone = ranks_[rank].alone.under_way;
  QuietTransfer& quiet = alone ? ranks_[rank].alone : at->quiet;
  if (quiet.due <= kernel_.now()) return;  // it ends in this instant, and is about to be told
  kernel_.cancel_timer(quiet.timer);
  quiet.under_way = false;
  const std::span<const std::uint32_t> ranks =
      alone ? std::span<const std::uint32_t>(&rank, 1) : std::span<const std::uint32_t>(at->come);
  for (const std::uint32_t member : ranks) {
    ranks_[member].quiet = false;
    running(member, stream).parts = start_flows(member, stream, quiet.since);
  }
}

// Its flows, of what is left. One that is through waits for a timer that is due now.
std::uint8_t Executor::start_flows(std::uint32_t rank, Stream stream, Seconds since) {
  const std::uint32_t collective = op_of(running(rank, stream)).work;
  const CollectiveCost& cost = costs_.collective(collective);
  const Token token = token_of(rank, stream, Part::Transfer);
  if (!loads_links(running(rank, stream))) {
    kernel_.start_timer(max(Seconds(0), cost.transfer - (kernel_.now() - since)), token);
    return 1;
  }
  std::uint8_t parts = 0;
  for (std::size_t i = 0; i < cost.flows.size(); ++i) {
    const Bytes bytes = cost.flows[i].bytes;
    Bytes left = bytes;
    if (since < kernel_.now()) left -= demands_.fastest(collective, i) * (kernel_.now() - since);
    if (left <= kLeftToRounding * bytes) continue;
    kernel_.start_flow(
        {.demands = demands_.of(collective, i, rank), .size = left, .bound = bytes / cost.transfer},
        token);
    ++parts;
  }
  if (parts > 0) return parts;
  kernel_.start_timer(Seconds(0), token);
  return 1;
}

void Executor::end_flow(std::uint32_t rank, Stream stream) {
  Meeting* const at = meeting(rank, op_of(running(rank, stream)));
  if (ranks_[rank].alone.under_way && ranks_[rank].quiet_on == stream) {
    ranks_[rank].alone.under_way = false;
    end_transfer(rank, stream);
  } else if (at != nullptr && at->quiet.under_way) {
    at->quiet.under_way = false;
    at->to_end = 1;
    end_transfer(rank, stream);
  } else if (--running(rank, stream).parts == 0) {
    end_transfer(rank, stream);
  }
}

void Executor::end_transfer(std::uint32_t rank, Stream stream) {
  Meeting* const at = meeting(rank, op_of(running(rank, stream)));
  if (at == nullptr) {
    end(rank, stream);
    return;
  }
  if (--at->to_end > 0) return;
  ending_.clear();
  ending_.swap(at->come);  // they may come to the next one
  for (const std::uint32_t member : ending_) end(member, stream);
}

}  // namespace orrery::event
