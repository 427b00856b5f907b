#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <orrery/plan.hpp>

namespace orrery {
namespace {

// A value that means that nothing is done.
bool at_rest(const std::string& value) {
  return value == "1" || value == "none" || value == "false" || value == "~";
}

void add_setting(const std::string& name, const std::string& value,
                 std::vector<std::string>& parts) {
  if (at_rest(value) && name != "microbatch") return;
  if (value.front() == '[') {
    parts.push_back("uneven " + name.substr(0, name.find('_')));
  } else {
    parts.push_back(value == "true" ? name : name + " " + value);
  }
}

// The items of a flow map, "{tensor: 8, layers_per_stage: [1, 2]}".
void add_items(const std::string& map, std::vector<std::string>& parts) {
  std::string item;
  int depth = 0;
  for (const char c : map + ",") {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == '{' || c == '}') continue;
    if (c != ',' || depth > 0) {
      item += c;
      continue;
    }
    const std::size_t begin = item.find_first_not_of(' ');
    const std::size_t colon = item.find(": ");
    if (colon != std::string::npos) {
      add_setting(item.substr(begin, colon - begin), item.substr(colon + 2), parts);
    }
    item.clear();
  }
}

// The settings in one line, without what is at rest.
std::string layout_text(const PlanCandidate& candidate) {
  std::vector<std::string> parts;
  for (const auto& [path, value] : candidate.settings) {
    if (value.front() == '{') {
      add_items(value, parts);
    } else {
      add_setting(path.substr(path.rfind('.') + 1), value, parts);
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
  text += fmt::format(
      "{} of {} legal strategies evaluated in closed form{}{}\n\n", result.evaluated, result.legal,
      result.interrupted ? " before the search was interrupted" : "",
      result.pruned > 0 ? fmt::format("; a lower bound ruled {} out", result.pruned) : "");
  if (result.best.empty()) {
    text += result.legal == 0
                ? "nothing to evaluate: tensor, pipeline and context ranks divide the devices, and "
                  "plan.search or the reasons below leave none\n"
                : "none of them can run within memory and limits\n";
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
               {"pruned", result.pruned},
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
