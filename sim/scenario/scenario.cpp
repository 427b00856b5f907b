#include <orrery/scenario.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <orrery/reader.hpp>

#include "config/yaml_file.hpp"
#include "install/installation.hpp"
#include "scenario/run_spec.hpp"

namespace orrery {
namespace fs = std::filesystem;
namespace {

// `key: name` below workload stands for an entry of a library folder.
Node expand_shorthand(const Node& tree) {
  const Node* workload = tree.find("workload");
  if (workload == nullptr) return tree;
  Node expanded = *workload;
  for (const auto& [key, folder] : {std::pair{"model", "ai-models"}, {"software", "software"}}) {
    const Node* value = expanded.find(key);
    if (value == nullptr || value->kind() != Node::Kind::Scalar) continue;
    const Node entry = Node::scalar(fmt::format("{}/{}", folder, value->text()), value->where());
    expanded =
        expanded.with_value_at(key, Node::map({{"use", value->where(), entry}}, value->where()));
  }
  return tree.with_value_at("workload", expanded);
}

Node parse_override(const std::string& path, const std::string& value, const std::string& origin) {
  const std::string place = fmt::format("{} {}", origin, path);
  if (value.empty()) {
    throw ConfigError(fmt::format("{}: no value; expected {}=VALUE", place, path));
  }
  // Reparsed with a place that names the option instead of a line in a file.
  const Node parsed = parse_yaml(fmt::format("{}\n", value), place);
  return parsed.kind() == Node::Kind::Scalar
             ? Node::scalar(parsed.text(), {.file = place, .line = 0, .column = 0}, parsed.quoted())
             : parsed;
}

}  // namespace

const char* to_text(Fidelity fidelity) {
  return fidelity == Fidelity::Event ? "event" : "analytic";
}

std::vector<fs::path> library_folders(const fs::path& folder, const LoadOptions& options) {
  std::vector<fs::path> folders = options.library;
  const fs::path start = fs::absolute(folder.empty() ? "." : folder).lexically_normal();
  for (fs::path at = start;; at = at.parent_path()) {
    if (fs::is_directory(at / "configs")) {
      folders.push_back(at / "configs");
      break;
    }
    if (at == at.parent_path()) break;
  }
  const Located shipped = find_shared_data("configs");
  if (shipped.path.empty()) {
    folders.insert(folders.end(), shipped.searched.begin(), shipped.searched.end());
  } else if (std::find(folders.begin(), folders.end(), shipped.path) == folders.end()) {
    folders.push_back(shipped.path);
  }
  return folders;
}

Node with_overrides(const Node& tree,
                    const std::vector<std::pair<std::string, std::string>>& overrides,
                    const std::string& origin) {
  Node changed = expand_shorthand(tree);
  // Overrides may set what the file leaves out of these.
  for (const char* key : {"run", "plan", "record", "environment"}) {
    if (changed.find(key) == nullptr) {
      changed = changed.with_value_at(key, Node::map({}, tree.where()));
    }
  }
  for (const char* key : {"search", "limits"}) {
    const Node& plan = *changed.find("plan");
    if (plan.kind() == Node::Kind::Map && plan.find(key) == nullptr) {
      changed = changed.with_value_at(std::string("plan.") + key, Node::map({}, tree.where()));
    }
  }
  for (const auto& [path, value] : overrides) {
    changed = expand_shorthand(changed.with_value_at(path, parse_override(path, value, origin)));
  }
  return changed;
}

Scenario make_scenario(const Node& tree, const Library& library,
                       const std::vector<std::pair<std::string, std::string>>& overrides,
                       const std::string& origin) {
  Scenario scenario;
  const Node resolved = library.resolve(with_overrides(tree, overrides, origin), scenario.inputs);
  Diagnostics diagnostics;
  Reader reader(resolved, "the scenario", diagnostics);
  scenario_schema().read(reader, scenario);
  if (scenario.name.empty()) scenario.name = "unnamed";
  diagnostics.throw_if_any();
  return scenario;
}

namespace {

fs::path scenario_file(const fs::path& path) {
  return fs::is_directory(path) ? path / "scenario.yaml" : path;
}

}  // namespace

Scenario load_scenario(const fs::path& path, const LoadOptions& options) {
  const fs::path folder = scenario_file(path).parent_path();
  const Library library(library_folders(folder.empty() ? "." : folder, options));
  return load_scenario(path, library, options.overrides);
}

Scenario load_scenario(const fs::path& path, const Library& library,
                       const std::vector<std::pair<std::string, std::string>>& overrides) {
  const fs::path file = scenario_file(path);
  InputFile input{.path = file.generic_string(), .sha256 = ""};
  const Node tree = load_yaml(file, input.sha256);
  const Node* header = tree.find("orrery");
  if (header == nullptr || header->text() != "scenario/1") {
    const Location place = header == nullptr ? tree.where() : header->where();
    throw ConfigError(
        fmt::format("{}: not a scenario; expected the key `orrery: scenario/1`{}", place.text(),
                    header == nullptr ? "" : fmt::format("; got '{}'", header->text())));
  }
  Scenario scenario = make_scenario(tree, library, overrides);
  if (scenario.name == "unnamed") scenario.name = file.stem().string();
  for (InputFile& entry : scenario.inputs) {
    entry.path = fs::path(entry.path).lexically_proximate(fs::current_path()).generic_string();
  }
  scenario.inputs.insert(scenario.inputs.begin(), std::move(input));
  return scenario;
}

}  // namespace orrery
