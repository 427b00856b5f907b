#pragma once
/// The ways in which a workload could be laid out on a platform, for a planner.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <orrery/collective.hpp>
#include <orrery/work.hpp>

namespace orrery {

class Workload;

/// One way, as the settings that lead to it: dotted paths and values, as `--set` takes them.
struct Strategy {
  std::vector<std::pair<std::string, std::string>> settings;
  std::unique_ptr<const Workload> workload;
};

/// What work takes alone on the platform, as a search evaluates it.
class WorkTimes {
 public:
  virtual ~WorkTimes() = default;
  /// All launches of a kernel, on the kind of device that is fastest at it.
  /// @throws ConfigError as the device does
  [[nodiscard]] virtual Seconds of(const Work& work) const = 0;
  /// The same on a kind of Platform::kinds().
  [[nodiscard]] virtual Seconds of(const Work& work, std::size_t kind) const = 0;
  /// @throws ConfigError as the collective model does
  [[nodiscard]] virtual Seconds of(const CollectiveRequest& request) const = 0;
};

/// Weighs the strategies of a space without laying out their steps, and remembers what they have in
/// common. One for each thread; what it says of a strategy does not depend on what it was asked
/// before.
class StrategyScale {
 public:
  virtual ~StrategyScale() = default;
  /// What the fullest device needs, exactly as Workload::memory(). @pre index < size()
  /// @throws ConfigError where the strategy and the platform do not go together
  [[nodiscard]] virtual Bytes memory(std::size_t index) = 0;
  /// A time that no evaluation of the step is below, however its operations wait for one another:
  /// what its work takes one after the other on a device. Zero where nothing is known.
  /// @throws ConfigError where something cannot be costed
  [[nodiscard]] virtual Seconds least_time(std::size_t index) = 0;
};

/// All legal ways, in a fixed order. Thread-safe.
class StrategySpace {
 public:
  virtual ~StrategySpace() = default;
  [[nodiscard]] virtual std::size_t size() const = 0;
  /// @pre index < size()
  [[nodiscard]] virtual Strategy at(std::size_t index) const = 0;
  /// Weighs its strategies; null: only their workloads can. Refers to the space, to the platform
  /// that it was made for and to `times`, which outlive it.
  [[nodiscard]] virtual std::unique_ptr<StrategyScale> scale(const WorkTimes&) const {
    return nullptr;
  }
  /// How many combinations of values are not legal, by reason.
  [[nodiscard]] virtual const std::map<std::string, std::size_t>& rejected() const = 0;
};

/// Values to which a search is restricted, by the name of the dimension ("tensor": 1, 2, 4).
using SearchValues = std::map<std::string, std::vector<std::string>>;

}  // namespace orrery
