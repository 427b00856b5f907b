#pragma once
/// The ways in which a workload could be laid out on a platform, for a planner.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace orrery {

class Workload;

/// One way, as the settings that lead to it: dotted paths and values, as `--set` takes them.
struct Strategy {
  std::vector<std::pair<std::string, std::string>> settings;
  std::unique_ptr<const Workload> workload;
};

/// All legal ways, in a fixed order. Thread-safe.
class StrategySpace {
 public:
  virtual ~StrategySpace() = default;
  [[nodiscard]] virtual std::size_t size() const = 0;
  /// @pre index < size()
  [[nodiscard]] virtual Strategy at(std::size_t index) const = 0;
  /// How many combinations of values are not legal, by reason.
  [[nodiscard]] virtual const std::map<std::string, std::size_t>& rejected() const = 0;
};

/// Values to which a search is restricted, by the name of the dimension ("tensor": 1, 2, 4).
using SearchValues = std::map<std::string, std::vector<std::string>>;

}  // namespace orrery
