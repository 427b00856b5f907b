// One operation at a time: starts, shares of devices and links, ends.
#include "engine/executor.hpp"

#include <algorithm>

#include <orrery/error.hpp>

#include "engine/event_executor.hpp"

namespace orrery {
namespace event {
namespace {

// What of a transfer may be left to rounding when its end is due.
constexpr double kRounding = 1e-14;

}  // namespace

Executor::Executor(const Schedule& schedule, const CostTable& costs, const ExecuteOptions& options,
                   Kernel& kernel)
    : schedule_(schedule),
      costs_(costs),
      launch_time_(options.launch_time),
      coalesce_(options.coalesce),
      kernel_(kernel),
      demands_(schedule.tables(), schedule.rank_count(), costs, kernel),
      ranks_(schedule.rank_count()),
      tilers_(schedule.rank_count()),
      frame_of_(schedule.passes().size(), kNone),
      published_(schedule.passes().size()),
      published_at_(schedule.passes().size()),
      meetings_(schedule.meetings() * kStreamCount),
      parties_(schedule),
      attempts_(options.coalesce ? schedule.rank_count() : 0) {
  if (options.power_trace) power_ = std::make_unique<PowerTraces>(schedule.ranks(), costs);
  if (power_ != nullptr && !power_->known()) power_ = nullptr;
}

StepResult Executor::run() {
  for (std::uint32_t rank = 0; rank < schedule_.rank_count(); ++rank) open_rank(rank);
  start_ready();
  kernel_.run(*this);
  if (done_ != schedule_.operations()) fail_deadlock();
  StepResult result;
  result.step_time = kernel_.now();
  result.critical_path = critical_path_;
  result.events = kernel_.events();
  result.flows = kernel_.flows();
  result.shared_flows = kernel_.shared_flows();
  tile_step(schedule_.ranks(), tilers_, result);
  if (power_ != nullptr) result.power = power_->finish(result.step_time);
  return result;
}

void Executor::completed(std::span<const Token> tokens) {
  for (const Token token : tokens) {
    const auto rank = static_cast<std::uint32_t>(token >> 5);
    const auto stream = static_cast<Stream>(token >> 2 & 7);
    switch (static_cast<Part>(token & 3)) {
      case Part::Compute:
        end(rank, stream);
        break;
      case Part::Latency:
        end_latency(rank, stream);
        break;
      case Part::Transfer:
        end_flow(rank, stream);
        break;
      case Part::Replay:
        end_replay(rank);
        break;
    }
  }
}

void Executor::start(const Ready& ready) {
  const std::uint32_t rank = schedule_.passes()[ready.pass].rank;
  const PassOps& ops = *frames_[ready.frame].ops;
  const Op& op = ops.ops()[ready.op];
  RankState& state = ranks_[rank];
  if (coalesce_ && replays_now(rank, ready.frame)) return;
  const bool opens = op.stream == Stream::Compute && ready.op == ops.first(Stream::Compute);
  if (opens && ops.syncs()) state.host_time = max(state.host_time, kernel_.now());
  if (coalesce_ && begin_attempt(rank, ready)) return;
  ++frames_[ready.frame].started;
  Running& run = running(rank, op.stream);
  ORRERY_CHECK(run.frame == kNone);
  run = {.frame = ready.frame, .op = ready.op, .start = kernel_.now()};
  if (op.stream == Stream::Compute) tilers_[rank].idle(rank, run.start, ready.cause);
  if (op.kind == Op::Kind::Host) {
    const Seconds time = schedule_.tables().host_times[op.work];
    state.computing.due = kernel_.now() + time;
    state.computing.timer =
        kernel_.start_timer(time, token_of(rank, op.stream, Part::Compute));
  } else if (op.kind == Op::Kind::Compute) {
    state.host_time += launch_time_ * block(rank, op).launches;
    start_compute(rank, op);
  } else {
    state.host_time += launch_time_;
    hold(rank, costs_.collective(op.work).multiprocessors);
    arrive(rank, op.stream, op);
  }
}

void Executor::hold(std::uint32_t rank, int multiprocessors) {
  if (multiprocessors == 0) return;
  ranks_[rank].comm_multiprocessors += multiprocessors;
  update_compute(rank);
}

const Meeting* Executor::meeting(std::uint32_t rank, const Op& op) const {
  const std::int32_t number =
      schedule_.meeting(rank, schedule_.tables().collectives[op.work].group);
  if (number < 0) return nullptr;
  return &meetings_[static_cast<std::size_t>(number) * kStreamCount +
                    static_cast<std::size_t>(op.stream)];
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

void Executor::start_compute(std::uint32_t rank, const Op& op) {
  ComputeState& computing = ranks_[rank].computing;
  computing.remaining = block(rank, op).time;
  computing.since = kernel_.now();
  computing.slowdown = slowdown(rank, op);
  computing.launched = ranks_[rank].host_time;
  time_compute(rank);
}

void Executor::time_compute(std::uint32_t rank) {
  ComputeState& computing = ranks_[rank].computing;
  const Seconds device = computing.remaining * computing.slowdown;
  const Seconds host = ranks_[rank].host_time - kernel_.now();
  computing.waits = max(Seconds(0), host - device);
  computing.due = kernel_.now() + max(device, host);
  computing.timer =
      kernel_.start_timer(max(device, host), token_of(rank, Stream::Compute, Part::Compute));
}

double Executor::slowdown(std::uint32_t rank, const Op& op) const {
  const RankState& state = ranks_[rank];
  if (state.comm_multiprocessors == 0 && state.comm_memory.si() <= 0) return 1.0;
  return costs_.slowdown(op.work, state.comm_multiprocessors, state.comm_memory,
                         schedule_.ranks()[rank].kind);
}

void Executor::update_compute(std::uint32_t rank) {
  const Running& run = running(rank, Stream::Compute);
  if (run.frame == kNone) return;
  const Op& op = op_of(run);
  if (op.kind != Op::Kind::Compute) return;
  ComputeState& computing = ranks_[rank].computing;
  if (computing.due <= kernel_.now()) return;  // it ends in this instant, and is about to be told
  const double factor = slowdown(rank, op);
  if (factor == computing.slowdown) return;
  const Seconds done = (kernel_.now() - computing.since) / computing.slowdown;
  computing.remaining = max(Seconds(0), computing.remaining - done);
  computing.since = kernel_.now();
  computing.slowdown = factor;
  kernel_.cancel_timer(computing.timer);
  time_compute(rank);
}

bool Executor::loads_links(const Running& run) const {
  const CollectiveCost& cost = costs_.collective(op_of(run).work);
  return cost.transfer.si() > 0 && !cost.loads.empty();
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
  quiet.timer =
      kernel_.start_timer(time, token_of(ranks.front(), stream, Part::Transfer));
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

// One flow for each level of links that it loads, of what is left. One that is through waits for a
// timer that is due now.
std::uint8_t Executor::start_flows(std::uint32_t rank, Stream stream, Seconds since) {
  const std::uint32_t collective = op_of(running(rank, stream)).work;
  const CollectiveCost& cost = costs_.collective(collective);
  const Token token = token_of(rank, stream, Part::Transfer);
  if (!loads_links(running(rank, stream))) {
    kernel_.start_timer(max(Seconds(0), cost.transfer - (kernel_.now() - since)), token);
    return 1;
  }
  std::uint8_t parts = 0;
  for (std::size_t i = 0; i < cost.loads.size(); ++i) {
    const Bytes bytes = cost.loads[i].bytes;
    Bytes left = bytes;
    if (since < kernel_.now()) left -= demands_.fastest(collective, i) * (kernel_.now() - since);
    if (left <= kRounding * bytes) continue;
    kernel_.start_flow({.demands = demands_.of(collective, i, rank),
                        .size = left,
                        .bound = bytes / cost.transfer},
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

void Executor::end(std::uint32_t rank, Stream stream) {
  const Running run = std::exchange(running(rank, stream), {});
  const Op& op = op_of(run);
  if (op.kind == Op::Kind::Collective) {
    const CollectiveCost& cost = costs_.collective(op.work);
    RankState& state = ranks_[rank];
    if (loads_links(run)) {
      --state.transfers;
      if (state.quiet_on == stream) state.quiet = false;
    }
    state.comm_multiprocessors -= cost.multiprocessors;
    state.comm_memory -= cost.memory;
    // Rounding must not look like traffic.
    if (state.comm_memory < BytesPerSecond(1)) state.comm_memory = BytesPerSecond(0);
    update_compute(rank);
  }
  account(rank, op, run);
  if (coalesce_) note_end(rank, op, run);
  pass_on(rank, run, {.rank = rank, .kind = op.kind, .tile = op.tile, .start = run.start});
  start_ready();
}

void Executor::account(std::uint32_t rank, const Op& op, const Running& run) {
  const Seconds now = kernel_.now();
  if (op.stream == Stream::Compute) {
    const bool launched = op.kind == Op::Kind::Compute;
    tilers_[rank].busy(op.tile, run.start, now,
                       launched ? ranks_[rank].computing.waits : Seconds(0));
  } else {
    tilers_[rank].ended(op.tile, now);
  }
  if (power_ != nullptr) power_->add(rank, power_->use(rank, op, run.start, now));
}

Seconds Executor::time_alone(std::uint32_t rank, const Op& op) const {
  switch (op.kind) {
    case Op::Kind::Compute:
      return block(rank, op).time;
    case Op::Kind::Collective:
      return costs_.collective(op.work).time();
    case Op::Kind::Host:
      return schedule_.tables().host_times[op.work];
  }
  return Seconds(0);
}

}  // namespace event

StepResult execute(const Schedule& schedule, const CostTable& costs, const ExecuteOptions& options,
                   Kernel& kernel) {
  return event::Executor(schedule, costs, options, kernel).run();
}

}  // namespace orrery
