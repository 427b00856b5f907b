// Coalescing: operations of a rank's compute stream that nothing can touch, as one timer.
#include <algorithm>
#include <utility>

#include <orrery/error.hpp>

#include "engine/event_executor.hpp"

namespace orrery::event {

void Executor::check_recording(std::uint32_t index, RankState& rank) {
  if (rank.recording == kNone) return;
  const Program::Instance& run = program_.instances[rank.recording];
  if (index >= run.first && index < run.first + run.count) return;
  timelines_.record(rank.recording, times_);
  rank.recording = kNone;
}

bool Executor::idle(std::uint32_t rank) const {
  const auto& running = ranks_[rank].running;
  return std::all_of(running.begin(), running.end(), [](std::uint32_t op) { return op == kNone; });
}

bool Executor::start_run(std::uint32_t index) {
  const Op& first = program_.ops()[index];
  if (!coalesce_ || first.meeting >= 0 || !idle(first.rank)) return false;
  const RankState& rank = ranks_[first.rank];
  Run& run = runs_[first.rank];
  ORRERY_CHECK(run.ops.empty());
  run.closed = false;
  run.host_time = rank.host_time;
  Seconds now = kernel_.now();
  for (std::uint32_t op = index; op != kNone;) {
    if (!stays(op, index, rank)) break;
    op = graph_.chained(append(run, op, now));
  }
  run.timer = kernel_.start_timer(now - kernel_.now(), token_of(index, Part::Compute));
  return true;
}

bool Executor::start_recorded(std::uint32_t index) {
  const std::uint32_t instance = coalesce_ ? timelines_.beginning_at(index) : kNone;
  const Op& first = program_.ops()[index];
  if (instance == kNone || !idle(first.rank) || !runs_[first.rank].ops.empty()) return false;
  if (timelines_.wanted(instance)) ranks_[first.rank].recording = instance;
  if (first.stream == Stream::Compute || timelines_.find(instance) == nullptr) return false;
  Run& run = runs_[first.rank];
  run.closed = false;
  run.host_time = ranks_[first.rank].host_time;
  Seconds now = kernel_.now();
  (void)append(run, index, now);
  ORRERY_CHECK(run.closed || run.ops.size() == 1);
  if (!run.closed) {  // the host delays it
    run.ops.clear();
    times_[index] = {};
    return false;
  }
  run.timer = kernel_.start_timer(now - kernel_.now(), token_of(index, Part::Compute));
  return true;
}

bool Executor::stays(std::uint32_t op, std::uint32_t first, const RankState& rank) const {
  if (op == first) return true;
  if (rank.recording == kNone) {
    const std::uint32_t instance = timelines_.beginning_at(op);
    return instance == kNone || !timelines_.wanted(instance);
  }
  const Program::Instance& recorded = program_.instances[rank.recording];
  return op < recorded.first + recorded.count;
}

std::uint32_t Executor::append(Run& run, std::uint32_t op, Seconds& now) {
  const std::uint32_t instance = timelines_.beginning_at(op);
  const Timeline* line = instance == kNone ? nullptr : timelines_.find(instance);
  if (line == nullptr || run.host_time - now > line->host_slack) {
    times_[op].start = now;
    now = times_[op].end = end_alone(op, now, run.host_time);
    run.ops.push_back(op);
    return op;
  }
  std::uint32_t last = op;
  for (const OpTime& time : line->ops) {
    times_[op] = {.start = now + time.start, .end = now + time.end};
    if (program_.ops()[op].stream == Stream::Compute) last = op;
    run.ops.push_back(op++);
  }
  now += line->length;
  run.host_time += line->launching;
  run.closed = true;
  return last;
}

Seconds Executor::end_alone(std::uint32_t index, Seconds start, Seconds& host) {
  const Op& op = program_.ops()[index];
  if (op.kind == Op::Kind::Host) return start + program_.host_times[op.work];
  if (op.kind == Op::Kind::Collective) {
    host += launch_time_;
    return start + costs_.collective(op.work).time();
  }
  host += launch_time_ * block(op).launches;
  const Seconds device = start + block(op).time;
  times_[index].host = max(Seconds(0), host - device);
  return max(device, host);
}

void Executor::end_run(std::uint32_t rank) {
  std::vector<std::uint32_t> ops = std::exchange(runs_[rank].ops, {});
  ranks_[rank].host_time = runs_[rank].host_time;
  if (runs_[rank].closed) {  // what ended last is the cause of what it let start
    std::stable_sort(ops.begin(), ops.end(), [this](std::uint32_t a, std::uint32_t b) {
      return times_[a].end < times_[b].end;
    });
  }
  std::vector<std::uint32_t> next;
  for (const std::uint32_t op : ops) pass_on(op, next);
  for (const std::uint32_t op : next) start(op);
}

void Executor::pass_on(std::uint32_t op, std::vector<std::uint32_t>& ready) {
  complete(op, [&](std::uint32_t next) {
    if (times_[next].end < Seconds(0)) ready.push_back(next);
  });
}

void Executor::open_run(std::uint32_t rank) {
  Run& run = runs_[rank];
  if (run.ops.empty()) return;
  kernel_.cancel_timer(run.timer);
  const std::vector<std::uint32_t> ops = std::exchange(run.ops, {});
  if (run.closed) {
    begin_again(ops);
    return;
  }
  std::size_t at = 0;
  std::vector<std::uint32_t> within;  // the run itself holds what waits for them
  for (; at + 1 < ops.size() && times_[ops[at]].end <= kernel_.now(); ++at) {
    (void)end_alone(ops[at], times_[ops[at]].start, ranks_[rank].host_time);
    pass_on(ops[at], within);
  }
  for (std::size_t i = at; i < ops.size(); ++i) times_[ops[i]].end = Seconds(-1);
  resume(ops[at]);
}

void Executor::begin_again(const std::vector<std::uint32_t>& ops) {
  ORRERY_CHECK(times_[ops.front()].start == kernel_.now());
  for (const std::uint32_t op : ops) times_[op] = {};
  const bool coalesce = std::exchange(coalesce_, false);
  for (const std::uint32_t op : ops) {
    start(op);  // communication that opens the routine, then its first kernels
    if (program_.ops()[op].stream == Stream::Compute) break;
  }
  coalesce_ = coalesce;
}

void Executor::resume(std::uint32_t index) {
  const Op& op = program_.ops()[index];
  RankState& rank = ranks_[op.rank];
  const Seconds done = kernel_.now() - times_[index].start;
  rank.running[static_cast<std::size_t>(Stream::Compute)] = index;
  if (op.kind == Op::Kind::Host) {
    kernel_.start_timer(max(Seconds(0), program_.host_times[op.work] - done),
                        token_of(index, Part::Compute));
  } else if (op.kind == Op::Kind::Compute) {
    rank.host_time += launch_time_ * block(op).launches;
    start_compute(index, op, max(Seconds(0), block(op).time - done));
  } else {
    const CollectiveCost& cost = costs_.collective(op.work);
    rank.host_time += launch_time_;
    hold(op, cost.multiprocessors);
    if (done < cost.latency) {
      kernel_.start_timer(cost.latency - done, token_of(index, Part::Latency));
    } else {
      start_transfer(index, std::max(0.0, 1 - (done - cost.latency) / cost.transfer));
    }
  }
}

}  // namespace orrery::event
