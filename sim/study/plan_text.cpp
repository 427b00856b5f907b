#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <orrery/plan.hpp>

namespace orrery {
namespace {

// "{tensor: 8, pipeline: 4}" and "workload.microbatch" "2" as one line without what is at rest.
std::string layout_text(const PlanCandidate& candidate) {
  std::vector<std::string> parts;
  for (const auto& [path, value] : candidate.settings) {
    const std::string key = path.substr(path.rfind('.') + 1);
    if (key != "parallelism") {
      if (value != "false" && value != "none")
        parts.push_back(value == "true" ? key : key + " " + value);
      continue;
    }
    std::string item;
    for (const char c : value + ",") {
      if (c == '{' || c == '}') continue;
      if (c != ',') {
        item += c;
        continue;
      }
      const std::size_t colon = item.find(": ");
      const std::size_t begin = item.find_first_not_of(' ');
      if (colon == std::string::npos) continue;
      const std::string name = item.substr(begin, colon - begin);
      const std::string of = item.substr(colon + 2);
      if (of != "1" && of != "none" && of != "false") {
        parts.push_back(of == "true" ? name : name + " " + of);
      }
      item.clear();
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string seconds_text(Seconds time) { return fmt::format("{:.4g} s", time.si()); }

std::string table(const PlanResult& result) {
  std::string text = fmt::format("{:>3} {:>10} {:>10} {:>11} {:>6} {:>9}  {:<20} {}\n", "", "event",
                                 "analytic", "tokens/s", "MFU", "memory", "limited by", "layout");
  int rank = 0;
  for (const PlanCandidate& c : result.best) {
    text += fmt::format("{:>3} {:>10} {:>10} {:>11.0f} {:>4.1f} % {:>9}  {:<20} {}\n", ++rank,
                        c.event ? seconds_text(*c.event) : "-", seconds_text(c.analytic),
                        c.tokens_per_second, c.mfu * 100,
                        fmt::format("{:.1f} GiB", c.memory.si() / (1024.0 * 1024 * 1024)), c.limit,
                        layout_text(c));
  }
  return text;
}

}  // namespace

std::string to_text(const PlanResult& result, const TextOptions&) {
  std::string text =
      fmt::format("{} on {} devices of {}\n", result.scenario, result.devices, result.system);
  text += fmt::format("{} of {} legal strategies evaluated in closed form{}\n\n", result.evaluated,
                      result.legal, result.interrupted ? " before the search was interrupted" : "");
  if (result.best.empty()) {
    text += "none of them can run\n";
    if (!result.nearest.empty()) text += fmt::format("nearest to fitting: {}\n", result.nearest);
  } else {
    text += table(result);
    text += "\nThe best, for `orrery run`:\n ";
    for (const auto& [path, value] : result.best.front().settings) {
      text += fmt::format(" --set {}='{}'", path, value);
    }
    text += '\n';
  }
  if (!result.rejected.empty()) text += "\nRejected\n";
  for (const auto& [reason, count] : result.rejected) {
    text += fmt::format("  {:>8}  {}\n", count, reason);
  }
  return text;
}

std::string to_json(const PlanResult& result) {
  using Json = nlohmann::ordered_json;
  Json json = {{"schema", "orrery-plan/1"},
               {"scenario", result.scenario},
               {"system", result.system},
               {"devices", result.devices},
               {"objective", to_text(result.objective)},
               {"legal", result.legal},
               {"evaluated", result.evaluated},
               {"interrupted", result.interrupted},
               {"best", Json::array()},
               {"rejected", Json::object()}};
  for (const PlanCandidate& c : result.best) {
    Json settings = Json::object();
    for (const auto& [path, value] : c.settings) settings[path] = value;
    Json breakdown = Json::object();
    for (int i = 0; i < kTileCount; ++i) {
      breakdown[to_text(static_cast<Tile>(i))] = c.breakdown[static_cast<std::size_t>(i)].si();
    }
    Json item = {{"settings", settings},
                 {"analytic_step_time_s", c.analytic.si()},
                 {"tokens_per_s", c.tokens_per_second},
                 {"mfu", c.mfu},
                 {"memory_bytes", c.memory.si()},
                 {"limited_by", c.limit},
                 {"breakdown_s", breakdown}};
    if (c.event) item["event_step_time_s"] = c.event->si();
    json["best"].push_back(item);
  }
  for (const auto& [reason, count] : result.rejected) json["rejected"][reason] = count;
  if (!result.nearest.empty()) json["nearest"] = result.nearest;
  return json.dump(2) + "\n";
}

}  // namespace orrery
