// One operation at a time: starts, shares of devices and links, ends.
#include "engine/executor.hpp"

#include <utility>

#include <orrery/error.hpp>

#include "engine/event_executor.hpp"

namespace orrery {
namespace event {

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
    state.computing.timer = kernel_.start_timer(time, token_of(rank, op.stream, Part::Compute));
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
