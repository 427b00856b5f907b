#pragma once
/// Outlines made by hand, evaluated in closed form and with events.

#include <utility>
#include <vector>

#include "engine/estimator.hpp"
#include "unit/engine/support.hpp"
#include "workload/pipeline_schedule.hpp"

namespace orrery::engine_test {

/// Steps with what they do, and the outline that they belong to. Devices of kind `i` run at
/// `clocks[i]`.
struct OutlineBench {
  Outline outline;
  std::vector<CollectiveCost> collective_costs;
  Seconds launch_time{};
  bool coalesce = true;
  std::vector<double> clocks{1};

  explicit OutlineBench(std::size_t ranks = 1) { outline.ranks.resize(ranks); }

  /// What `routine` is in the table: its first and last step on Compute are found.
  std::uint32_t add(std::vector<Step> steps) {
    Routine routine;
    bool first = true;
    for (std::uint32_t i = 0; i < steps.size(); ++i) {
      if (steps[i].call < 0 && steps[i].op.stream != Stream::Compute) continue;
      if (std::exchange(first, false)) routine.first_compute = i;
      routine.last_compute = i;
    }
    routine.steps = std::move(steps);
    return outline.add(std::move(routine));
  }

  Step compute(const Block& block, std::vector<std::uint32_t> after = {}) {
    outline.blocks.push_back(block);
    Step step;
    step.op = {.kind = Op::Kind::Compute, .work = last(outline.blocks)};
    step.after = std::move(after);
    return step;
  }
  Step compute(double seconds, std::vector<std::uint32_t> after = {}) {
    return compute(Block{gemm(seconds)}, std::move(after));
  }
  Step host(double seconds) {
    outline.host_times.emplace_back(seconds);
    Step step;
    step.op = {.kind = Op::Kind::Host, .tile = Tile::Host, .work = last(outline.host_times)};
    return step;
  }
  /// An entry of the table of collectives.
  std::uint32_t communication(const CollectiveCost& cost, int group = 0,
                              const char* who = "collective") {
    collective_costs.push_back(cost);
    CollectiveRequest request{.bytes = Bytes(static_cast<double>(collective_costs.size() - 1)),
                              .layout = {}};
    outline.collectives.push_back({.request = request, .who = who, .group = group});
    return last(outline.collectives);
  }
  static Step collective(std::uint32_t work, Stream stream, Tile tile,
                         std::vector<std::uint32_t> after = {}) {
    Step step;
    step.op = {.kind = Op::Kind::Collective, .stream = stream, .tile = tile, .work = work};
    step.after = std::move(after);
    return step;
  }
  Step collective(const CollectiveCost& cost, Stream stream, Tile tile,
                  std::vector<std::uint32_t> after = {}) {
    return collective(communication(cost), stream, tile, std::move(after));
  }
  static Step run(std::uint32_t routine, std::uint32_t repeat = 1,
                  std::vector<std::uint32_t> after = {}) {
    Step step;
    step.call = static_cast<std::int32_t>(routine);
    step.repeat = repeat;
    step.after = std::move(after);
    return step;
  }
  std::int32_t pass(const Pass& pass) {
    outline.passes.push_back(pass);
    return static_cast<std::int32_t>(outline.passes.size() - 1);
  }

  [[nodiscard]] CostTable costs(const WorkTables& tables) const {
    static const FakeAccelerator accelerator;
    std::vector<DevicePoint> kinds;
    for (const double clock : clocks) kinds.push_back({&accelerator, {.clock = clock}});
    return {tables, kinds, FakeCollectives(collective_costs)};
  }
  [[nodiscard]] StepResult estimated(bool at_once = true) const {
    return estimate(outline, costs(outline), launch_time, at_once);
  }
  [[nodiscard]] StepResult simulated() const {
    const CostTable table = costs(outline);
    return execute(Schedule(outline), table, {.launch_time = launch_time, .coalesce = coalesce},
                   *test::make_reference_kernel());
  }

 private:
  template <class T>
  static std::uint32_t last(const std::vector<T>& table) {
    return static_cast<std::uint32_t>(table.size() - 1);
  }
};

/// Passes of a 1F1B pipeline, one rank a stage: what each direction runs, and the messages.
struct Pipeline {
  int stages = 1;
  int microbatches = 1;
  std::uint32_t forward = 0;  ///< routine
  std::uint32_t backward = 0;
  std::int32_t message = -1;  ///< collective, where there is a next stage
  Stream message_stream = Stream::Compute;
};

inline void add_passes(OutlineBench& bench, const Pipeline& of) {
  // By direction, stage, microbatch.
  std::map<std::tuple<bool, int, int>, std::int32_t> index;
  for (int stage = 0; stage < of.stages; ++stage) {
    for (const auto& pass : workload::pipeline_order(of.stages, stage, 1, of.microbatches)) {
      const bool sent = pass.backward ? stage > 0 : stage + 1 < of.stages;
      index[{pass.backward, stage, pass.microbatch}] =
          bench.pass({.rank = static_cast<std::uint32_t>(stage),
                      .routine = pass.backward ? of.backward : of.forward,
                      .microbatch = pass.microbatch,
                      .message = sent ? of.message : -1,
                      .message_stream = of.message_stream});
    }
  }
  for (const auto& [of_pass, at] : index) {
    const auto& [backward, stage, microbatch] = of_pass;
    const auto before = index.find({backward, stage + (backward ? 1 : -1), microbatch});
    if (before != index.end()) {
      bench.outline.passes[static_cast<std::size_t>(at)].after = before->second;
    }
  }
}

}  // namespace orrery::engine_test
