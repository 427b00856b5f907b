#include <charconv>

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <orrery/error.hpp>
#include <orrery/report.hpp>

namespace orrery {

// operation_json.cpp: adds `power`, `energy`, `thermal` and `job`, as far as they are known. In no
// header, so that none holds nlohmann-json.
void add_operation(const OperationReport& report, nlohmann::ordered_json& json);

namespace {

using Json = nlohmann::ordered_json;

Json throughput_json(const Throughput& t) {
  return {{"step_time_s", t.step_time.si()},
          {"tokens_per_s", t.tokens_per_second},
          {"samples_per_s", t.samples_per_second},
          {"tokens_per_s_per_device", t.tokens_per_second_per_device},
          {"model_tflops_per_device", t.model_per_device.si() * 1e-12},
          {"hardware_tflops_per_device", t.hardware_per_device.si() * 1e-12},
          {"mfu", t.mfu},
          {"hfu", t.hfu}};
}

Json tiles_json(const Tiles& tiles) {
  Json json = Json::object();
  for (int i = 0; i < kTileCount; ++i) {
    json[to_text(static_cast<Tile>(i))] = tiles[static_cast<std::size_t>(i)].si();
  }
  return json;
}

Json memory_json(const MemoryReport& m) {
  Json json = {{"fits", m.fits},
               {"device_capacity_bytes", m.capacity.si()},
               {"device_total_bytes", m.use.total().si()},
               {"weights_bytes", m.use.weights.si()},
               {"gradients_bytes", m.use.gradients.si()},
               {"optimizer_bytes", m.use.optimizer.si()},
               {"activations_bytes", m.use.activations.si()},
               {"buffers_bytes", m.use.buffers.si()},
               {"host_bytes", 0.0}};
  if (!m.advice.empty()) json["advice"] = m.advice;
  return json;
}

Json collective_json(const CollectiveReport& c) {
  return {{"algorithm", c.algorithm},
          {"protocol", c.protocol},
          {"algorithm_bandwidth_bytes_per_s", c.algorithm_bandwidth.si()},
          {"bus_bandwidth_bytes_per_s", c.bus_bandwidth.si()},
          {"other_devices", c.others == Others::Idle ? "idle" : "alike"}};
}

Json transfer_json(const TransferReport& one) {
  Json json = {{"name", one.name},
               {"bytes", one.bytes.si()},
               {"at_s", one.at.si()},
               {"time_s", one.time.si()},
               {"bandwidth_bytes_per_s", one.bandwidth.si()}};
  if (!one.algorithm.empty()) {
    json["bus_bandwidth_bytes_per_s"] = one.bus_bandwidth.si();
    json["algorithm"] = one.algorithm;
    json["protocol"] = one.protocol;
  }
  json["alone_s"] = one.alone.si();
  json["alone_limit"] = one.alone_limit;
  json["busiest"] = one.busiest;
  json["busiest_activity"] = one.busiest_activity;
  return json;
}

void add_step(const Report& report, Json& json) {
  json["breakdown_s"] = tiles_json(report.step.breakdown);
  Json ranks = Json::array();
  for (std::size_t i = 0; i < report.step.rank_tiles.size(); ++i) {
    ranks.push_back({{"name", report.rank_names.at(i)},
                     {"breakdown_s", tiles_json(report.step.rank_tiles[i])}});
  }
  json["ranks"] = ranks;
  Json kernels = Json::object();
  for (const auto& [name, time] : report.step.kernel_time) kernels[name] = time.si();
  json["kernel_time_s"] = kernels;
  if (report.fidelity == "event") json["critical_path_s"] = report.step.critical_path.si();
  Json collectives = Json::array();
  for (const CollectiveSummary& c : report.step.collectives) {
    collectives.push_back({{"name", c.label},
                           {"algorithm", c.algorithm},
                           {"protocol", c.protocol},
                           {"count", c.count},
                           {"alone_s", c.alone.si()}});
  }
  json["collectives"] = collectives;
}

Json tree(const Report& report, const JsonOptions& options) {
  Json json;
  json["schema"] = "orrery-report/1";
  json["scenario"] = report.scenario;
  json["version"] = report.version;
  json["system"] = report.system;
  json["accelerator"] = report.accelerator;
  json["devices"] = report.devices;
  json["device_names"] = report.device_names;
  json["machine_devices"] = report.machine_devices;
  json["inputs"] = Json::array();
  for (const InputFile& input : report.inputs) {
    json["inputs"].push_back({{"path", input.path}, {"sha256", input.sha256}});
  }
  json["seed"] = report.seed;
  json["fidelity"] = report.fidelity;
  json["warnings"] = report.warnings;
  if (report.memory) json["memory"] = memory_json(*report.memory);
  if (report.throughput) {
    json["throughput"] = throughput_json(*report.throughput);
    add_step(report, json);
  }
  if (report.collective) {
    json["collective"] = collective_json(*report.collective);
  }
  for (const TransferReport& one : report.transfers) {
    json["transfers"].push_back(transfer_json(one));
  }
  for (const ResourceReport& one : report.resources) {
    json["resources"].push_back({{"name", one.name},
                                 {"kind", one.kind},
                                 {"capacity_bytes_per_s", one.capacity.si()},
                                 {"activity", one.activity},
                                 {"power_w", one.power.si()}});
  }
  if (report.operation) add_operation(*report.operation, json);
  json["simulation"] = {{"events", report.step.events},
                        {"flows", report.step.flows},
                        {"shared_flows", report.step.shared_flows}};
  if (options.timing) {
    json["simulation"]["wall_s"] = report.cost.wall.si();
    json["simulation"]["peak_rss_bytes"] = report.cost.peak_memory.si();
  }
  return json;
}

// Paths at which `json` has a number called `name`.
void find_numbers(const Json& json, const std::string& name, const std::string& path,
                  std::vector<std::string>& found) {
  if (!json.is_object()) return;
  for (const auto& [key, value] : json.items()) {
    if (key == name && value.is_number()) found.push_back(path + key);
    find_numbers(value, name, path + key + ".", found);
  }
}

// What a metric could have been called instead.
std::string other_metric(const Json& json, const Json& here, const std::string& path,
                         const std::string& step) {
  std::vector<std::string> numbers, keys;
  find_numbers(json, path.substr(path.rfind('.') + 1), "", numbers);
  if (!numbers.empty()) return fmt::format("; did you mean '{}'?", fmt::join(numbers, "' or '"));
  if (!here.is_object()) return "";
  for (const auto& entry : here.items()) keys.push_back(entry.key());
  return fmt::format("; expected one of {}{}", fmt::join(keys, ", "), did_you_mean(step, keys));
}

}  // namespace

std::string to_json(const Report& report, const JsonOptions& options) {
  return tree(report, options).dump(2) + "\n";
}

namespace {

// One step of a path: a key, or an index such as "devices[3]".
const Json* step_into(const Json& at, const std::string& step) {
  const std::size_t bracket = step.find('[');
  const std::string key = step.substr(0, bracket);
  if (!at.is_object() || !at.contains(key)) return nullptr;
  const Json& value = at.at(key);
  if (bracket == std::string::npos) return &value;
  std::size_t index = 0;
  const char* const first = step.data() + bracket + 1;
  const char* const last = step.data() + step.size();
  const auto [end, problem] = std::from_chars(first, last, index);
  const bool closed = problem == std::errc() && end + 1 == last && *end == ']';
  return closed && value.is_array() && index < value.size() ? &value[index] : nullptr;
}

// The value at a path; null where there is none, and then `missing` is the step that fails, in
// `at`.
const Json* find_value(const Json& json, const std::string& path, std::string* missing = nullptr,
                       const Json** last = nullptr) {
  const Json* at = &json;
  std::string step;
  for (std::size_t start = 0; start <= path.size(); start += step.size() + 1) {
    step = path.substr(start, path.find('.', start) - start);
    const Json* next = step_into(*at, step);
    if (next == nullptr) {
      if (missing != nullptr) *missing = step;
      if (last != nullptr) *last = at;
      return nullptr;
    }
    at = next;
  }
  return at;
}

[[noreturn]] void reject_metric(const Report& report, const std::string& path) {
  const Json json = tree(report, {.timing = true});
  std::string step;
  const Json* at = &json;
  find_value(json, path, &step, &at);
  throw ConfigError(fmt::format("metric '{}': the report has no '{}'{}", path, step,
                                other_metric(json, *at, path, step)));
}

// Enough of the tree for a path that starts with `key`: most metrics are of parts that are quick to
// make.
Json part_with(const Report& report, const std::string& key) {
  Json json;
  if (key == "throughput" && report.throughput) {
    json[key] = throughput_json(*report.throughput);
  } else if (key == "memory" && report.memory) {
    json[key] = memory_json(*report.memory);
  } else if (key == "collective" && report.collective) {
    json[key] = collective_json(*report.collective);
  } else if (key == "breakdown_s" && report.throughput) {
    json[key] = tiles_json(report.step.breakdown);
  } else if (report.operation && (key == "power" || key == "energy" || key == "thermal")) {
    add_operation(*report.operation, json);
  } else {
    json = tree(report, {.timing = true});
  }
  return json;
}

}  // namespace

double metric(const Report& report, const std::string& path) {
  const Json part = part_with(report, path.substr(0, path.find('.')));
  const Json* at = find_value(part, path);
  if (at == nullptr) reject_metric(report, path);
  if (at->is_boolean()) return at->get<bool>() ? 1 : 0;
  if (!at->is_number()) throw ConfigError(fmt::format("metric '{}' is not a number", path));
  return at->get<double>();
}

}  // namespace orrery
