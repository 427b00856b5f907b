#pragma once
/// The result of a run, with provenance.

#include <optional>
#include <string>
#include <vector>

#include <orrery/operation_report.hpp>
#include <orrery/scenario.hpp>
#include <orrery/step_result.hpp>
#include <orrery/workload.hpp>

namespace orrery {

struct Throughput {
  Seconds step_time{};
  double tokens_per_second = 0;
  double samples_per_second = 0;
  double tokens_per_second_per_device = 0;
  FlopsPerSecond model_per_device{};     ///< recomputation not counted
  FlopsPerSecond hardware_per_device{};  ///< recomputation counted
  double mfu = 0;                        ///< of the datasheet's dense rate in the run's precision
  double hfu = 0;
};

struct MemoryReport {
  bool fits = true;
  Bytes capacity{};
  MemoryUse use;
  std::string advice;  ///< the nearest change that fits; empty when it fits
};

/// Of a collective alone, as nccl-tests defines them.
struct CollectiveReport {
  std::string algorithm;
  std::string protocol;
  BytesPerSecond algorithm_bandwidth{};
  BytesPerSecond bus_bandwidth{};
  Others others = Others::Idle;  ///< what the devices that take no part do
};

/// A copy or collective on named parts of the machine.
struct TransferReport {
  std::string name;
  Bytes bytes{};
  Seconds at{};
  Seconds time{};                  ///< from `at` to its end
  BytesPerSecond bandwidth{};      ///< bytes / time: a collective's algorithm bandwidth
  BytesPerSecond bus_bandwidth{};  ///< of a collective, as nccl-tests defines it; zero for a copy
  std::string algorithm{};         ///< of a collective; empty for a copy
  std::string protocol{};          ///< likewise
  Seconds alone{};                 ///< what it takes with nothing else under way
  std::string alone_limit{};       ///< what then bounds it, a resource; empty where its model does
  std::string busiest{};           ///< of the resources that it takes, while it ran; empty: none
  double busiest_activity = 0;     ///< of that, by all transfers: ratio of its capacity
};

/// A resource that transfers shared.
struct ResourceReport {
  std::string name;
  std::string kind;
  BytesPerSecond capacity{};
  double activity = 0;  ///< of its capacity, mean over the step
  Watts power{};        ///< likewise, of the part that it belongs to; zero where that is not known
};

/// What the simulation itself took; differs from run to run.
struct SimulationCost {
  Seconds wall{};
  Bytes peak_memory{};
};

struct Report {
  std::string scenario;
  std::string description;
  std::string version;
  std::string system;
  std::string accelerator;
  int devices = 1;           ///< that the job occupies: what means over devices are about
  int machine_devices = 1;   ///< of the system
  std::string device_names;  ///< of the job's: "server0.gpu0 to server0.gpu7"
  std::vector<InputFile> inputs;
  std::string fidelity = "event";
  std::vector<std::string> warnings;
  std::vector<std::string> rank_names;  ///< of the represented ranks
  /// None when the job does not fit in memory.
  std::optional<Throughput> throughput;
  StepResult step;                             ///< meaningful with throughput
  std::optional<MemoryReport> memory;          ///< none for a kernel or a collective alone
  std::optional<CollectiveReport> collective;  ///< of a collective alone
  std::vector<TransferReport> transfers;       ///< of `kind: transfers`, in their order
  std::vector<ResourceReport> resources;       ///< likewise, the busiest first
  std::optional<OperationReport> operation;    ///< none where the devices' power is not known
  std::uint64_t seed = 0;
  SimulationCost cost;
};

struct JsonOptions {
  bool timing = false;  ///< adds what the simulation took, which differs from run to run
};
/// The stable contract of the README: keys end in their unit. Ends with a newline. The same report
/// gives the same bytes.
std::string to_json(const Report& report, const JsonOptions& options = {});

/// One number of the JSON report by its dotted path, "throughput.step_time_s".
/// @throws ConfigError when the report has no such number.
double metric(const Report& report, const std::string& path);

struct TextOptions {
  bool colour = false;  ///< ANSI escapes
  bool timing = false;  ///< as JsonOptions::timing
  int width = 80;       ///< of the terminal: bars are as long as it leaves them
};
/// A summary for a terminal.
std::string to_summary(const Report& report, const TextOptions& options = {});

}  // namespace orrery
