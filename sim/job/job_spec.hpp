#pragma once
/// What a scenario says of a job in time and of its surroundings: `environment`, `job`, `record`
/// and parts of `run`. Keys are described in configs/README.md.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <orrery/accelerator.hpp>
#include <orrery/cooling.hpp>
#include <orrery/models.hpp>
#include <orrery/schema.hpp>

#include "job/weather.hpp"

namespace orrery {

struct Environment {
  std::shared_ptr<const Plant> plant;  ///< null: air and liquid come at `inlet`, at no cost
  WeatherSeries weather;
  Temperature inlet = Temperature::celsius(25);
  bool stated = false;  ///< the scenario has the key
};

/// Something that happens to the machine or is done to it.
struct JobEvent {
  enum class What { Fans, Chiller, CoolantPump, RoomFans, Cap, Clock };
  What what = What::Fans;
  Seconds at{};
  std::optional<Seconds> until;
  std::vector<int> servers;  ///< of a fan failure
  double left = 0;           ///< of their flow
  Watts cap{};               ///< zero: the device's own
  Hertz clock{};             ///< zero: none
  Location where;
};

struct CheckpointSpec {
  double every = 0;  ///< steps between two; 0: none
  Seconds takes{};   ///< devices wait for them
};

struct JobSpec {
  /// One of them is set.
  std::optional<Seconds> duration;
  std::optional<double> steps, tokens;
  Seconds interval{1};  ///< of control, and at which heat is exchanged with the building
  bool cold = true;     ///< starts from idle machines; otherwise from the settled state
  CheckpointSpec checkpoint;
  std::vector<JobEvent> events;  ///< sorted by time
};

struct RecordSpec {
  Seconds interval{};  ///< of a job's rows; zero: some thousand rows in all
  bool step = false;   ///< the power within a step
};

/// What the user sets of the devices.
struct LimitSpec {
  Watts cap{};                        ///< zero: the device's own
  Hertz clock{};                      ///< zero: none
  std::optional<std::uint64_t> seed;  ///< spreads devices; none: all run as the slowest of them
  Location cap_at, clock_at;
};

struct OperationSpec {
  Environment environment;
  std::optional<JobSpec> job;
  RecordSpec record;
  LimitSpec limits;
};

/// The nodes of a scenario; Null where it has none.
struct OperationNodes {
  Node environment, job, record;
};

/// Mistakes go to `diagnostics`.
OperationSpec read_operation(const OperationNodes& nodes, const Models<Plant>& plants,
                             Diagnostics& diagnostics);
/// The keys of `environment`, `job` and `record`.
std::vector<Table> operation_tables();
/// Servers that events of the job single out, sorted.
std::vector<int> servers_apart(const OperationSpec& spec);
/// @throws ConfigError where the job and the machine do not go together: caps and clocks outside of
/// what the devices take, servers that there are not, weather that ends before the job.
void check_operation(const OperationSpec& spec, const Accelerator& accelerator, int servers);

}  // namespace orrery
