#pragma once
/// What the machine draws and how hot it gets while it runs a job: part of a Report. Means are over
/// the steady state or, with a job, over its time.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <orrery/program.hpp>
#include <orrery/quantity.hpp>
#include <orrery/step_result.hpp>
#include <orrery/telemetry.hpp>

namespace orrery {

/// Where the electricity goes, as means. `devices` to `fans` are of one server (the mean one),
/// behind its supplies; the others of all servers that the job occupies.
struct PowerReport {
  bool machine = false;  ///< false: only the devices' power is known
  int servers = 1;
  Watts device_mean{};   ///< of the devices that the job occupies
  Watts device_peak{};   ///< likewise, the highest of any; no less than any draws in the mean
  int idle_devices = 0;  ///< of these servers, which the job leaves idle
  Watts idle_mean{};     ///< of one of them
  Watts devices{};       ///< all of a server, idle ones included
  Watts others{};        ///< CPUs, memory, NICs, switches, drives, board
  Watts fans{};
  Watts supply_loss{};
  Watts server_mean{};  ///< at the wall
  Watts server_peak{};
  Watts network{};  ///< switches and optics outside the servers
  Watts it_mean{};  ///< servers and network
  Watts distribution_loss{};
  Watts plant{};  ///< pumps, chillers, towers, room fans
  Watts facility_mean{};
  double pue = 0;  ///< facility / IT
};

struct EnergyReport {
  Joules step{};   ///< of the whole facility, for one step; of the devices where no more is known
  Joules token{};  ///< likewise, for a token; zero where there are none
  BoardEnergy device_step;                                ///< of the mean device, by what for
  std::array<Joules, kTileCount> device_step_by_phase{};  ///< of the mean device, by tile
  Joules total{};     ///< of the facility over the job; zero without one
  Joules rejected{};  ///< heat that left it
  Joules stored{};    ///< rise of what parts, coolant and room hold
  /// (total - rejected - stored) / total: rounding only.
  double balance_error = 0;
};

/// Devices at one place of servers of one class.
struct DeviceThermal {
  std::string name;  ///< "server0.gpu3" of the class's first server
  int count = 1;     ///< devices that it stands for
  Temperature mean, highest;
  Temperature memory_highest;
  Watts power{};
  Hertz clock_mean{};             ///< over the time that kernels run
  double throttled_fraction = 0;  ///< of the time, held down by heat
  double capped_fraction = 0;     ///< of the time, held down by the power cap
};

struct ThermalReport {
  std::vector<DeviceThermal> devices;
  Temperature inlet;     ///< of the medium that cools the devices, at the servers
  Temperature outlet;    ///< of the same
  bool liquid = false;   ///< the medium
  Temperature room;      ///< air that the servers draw in
  Temperature exhaust;   ///< air that they blow out
  double fan_speed = 0;  ///< of the servers' fans, ratio of the highest, mean
  /// Wear-out time of the hottest device against one at 65 degC, by Arrhenius with 0.7 eV:
  /// relative, no measured lifetime.
  double lifetime_factor = 0;
};

/// A job over hours or days.
struct JobReport {
  Seconds horizon{};   ///< that was asked for
  Seconds duration{};  ///< that was reached
  double steps = 0;
  double tokens = 0;
  Seconds step_time_mean{};
  Seconds checkpoint{};        ///< time in them
  Seconds capped{};            ///< time of training with clocks held down by the power cap
  Seconds throttled{};         ///< by heat: clocks ramped down to hold the temperature
  Seconds slowed{};            ///< by heat: clocks halved
  std::string throttle_cause;  ///< "server12.gpu5 die above 87.0 degC", of the first time; or empty
  std::string stopped;         ///< why it ended before its horizon; or empty
  int evaluations = 0;         ///< operating points at which a step was simulated
};

struct OperationReport {
  PowerReport power;
  EnergyReport energy;
  std::optional<ThermalReport> thermal;  ///< none where the server says nothing of its cooling
  std::optional<JobReport> job;
  /// One row an interval: facility, servers, temperatures, clocks (`job`); and within a step
  /// (`step`).
  TimeSeries job_series;
  TimeSeries step_series;
};

}  // namespace orrery
