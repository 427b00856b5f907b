#pragma once
/// The rows of a job's time series.

#include <orrery/telemetry.hpp>

#include "job/job_environment.hpp"

namespace orrery {

class JobRows {
 public:
  /// Writes the header into `series`: the facility, then every class of servers under the name of
  /// its first. Keeps a reference.
  JobRows(const JobEnvironment& environment, TimeSeries& series);
  void add(JobEnvironment& environment, Seconds now, JobPhase phase, const Weather& weather);

 private:
  TimeSeries& series_;
};

/// The power of every represented rank over a step: a row where one of them changes.
TimeSeries step_rows(const StepResult& step, const std::vector<std::string>& rank_names);

}  // namespace orrery
