#include <algorithm>

#include "engine/estimator.hpp"
#include "engine/executor.hpp"
#include "kernel/kernel.hpp"
#include "sdk/outline_check.hpp"

namespace orrery {
namespace {

constexpr double kExact = 1e-9;
constexpr int kMostUnfolded = 512;

bool same_layout(const JobLayout& a, const JobLayout& b) {
  const auto same_groups = [](const ProcessGroups& x, const ProcessGroups& y) {
    return std::string(x.name) == y.name && x.count == y.count && x.stride == y.stride &&
           x.shape == y.shape;
  };
  return a.ranks == b.ranks && a.programs == b.programs && a.devices == b.devices &&
         a.others == b.others &&
         std::equal(a.groups.begin(), a.groups.end(), b.groups.begin(), b.groups.end(),
                    same_groups);
}

bool same_work(const StepWork& a, const StepWork& b) {
  return a.tokens == b.tokens && a.samples == b.samples && a.model_flops == b.model_flops &&
         a.hardware_flops == b.hardware_flops && a.dtype == b.dtype && a.devices == b.devices;
}

class WorkloadCheck {
 public:
  WorkloadCheck(const Workload& workload, const Platform& platform,
                const CollectiveModel& collectives)
      : workload_(workload), platform_(platform), collectives_(collectives) {}

  Findings run() {
    check_.guard("layout()", [&] {
      check_.expect(same_layout(workload_.layout(platform_), workload_.layout(platform_)),
                    "two calls of layout() differ");
    });
    check_.guard("lower()", [&] { lowerings(); });
    return check_.take();
  }

 private:
  void lowerings() {
    const LoweredWorkload lowered = workload_.lower(platform_, {});
    check_outline(lowered.outline, check_);
    check_.expect(same_outline(lowered.outline, workload_.lower(platform_, {}).outline),
                  "two calls of lower() differ");
    amounts(lowered);
    if (!check_.clean()) return;  // running it would tell no more
    const Seconds folded = ends("folded", lowered);
    analytic();
    if (lowered.work.devices > kMostUnfolded) return;
    const Seconds unfolded = ends("every rank", workload_.lower(platform_, {.fold = false}));
    check_.expect(std::abs(folded / unfolded - 1) <= kExact,
                  "every rank simulated takes {} s, folded {} s", unfolded.si(), folded.si());
  }

  void amounts(const LoweredWorkload& lowered) {
    const StepWork& work = lowered.work;
    const bool positive = sound(work.tokens) && sound(work.samples) &&
                          sound(work.model_flops.si()) && sound(work.hardware_flops.si()) &&
                          sound(lowered.launch_time.si());
    check_.expect(positive, "tokens, samples, FLOPs or launch time are negative");
    check_.expect(work.hardware_flops >= work.model_flops,
                  "fewer FLOPs with recomputation than without");
    const std::optional<MemoryUse> memory = workload_.memory(platform_);
    check_.expect(!memory || (lowered.memory && lowered.memory->total() == memory->total()),
                  "memory() and lower() do not agree on memory");
    const std::optional<StepWork> said = workload_.work(platform_);
    check_.expect(!said || same_work(*said, work), "work() and lower() do not agree on the work");
  }

  [[nodiscard]] CostTable costs(const LoweredWorkload& lowered) const {
    std::vector<DevicePoint> devices;
    for (const DeviceKind& kind : platform_.kinds()) {
      devices.push_back({.accelerator = kind.accelerator.get(),
                         .point = {.regime = lowered.regime, .clock = kind.clock}});
    }
    return {lowered.outline, std::move(devices), collectives_};
  }

  Seconds ends(const char* how, const LoweredWorkload& lowered) {
    const CostTable table = costs(lowered);
    const auto kernel = make_kernel();
    const Schedule schedule(lowered.outline);
    const StepResult step = execute(schedule, table, {.launch_time = lowered.launch_time}, *kernel);
    check_.expect(step.step_time >= step.critical_path * (1 - kExact),
                  "{}: the step takes {}, less than its critical path of {}", how,
                  to_text(step.step_time), to_text(step.critical_path));
    tiles(how, step);
    return step.step_time;
  }

  void analytic() {
    const LoweredWorkload lowered = workload_.lower(platform_, {.shorten = true});
    check_outline(lowered.outline, check_);
    const CostTable table = costs(lowered);
    tiles("in closed form", estimate(lowered.outline, table, lowered.launch_time));
  }

  void tiles(const char* how, const StepResult& step) {
    check_.expect(sound(step.step_time.si()) && step.step_time > Seconds(0),
                  "{}: the step takes {} s", how, step.step_time.si());
    for (std::size_t rank = 0; rank < step.rank_tiles.size(); ++rank) {
      Seconds sum{};
      for (const Seconds tile : step.rank_tiles[rank]) sum += tile;
      check_.expect(std::abs(sum / step.step_time - 1) <= kExact,
                    "{}: the tiles of rank {} sum to {} s, the step takes {} s", how, rank,
                    sum.si(), step.step_time.si());
    }
  }

  const Workload& workload_;
  const Platform& platform_;
  const CollectiveModel& collectives_;
  Check check_;
};

}  // namespace

Findings check_workload(const Workload& workload, const Platform& platform,
                        const CollectiveModel& collectives) {
  return WorkloadCheck(workload, platform, collectives).run();
}

}  // namespace orrery
