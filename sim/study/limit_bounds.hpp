#pragma once
/// Which limits of a plan a strategy cannot keep, as far as that is known before its step is
/// evaluated.

#include <vector>

#include <orrery/workload.hpp>

#include "scenario/machine.hpp"
#include "study/plan_spec.hpp"

namespace orrery {

/// What a strategy takes of memory is known, and no step is shorter than its bound: its rates are
/// no higher then. Of other metrics nothing is known. Keeps references to both arguments.
class LimitBounds {
 public:
  /// @throws ConfigError for a limit of memory or throughput that no report has
  LimitBounds(const Machine& machine, const std::vector<Limit>& limits);

  /// The first limit that is out of reach for a workload whose step takes `least` or more; null
  /// where none is known to be. Thread-safe.
  /// @throws ConfigError as Workload::lower()
  [[nodiscard]] const Limit* out_of_reach(const Workload& workload, Seconds least) const;

 private:
  const Machine& machine_;
  std::vector<const Limit*> bounded_;  // of memory and throughput, in their order
};

/// The number that a limit is about. @throws ConfigError, with the place of the limit, where the
/// report has no such number
double value_of(const Report& report, const Limit& limit);

}  // namespace orrery
