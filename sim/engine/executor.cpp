// One operation at a time: starts, shares of devices and links, ends.
#include "engine/executor.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "engine/event_executor.hpp"
#include "engine/power_trace.hpp"

namespace orrery {
namespace event {

Executor::Executor(const Program& program, const CostTable& costs, const ExecuteOptions& options,
                   Kernel& kernel)
    : program_(program),
      costs_(costs),
      launch_time_(options.launch_time),
      coalesce_(options.coalesce),
      power_trace_(options.power_trace),
      kernel_(kernel),
      demands_(program, costs, kernel),
      graph_(program, options.coalesce),
      timelines_(program, graph_, costs, options.launch_time, options.coalesce),
      ranks_(program.ranks),
      computing_(program.ranks),
      parts_left_(program.ops().size(), 0),
      times_(program.ops().size()),
      last_cause_(program.ops().size(), kNone),
      earliest_(program.ops().size()),
      runs_(program.ranks),
      meetings_(program.meetings.size()) {
  for (RankState& rank : ranks_) rank.running.fill(kNone);
  for (std::size_t i = 0; i < meetings_.size(); ++i) {
    const auto members = static_cast<std::uint32_t>(program.meetings[i].size());
    meetings_[i] = {.to_come = members, .to_end = members};
  }
}

StepResult Executor::run() {
  for (std::uint32_t op = 0; op < program_.ops().size(); ++op) {
    if (graph_.ready(op)) start(op);
  }
  kernel_.run(*this);
  if (done_ != program_.ops().size()) fail_deadlock();
  StepResult result;
  result.step_time = kernel_.now();
  result.critical_path = critical_path_;
  result.events = kernel_.events();
  result.flows = kernel_.flows();
  result.shared_flows = kernel_.shared_flows();
  tile_step(program_, times_, last_cause_, result);
  if (power_trace_) result.power = power_traces(program_, times_, costs_, result.step_time);
  return result;
}

void Executor::completed(std::span<const Token> tokens) {
  for (const Token token : tokens) {
    const auto op = static_cast<std::uint32_t>(token >> 2);
    switch (static_cast<Part>(token & 3)) {
      case Part::Compute:
        end_compute(op);
        break;
      case Part::Latency:
        end_latency(op);
        break;
      case Part::Transfer:
        if (--parts_left_[op] == 0) end_transfer(op);
        break;
    }
  }
}

void Executor::start(std::uint32_t index) {
  const Op& op = program_.ops()[index];
  RankState& rank = ranks_[op.rank];
  if (times_[index].end >= Seconds(0)) return;  // under way in a recorded routine
  check_recording(index, rank);
  if (start_recorded(index)) return;
  if (op.stream != Stream::Compute) open_run(op.rank);
  ORRERY_CHECK(rank.running[static_cast<std::size_t>(op.stream)] == kNone);
  if (op.host_sync) rank.host_time = max(rank.host_time, kernel_.now());
  if (op.stream == Stream::Compute && start_run(index)) return;
  rank.running[static_cast<std::size_t>(op.stream)] = index;
  times_[index].start = kernel_.now();
  if (op.kind == Op::Kind::Host) {
    kernel_.start_timer(program_.host_times[op.work], token_of(index, Part::Compute));
  } else if (op.kind == Op::Kind::Compute) {
    rank.host_time += launch_time_ * block(op).launches;
    start_compute(index, op, block(op).time);
  } else {
    rank.host_time += launch_time_;
    hold(op, costs_.collective(op.work).multiprocessors);
    arrive(index, op);
  }
}

const BlockCost& Executor::block(const Op& op) const {
  return costs_.block(op.work, program_.kind(op.rank));
}

void Executor::hold(const Op& op, int multiprocessors) {
  ranks_[op.rank].comm_multiprocessors += multiprocessors;
  update_compute(op.rank);
}

void Executor::arrive(std::uint32_t index, const Op& op) {
  if (op.meeting < 0) {
    kernel_.start_timer(costs_.collective(op.work).latency, token_of(index, Part::Latency));
    return;
  }
  const auto meeting = static_cast<std::size_t>(op.meeting);
  if (--meetings_[meeting].to_come > 0) return;
  Seconds earliest{};
  for (const std::uint32_t member : program_.meetings[meeting]) {
    earliest = max(earliest, earliest_[member]);
  }
  for (const std::uint32_t member : program_.meetings[meeting]) earliest_[member] = earliest;
  if (wait_together(meeting)) {
    kernel_.start_timer(costs_.collective(op.work).latency, token_of(index, Part::Latency));
    return;
  }
  for (const std::uint32_t member : program_.meetings[meeting]) {
    kernel_.start_timer(costs_.collective(program_.ops()[member].work).latency,
                        token_of(member, Part::Latency));
  }
}

bool Executor::wait_together(std::size_t meeting) const {
  const auto& members = program_.meetings[meeting];
  const auto latency = [this](std::uint32_t member) {
    return costs_.collective(program_.ops()[member].work).latency;
  };
  return std::all_of(members.begin(), members.end(), [&](std::uint32_t member) {
    return latency(member) == latency(members.front());
  });
}

void Executor::end_latency(std::uint32_t index) {
  const std::int32_t meeting = program_.ops()[index].meeting;
  if (meeting < 0 || !wait_together(static_cast<std::size_t>(meeting))) {
    start_transfer(index);
    return;
  }
  for (const std::uint32_t member : program_.meetings[static_cast<std::size_t>(meeting)]) {
    start_transfer(member);
  }
}

void Executor::end_compute(std::uint32_t index) {
  const std::uint32_t rank = program_.ops()[index].rank;
  const Run& run = runs_[rank];
  if (!run.ops.empty() && run.ops.front() == index) {
    end_run(rank);
  } else {
    end(index);
  }
}

void Executor::start_compute(std::uint32_t index, const Op& op, Seconds remaining) {
  ComputeState& state = computing_[op.rank];
  state.remaining = remaining;
  state.since = kernel_.now();
  state.slowdown = slowdown(op);
  time_compute(index, op, state);
}

void Executor::time_compute(std::uint32_t index, const Op& op, ComputeState& state) {
  const Seconds device = state.remaining * state.slowdown;
  const Seconds host = ranks_[op.rank].host_time - kernel_.now();
  times_[index].host = max(Seconds(0), host - device);
  state.timer = kernel_.start_timer(max(device, host), token_of(index, Part::Compute));
}

double Executor::slowdown(const Op& op) const {
  const RankState& rank = ranks_[op.rank];
  if (rank.comm_multiprocessors == 0 && rank.comm_memory.si() <= 0) return 1.0;
  return costs_.slowdown(op.work, rank.comm_multiprocessors, rank.comm_memory,
                         program_.kind(op.rank));
}

void Executor::update_compute(std::uint32_t rank) {
  const std::uint32_t index = ranks_[rank].running[static_cast<std::size_t>(Stream::Compute)];
  if (index == kNone || program_.ops()[index].kind != Op::Kind::Compute) return;
  const Op& op = program_.ops()[index];
  ComputeState& state = computing_[rank];
  const double factor = slowdown(op);
  if (factor == state.slowdown) return;
  const Seconds done = (kernel_.now() - state.since) / state.slowdown;
  state.remaining = max(Seconds(0), state.remaining - done);
  state.since = kernel_.now();
  state.slowdown = factor;
  kernel_.cancel_timer(state.timer);
  time_compute(index, op, state);
}

void Executor::start_transfer(std::uint32_t index, double share) {
  const Op& op = program_.ops()[index];
  const CollectiveCost& cost = costs_.collective(op.work);
  ranks_[op.rank].comm_memory += cost.memory;
  update_compute(op.rank);
  if (cost.transfer.si() <= 0 || cost.loads.empty() || share <= 0) {
    parts_left_[index] = 1;
    kernel_.start_timer(max(cost.transfer * share, Seconds(0)), token_of(index, Part::Transfer));
    return;
  }
  parts_left_[index] = start_flows(index, op.rank, cost, share);
}

// One flow for each level of links that it loads.
std::uint8_t Executor::start_flows(std::uint32_t index, std::uint32_t rank,
                                   const CollectiveCost& cost, double share) {
  const std::uint32_t collective = program_.ops()[index].work;
  for (std::size_t i = 0; i < cost.loads.size(); ++i) {
    const Bytes bytes = cost.loads[i].bytes;
    kernel_.start_flow({.demands = demands_.of(collective, i, rank),
                        .size = bytes * share,
                        .bound = bytes / cost.transfer},
                       token_of(index, Part::Transfer));
  }
  return static_cast<std::uint8_t>(cost.loads.size());
}

void Executor::end_transfer(std::uint32_t index) {
  const std::int32_t meeting = program_.ops()[index].meeting;
  if (meeting < 0) {
    end(index);
    return;
  }
  const auto at = static_cast<std::size_t>(meeting);
  if (--meetings_[at].to_end > 0) return;
  for (const std::uint32_t member : program_.meetings[at]) end(member);
}

void Executor::end(std::uint32_t index) {
  const Op& op = program_.ops()[index];
  RankState& rank = ranks_[op.rank];
  times_[index].end = kernel_.now();
  rank.running[static_cast<std::size_t>(op.stream)] = kNone;
  if (op.kind == Op::Kind::Collective) {
    const CollectiveCost& cost = costs_.collective(op.work);
    rank.comm_multiprocessors -= cost.multiprocessors;
    rank.comm_memory -= cost.memory;
    // Rounding must not look like traffic.
    if (rank.comm_memory < BytesPerSecond(1)) rank.comm_memory = BytesPerSecond(0);
    update_compute(op.rank);
  }
  // start() may end nothing, so the scratch is free until it returns.
  ready_.clear();
  complete(index, [this](std::uint32_t next) { ready_.push_back(next); });
  for (const std::uint32_t next : ready_) start(next);
}

Seconds Executor::time_alone(const Op& op) const {
  switch (op.kind) {
    case Op::Kind::Compute:
      return block(op).time;
    case Op::Kind::Collective:
      return costs_.collective(op.work).time();
    case Op::Kind::Host:
      return program_.host_times[op.work];
  }
  return Seconds(0);
}

void Executor::fail_deadlock() const {
  std::uint32_t stuck = 0;
  while (stuck + 1 < times_.size() && times_[stuck].end.si() >= 0) ++stuck;
  const Op& op = program_.ops()[stuck];
  throw SimulationError(fmt::format(
      "the step cannot end: {} of {} operations wait for one another; the first is operation {} "
      "({}) of represented rank {}",
      program_.ops().size() - done_, program_.ops().size(), stuck,
      op.label >= 0 ? program_.labels[static_cast<std::size_t>(op.label)] : to_text(op.tile),
      op.rank));
}

}  // namespace event

StepResult execute(const Program& program, const CostTable& costs, const ExecuteOptions& options,
                   Kernel& kernel) {
  return event::Executor(program, costs, options, kernel).run();
}

}  // namespace orrery
