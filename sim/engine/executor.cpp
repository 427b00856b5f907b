#include "engine/executor.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "engine/schedule_graph.hpp"
#include "engine/tiling.hpp"
#include "engine/timelines.hpp"

namespace orrery {
namespace {

constexpr std::uint32_t kNone = ScheduleGraph::kNone;

// Tokens: an operation's index and what of it has ended.
enum class Part : std::uint64_t { Compute, Latency, Transfer };
Token token_of(std::uint32_t op, Part part) {
  return static_cast<Token>(op) << 2 | static_cast<Token>(part);
}

// Operations of a rank's compute stream that run as one timer, because nothing else is under way on
// the rank. When something starts there, the run is opened and goes on operation by operation.
struct Run {
  std::vector<std::uint32_t> ops;  // empty: no run
  Kernel::Timer timer = 0;
  Seconds host_time{};  // of the rank, when the run will have ended
  bool closed = false;  // holds a recorded routine: nothing can start on the rank meanwhile
};

struct RankState {
  std::array<std::uint32_t, kStreamCount> running;  // operation on each stream, or kNone
  std::uint32_t recording = kNone;                  // instance whose run is being recorded
  Seconds host_time{};                              // when the host has launched everything so far
  int comm_multiprocessors = 0;
  BytesPerSecond comm_memory{};
};

struct ComputeState {
  Seconds remaining{};  // undisturbed time still to run
  Seconds since{};      // when `remaining` was right
  double slowdown = 1.0;
  Kernel::Timer timer = 0;
};

class Executor final : public CompletionHandler {
 public:
  Executor(const Program& program, const CostTable& costs, const ExecuteOptions& options,
           Kernel& kernel)
      : program_(program),
        costs_(costs),
        launch_time_(options.launch_time),
        coalesce_(options.coalesce),
        kernel_(kernel),
        graph_(program),
        timelines_(program, graph_, costs, options.launch_time),
        ranks_(program.ranks),
        computing_(program.ranks),
        parts_left_(program.ops().size(), 0),
        times_(program.ops().size()),
        last_cause_(program.ops().size(), kNone),
        runs_(program.ranks),
        meetings_(program.meetings.size()) {
    for (RankState& rank : ranks_) rank.running.fill(kNone);
    for (std::size_t i = 0; i < meetings_.size(); ++i) {
      meetings_[i] = {program.meetings[i].size(), program.meetings[i].size()};
    }
    add_ports();
  }

  StepResult run() {
    for (std::uint32_t op = 0; op < program_.ops().size(); ++op) {
      if (graph_.ready(op)) start(op);
    }
    kernel_.run(*this);
    if (done_ != program_.ops().size()) fail_deadlock();
    StepResult result;
    result.step_time = kernel_.now();
    result.events = kernel_.events();
    tile_step(program_, times_, last_cause_, result);
    return result;
  }

  void completed(std::span<const Token> tokens) override {
    for (const Token token : tokens) {
      const auto op = static_cast<std::uint32_t>(token >> 2);
      switch (static_cast<Part>(token & 3)) {
        case Part::Compute:
          end_compute(op);
          break;
        case Part::Latency:
          start_transfer(op);
          break;
        case Part::Transfer:
          if (--parts_left_[op] == 0) end_transfer(op);
          break;
      }
    }
  }

 private:
  // A port of each link class for every represented rank: what it can send when everyone does.
  void add_ports() {
    std::array<BytesPerSecond, 2> capacity{};
    for (const CollectiveUse& use : program_.collectives) {
      const GroupLayout& layout = use.request.layout;
      capacity[0] = max(capacity[0], layout.scale_up);
      capacity[1] = max(capacity[1], layout.scale_out);
    }
    for (std::uint32_t rank = 0; rank < program_.ranks; ++rank) {
      for (std::size_t link = 0; link < capacity.size(); ++link) {
        ports_[link].push_back(capacity[link].si() > 0 ? kernel_.add_port(capacity[link]) : 0);
      }
    }
  }

  void start(std::uint32_t index) {
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

  const BlockCost& block(const Op& op) const {
    return costs_.block(op.work, program_.kind(op.rank));
  }

  // Communication kernels of `op` hold so many more multiprocessors.
  void hold(const Op& op, int multiprocessors) {
    ranks_[op.rank].comm_multiprocessors += multiprocessors;
    update_compute(op.rank);
  }

  // A collective starts when everyone who takes part has come; who waits spins.
  void arrive(std::uint32_t index, const Op& op) {
    if (op.meeting < 0) {
      kernel_.start_timer(costs_.collective(op.work).latency, token_of(index, Part::Latency));
      return;
    }
    const auto meeting = static_cast<std::size_t>(op.meeting);
    if (--meetings_[meeting].to_come > 0) return;
    for (const std::uint32_t member : program_.meetings[meeting]) {
      kernel_.start_timer(costs_.collective(program_.ops()[member].work).latency,
                          token_of(member, Part::Latency));
    }
  }

  // A recording ends when something starts on its rank that is not of it.
  void check_recording(std::uint32_t index, RankState& rank) {
    if (rank.recording == kNone) return;
    const Program::Instance& run = program_.instances[rank.recording];
    if (index >= run.first && index < run.first + run.count) return;
    timelines_.record(rank.recording, times_);
    rank.recording = kNone;
  }

  [[nodiscard]] bool idle(std::uint32_t rank) const {
    const auto& running = ranks_[rank].running;
    return std::all_of(running.begin(), running.end(),
                       [](std::uint32_t op) { return op == kNone; });
  }

  // Starts `index` and what is chained to it as one timer, if nothing else is under way on the
  // rank.
  bool start_run(std::uint32_t index) {
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

  // Starts a routine that begins with communication as one timer, if it is recorded; starts to
  // record it, or one that begins with kernels, if it is not.
  bool start_recorded(std::uint32_t index) {
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

  // Whether a run that began with `first` goes on with `op`: a recording is run by itself.
  [[nodiscard]] bool stays(std::uint32_t op, std::uint32_t first, const RankState& rank) const {
    if (op == first) return true;
    if (rank.recording == kNone) {
      const std::uint32_t instance = timelines_.beginning_at(op);
      return instance == kNone || !timelines_.wanted(instance);
    }
    const Program::Instance& recorded = program_.instances[rank.recording];
    return op < recorded.first + recorded.count;
  }

  // Adds `op`, or the recorded routine that begins with it, to a run at `now`, which is moved.
  // Returns the last operation on the compute stream.
  std::uint32_t append(Run& run, std::uint32_t op, Seconds& now) {
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

  // When an operation that starts at `start` ends, nothing else being under way. The host launches
  // its kernels from `host` on, which is moved.
  Seconds end_alone(std::uint32_t index, Seconds start, Seconds& host) {
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

  // The timer of a run has ended: so have its operations. What waits for them starts after all of
  // them have passed on that they ended.
  void end_run(std::uint32_t rank) {
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

  // Notes who waited for `op` only and has not run with it.
  void pass_on(std::uint32_t op, std::vector<std::uint32_t>& ready) {
    ++done_;
    graph_.complete(op, [&](std::uint32_t next) {
      last_cause_[next] = op;
      if (times_[next].end < Seconds(0)) ready.push_back(next);
    });
  }

  // Something starts on the rank: what of its run has ended is noted, and the operation under way
  // goes on by itself.
  void open_run(std::uint32_t rank) {
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

  // What starts in the same instant as a recorded routine is beside it after all.
  void begin_again(const std::vector<std::uint32_t>& ops) {
    ORRERY_CHECK(times_[ops.front()].start == kernel_.now());
    for (const std::uint32_t op : ops) times_[op] = {};
    const bool coalesce = std::exchange(coalesce_, false);
    for (const std::uint32_t op : ops) {
      start(op);  // communication that opens the routine, then its first kernels
      if (program_.ops()[op].stream == Stream::Compute) break;
    }
    coalesce_ = coalesce;
  }

  // Operation by operation from where a run left it.
  void resume(std::uint32_t index) {
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

  void end_compute(std::uint32_t index) {
    const std::uint32_t rank = program_.ops()[index].rank;
    const Run& run = runs_[rank];
    if (!run.ops.empty() && run.ops.front() == index) {
      end_run(rank);
    } else {
      end(index);
    }
  }

  void start_compute(std::uint32_t index, const Op& op, Seconds remaining) {
    ComputeState& state = computing_[op.rank];
    state.remaining = remaining;
    state.since = kernel_.now();
    state.slowdown = slowdown(op);
    time_compute(index, op, state);
  }

  // The device cannot end a block before the host has launched its last kernel.
  void time_compute(std::uint32_t index, const Op& op, ComputeState& state) {
    const Seconds device = state.remaining * state.slowdown;
    const Seconds host = ranks_[op.rank].host_time - kernel_.now();
    times_[index].host = max(Seconds(0), host - device);
    state.timer = kernel_.start_timer(max(device, host), token_of(index, Part::Compute));
  }

  double slowdown(const Op& op) const {
    const RankState& rank = ranks_[op.rank];
    if (rank.comm_multiprocessors == 0 && rank.comm_memory.si() <= 0) return 1.0;
    return costs_.slowdown(op.work, rank.comm_multiprocessors, rank.comm_memory,
                           program_.kind(op.rank));
  }

  // Communication on `rank` started or ended: re-time the block that runs beside it.
  void update_compute(std::uint32_t rank) {
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

  // `share` of the transfer is left, (0, 1].
  void start_transfer(std::uint32_t index, double share = 1) {
    const Op& op = program_.ops()[index];
    const CollectiveCost& cost = costs_.collective(op.work);
    ranks_[op.rank].comm_memory += cost.memory;
    update_compute(op.rank);
    if (cost.transfer.si() <= 0 || cost.loads.empty() || share <= 0) {
      parts_left_[index] = 1;
      kernel_.start_timer(max(cost.transfer * share, Seconds(0)), token_of(index, Part::Transfer));
      return;
    }
    parts_left_[index] = static_cast<std::uint8_t>(cost.loads.size());
    for (const LinkLoad& load : cost.loads) {
      kernel_.start_flow(ports_[static_cast<std::size_t>(load.link)][op.rank], load.bytes * share,
                         load.bytes / cost.transfer, token_of(index, Part::Transfer));
    }
  }

  // A collective ends for all who take part when it has for the last.
  void end_transfer(std::uint32_t index) {
    const std::int32_t meeting = program_.ops()[index].meeting;
    if (meeting < 0) {
      end(index);
      return;
    }
    const auto at = static_cast<std::size_t>(meeting);
    if (--meetings_[at].to_end > 0) return;
    for (const std::uint32_t member : program_.meetings[at]) end(member);
  }

  void end(std::uint32_t index) {
    const Op& op = program_.ops()[index];
    RankState& rank = ranks_[op.rank];
    times_[index].end = kernel_.now();
    rank.running[static_cast<std::size_t>(op.stream)] = kNone;
    ++done_;
    if (op.kind == Op::Kind::Collective) {
      const CollectiveCost& cost = costs_.collective(op.work);
      rank.comm_multiprocessors -= cost.multiprocessors;
      rank.comm_memory -= cost.memory;
      update_compute(op.rank);
    }
    std::vector<std::uint32_t> ready;
    graph_.complete(index, [&](std::uint32_t next) {
      last_cause_[next] = index;
      ready.push_back(next);
    });
    for (const std::uint32_t next : ready) start(next);
  }

  [[noreturn]] void fail_deadlock() const {
    std::uint32_t stuck = 0;
    while (times_[stuck].end.si() >= 0) ++stuck;
    const Op& op = program_.ops()[stuck];
    throw SimulationError(fmt::format(
        "the step cannot end: {} of {} operations wait for one another; the first is operation {} "
        "({}) of represented rank {}",
        program_.ops().size() - done_, program_.ops().size(), stuck,
        op.label >= 0 ? program_.labels[static_cast<std::size_t>(op.label)] : to_text(op.tile),
        op.rank));
  }

  struct Meeting {
    std::size_t to_come = 0;
    std::size_t to_end = 0;
  };

  const Program& program_;
  const CostTable& costs_;
  Seconds launch_time_;
  bool coalesce_;
  Kernel& kernel_;
  ScheduleGraph graph_;
  Timelines timelines_;
  std::vector<RankState> ranks_;
  std::vector<ComputeState> computing_;   // one per rank: its running block
  std::vector<std::uint8_t> parts_left_;  // flows of a collective under way
  std::vector<OpTime> times_;
  std::vector<std::uint32_t> last_cause_;  // whose end let an operation start
  std::array<std::vector<Kernel::Port>, 2> ports_;
  std::vector<Run> runs_;  // one per rank
  std::vector<Meeting> meetings_;
  std::size_t done_ = 0;
};

}  // namespace

StepResult execute(const Program& program, const CostTable& costs, const ExecuteOptions& options,
                   Kernel& kernel) {
  StepResult result = Executor(program, costs, options, kernel).run();
  result.critical_path = critical_path(program, costs);
  return result;
}

}  // namespace orrery
