#pragma once
/// Sums over the time of a job, or of a single state: what becomes the report's means and peaks.

#include <vector>

#include "job/job_environment.hpp"

namespace orrery {

/// What is summed over time for the devices at one place of a class.
struct DeviceSum {
  double kelvin_seconds = 0;
  Temperature highest, memory_highest;
  Joules energy{};
  Seconds throttled{}, capped{};
  double cycles = 0;  ///< clock x time of training
  double wear = 0;    ///< seconds, by Arrhenius as if at 65 degC
};

class Ledger {
 public:
  explicit Ledger(const JobEnvironment& environment);
  /// Adds the present state of `environment`, for `time`.
  void add(JobEnvironment& environment, JobPhase phase, Seconds time);
  /// Means so far into power, thermal and energy of `report`.
  void fill(const JobEnvironment& environment, OperationReport& report) const;

  // Exact sums of what went through the boundary of the facility.
  Joules electricity{}, rejected{}, stored{};

 private:
  void add_devices(JobEnvironment& environment, JobPhase phase, Seconds time);
  void fill_power(const JobEnvironment& environment, PowerReport& power) const;
  void fill_thermal(const JobEnvironment& environment, ThermalReport& thermal) const;

  Seconds time_{}, training_{};
  Joules working_{}, idle_{};  // of the devices that the job occupies, and of the others
  Joules devices_{}, others_{}, fans_{}, servers_{}, network_{}, distribution_{}, plant_{};
  Watts device_peak_{}, server_peak_{};
  double inlet_ = 0, outlet_ = 0, room_ = 0, exhaust_ = 0, speed_ = 0;  // integrals over time
  std::vector<std::vector<DeviceSum>> sums_;                            // by class and place
};

}  // namespace orrery
