#pragma once
/// The interface of a workload: what to run on a platform, and what it needs and achieves.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <orrery/outline.hpp>
#include <orrery/platform.hpp>
#include <orrery/sdk/folded_job.hpp>
#include <orrery/sdk/job_layout.hpp>
#include <orrery/strategy.hpp>

namespace orrery {

/// Device memory of the fullest represented rank, by what holds it.
struct MemoryUse {
  Bytes weights{};
  Bytes gradients{};
  Bytes optimizer{};
  Bytes activations{};
  Bytes buffers{};  ///< communication, workspace, runtime context
  [[nodiscard]] Bytes total() const {
    return weights + gradients + optimizer + activations + buffers;
  }
};

/// What a step of the workload amounts to, for throughput metrics. Zero where it has no meaning.
struct StepWork {
  double tokens = 0;  ///< of the global batch
  double samples = 0;
  Flops model_flops{};        ///< of the global batch; recomputation not counted, attention counted
  Flops hardware_flops{};     ///< recomputation counted
  Dtype dtype = Dtype::Bf16;  ///< whose peak MFU refers to
  int devices = 1;            ///< that the job occupies; lower() sets it
  /// Which those are, in ascending order; empty: the first ones. lower() sets it.
  std::vector<int> device_list{};
};

/// A copy or collective on named parts of a machine: what one represented rank of its outline does.
struct PlacedTransfer {
  std::string name;
  Bytes bytes{};
  Seconds at{};       ///< from the start of the step
  std::string limit;  ///< the resource that bounds it alone; empty where its model does
};

/// A workload lowered onto a platform.
struct LoweredWorkload {
  Outline outline;
  std::optional<MemoryUse> memory;  ///< none for a kernel or collective alone
  std::string memory_advice;        ///< the nearest change that would fit, when it does not
  StepWork work;
  OperatingPoint::Regime regime = OperatingPoint::Regime::Sustained;
  Seconds launch_time{};          ///< host time of one kernel launch; zero under graph capture
  bool bus_bandwidth = false;     ///< report algorithm and bus bandwidth (a collective alone)
  Others others = Others::Alike;  ///< as JobLayout::others
  std::vector<std::string> warnings;
  /// One for every represented rank, where operations are placed on parts of the machine.
  std::vector<PlacedTransfer> transfers;
};

/// How a workload is lowered.
struct LowerOptions {
  /// One represented rank for all that behave alike; otherwise every rank is represented.
  bool fold = true;
  /// Leave out microbatches that repeat others (Outline::microbatches_left_out).
  bool shorten = false;
};

/// A workload says who its ranks are (layout()) and builds the step of one rank of every class
/// (build()); lower() is what others call, and the one place where ranks are folded. Its functions
/// are pure: the same arguments give equal results, from several threads at once.
/// `orrery/sdk/` has what an implementation is made of, and conformance.hpp checks one.
class Workload {
 public:
  virtual ~Workload() = default;
  /// The step on `platform`: layout(), folding, build(), in this order. Fills in the ranks of the
  /// outline where build() left them out, and the devices of StepWork.
  /// @throws ConfigError where recipe and platform do not go together, naming both places.
  /// @throws InternalError where the ranks on a kind of device are not as many as such devices.
  [[nodiscard]] LoweredWorkload lower(const Platform& platform, const LowerOptions& options) const;
  /// Who takes part: ranks, their devices and their process groups by formula. Cheap: it does not
  /// look at single ranks. @throws ConfigError as lower()
  [[nodiscard]] virtual JobLayout layout(const Platform& platform) const = 0;
  /// What lower() says of memory, without lowering; none where it says nothing.
  /// @throws ConfigError as lower()
  [[nodiscard]] virtual std::optional<MemoryUse> memory(const Platform&) const { return {}; }
  /// What lower() says of the step, without lowering; none where that is not known before.
  [[nodiscard]] virtual std::optional<StepWork> work(const Platform&) const { return {}; }
  /// The ways in which the workload could be laid out; null when there is only this one.
  /// @throws ConfigError for a dimension or value of `search` that there is not.
  [[nodiscard]] virtual std::unique_ptr<const StrategySpace> strategies(const Platform&,
                                                                        const SearchValues&) const {
    return nullptr;
  }

 protected:
  /// The outline of the represented ranks, one for every class of `job` in their order; their
  /// routines differ where their programs or the links of their groups do. `job` is laid out as
  /// layout() said and lives until build() returns. @throws ConfigError as lower()
  [[nodiscard]] virtual LoweredWorkload build(const FoldedJob& job,
                                              const LowerOptions& options) const = 0;
  /// For workloads whose operations lie on named parts of the machine instead of on ranks: the
  /// whole outline, each operation a represented rank of its own that shares resources with the
  /// others (Platform::part()). Nothing is folded, and layout() and build() are not called. None
  /// for all others. @throws ConfigError as lower()
  [[nodiscard]] virtual std::optional<LoweredWorkload> place(const Platform&) const { return {}; }
};

}  // namespace orrery
