#include "schema/effects.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iterator>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <orrery/error.hpp>
#include <orrery/plan.hpp>
#include <orrery/reader.hpp>
#include <orrery/scenario.hpp>
#include <orrery/schema_tables.hpp>
#include <orrery/simulation.hpp>

#include "schema/changes.hpp"

namespace orrery::schema_test {
namespace {

constexpr std::size_t kShown = 6;  // of what was tried
constexpr int kOfExempt = 6;       // the likeliest changes that an exempt key is tried with
const std::string kIllegal = "illegal: ";
const std::string kUnfinished = "cannot finish: ";

// Whether a mistake says that the value takes other keys.
bool takes_other_keys(const Field& field, const std::string& problem) {
  const bool choice = field.kind == Field::Kind::Choice || field.kind == Field::Kind::Switch;
  return choice && problem.find(": unknown key '") != std::string::npos;
}

const Table* table_named(const std::vector<Table>& tables, const std::string& name) {
  const auto found = std::ranges::find(tables, name, &Table::name);
  return found == tables.end() ? nullptr : &*found;
}

void add_keys(const std::vector<Field>& fields, const std::string& above,
              std::vector<std::string>& keys) {
  for (const Field& field : fields) {
    if (!field.entry.empty()) continue;
    const std::string key = above + field.key;
    if (field.fields.empty()) {
      keys.push_back(key);
    } else {
      add_keys(field.fields, key + (field.list ? "[]." : "."), keys);
    }
  }
}

// Nine digits of every number: where flows compete, the last ones depend on what ran before.
std::string rounded(const std::string& text) {
  std::string result;
  const char* at = text.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const bool starts = std::isdigit(static_cast<unsigned char>(*at)) != 0;
    const double value = starts ? std::strtod(at, &end) : 0;
    result += starts ? fmt::format("{:.9g}", value) : std::string(1, *at);
    at = starts ? end : at + 1;
  }
  return result;
}

// The series are no part of the JSON report.
std::string text_of(const Report& report) {
  std::string text = to_json(report) + to_summary(report);
  if (!report.operation) return text;
  for (const TimeSeries* series : {&report.operation->job_series, &report.operation->step_series}) {
    text += fmt::format("{} rows", series->rows.size());
    if (!series->empty()) text += fmt::format(" {}", fmt::join(series->rows.back(), " "));
  }
  return text;
}

}  // namespace

std::vector<std::string> keys_of(const std::vector<Field>& fields) {
  std::vector<std::string> keys;
  add_keys(fields, "", keys);
  return keys;
}

Probes read_probes(const std::filesystem::path& file, const Library& library) {
  Diagnostics diagnostics;
  Reader reader(load_yaml(file), "the probes", diagnostics);
  Probes probes;
  std::map<std::string, Node> written;
  std::map<std::string, std::vector<std::string>> about;
  for (Reader& entry : reader.children("probes")) {
    const std::string name = entry.text("name");
    Node tree = entry.has("over") ? written.at(entry.text("over")) : entry.raw("scenario");
    const Node changes = entry.raw("changes");
    for (const Node::Entry& change : changes.entries()) {
      Node value = change.value;
      if (value.text() == "{}") value = Node::map({}, value.where());
      if (value.text().starts_with('{') || value.text().starts_with('[')) {
        value = parse_yaml(value.text() + "\n", file.string());
      }
      tree = with_overrides(tree, {}).with_value_at(change.key, value);
    }
    written[name] = tree;
    if (entry.has("over")) about[name] = about.at(entry.text("over"));
    if (entry.has("about")) about[name] = entry.texts("about");
    probes.all.push_back({.name = name,
                          .tree = library.resolve(with_overrides(tree, {})),
                          .plan = entry.boolean_or("plan", false),
                          .draw = entry.boolean_or("draw", false),
                          .about = about[name]});
    entry.finish();
  }
  for (const Node::Entry& entry : reader.raw("values").entries()) {
    probes.values[entry.key] = entry.value.items();
  }
  for (const Node::Entry& entry : reader.raw("exempt").entries()) {
    probes.exempt[entry.key] = entry.value.text();
  }
  reader.finish();
  diagnostics.throw_if_any();
  return probes;
}

/// Finds where a probe has the keys of which tables.
class Effects::Walk {
 public:
  Walk(const std::vector<Table>& tables, std::size_t probe,
       std::map<std::string, std::vector<Site>>& sites)
      : tables_(tables), probe_(probe), sites_(sites) {}

  // The collective model that a server names reads what the system says, too.
  void set_collectives(const Node& tree) {
    const Node* at = &tree;
    for (const char* key : {"system", "server", "communication", "model"}) {
      at = at == nullptr ? nullptr : at->find(key);
    }
    if (at != nullptr) collectives_ = table_named(tables_, at->text());
  }

  void map(const Node& node, const std::string& path, const std::vector<Field>& fields,
           const std::string& above) {
    for (const Field& field : fields) {
      const std::string at = path.empty() ? field.key : path + "." + field.key;
      const Node* value = node.find(field.key);
      if (value != nullptr && value->kind() == Node::Kind::Null) value = nullptr;
      const bool below = !field.entry.empty() || !field.fields.empty();
      if (!below) {
        sites_[above + field.key].push_back(
            {.probe = probe_,
             .path = at,
             .field = field,
             .value = value == nullptr ? std::nullopt : std::optional(*value)});
      } else if (value != nullptr && field.list) {
        for (std::size_t i = 0; i < value->items().size(); ++i) {
          part(value->items()[i], fmt::format("{}[{}]", at, i), field, above);
        }
      } else if (value != nullptr && value->kind() == Node::Kind::Map) {
        part(*value, at, field, above);
      }
    }
  }

 private:
  void part(const Node& node, const std::string& path, const Field& field,
            const std::string& above) {
    if (field.entry.empty()) {
      map(node, path, field.fields, above + field.key + (field.list ? "[]." : "."));
      return;
    }
    if (const Table* table = table_of(node, field)) {
      map(node, path, table->fields, table->name + ".");
    }
  }

  // By the name of the entry, or of the model that reads the map.
  const Table* table_of(const Node& node, const Field& field) const {
    if (const Table* table = table_named(tables_, field.entry)) return table;
    for (const char* key : {"model", "kind"}) {
      const Node* name = node.find(key);
      if (name == nullptr || name->kind() != Node::Kind::Scalar) continue;
      if (const Table* table = table_named(tables_, name->text())) return table;
    }
    if (field.key == "communication") return collectives_;
    return field.key == "workload" ? table_named(tables_, "training") : nullptr;
  }

  const std::vector<Table>& tables_;
  std::size_t probe_;
  std::map<std::string, std::vector<Site>>& sites_;
  const Table* collectives_ = nullptr;
};

Effects::Effects(Registry registry, Probes probes)
    : registry_(std::move(registry)),
      probes_(std::move(probes)),
      tables_(schema_tables(registry_)),
      usual_(probes_.all.size()) {
  const std::vector<Field>& all = table_named(tables_, "scenario")->fields;
  for (std::size_t i = 0; i < probes_.all.size(); ++i) {
    // A run does not look at `plan`; a plan is slow, and looked at for that alone.
    std::vector<Field> fields;
    std::ranges::copy_if(all, std::back_inserter(fields), [&](const Field& field) {
      return (field.key == "plan") == probes_.all[i].plan;
    });
    Walk walk(tables_, i, sites_);
    walk.set_collectives(probes_.all[i].tree);
    walk.map(probes_.all[i].tree, "", fields, "scenario.");
  }
  // First where a key is said, in probes about its table: they are likelier to show it.
  for (auto& [key, sites] : sites_) {
    std::ranges::stable_sort(sites, {}, [&](const Site& site) {
      const auto of_table = [&key](const std::string& table) {
        return key.starts_with(table + ".");
      };
      const bool about = std::ranges::any_of(probes_.all[site.probe].about, of_table);
      return std::pair(!about, !site.value);
    });
  }
}

std::optional<std::string> Effects::outcome(const Probe& probe, const std::string& path,
                                            const Node& value, std::string& problem) const {
  static const Library nothing({});  // the tree is resolved
  try {
    const Node tree = path.empty() ? probe.tree : probe.tree.with_value_at(path, value);
    const Scenario scenario = make_scenario(tree, nothing, {});
    if (!probe.plan) {
      const std::string drawn = probe.draw ? draw_machine(scenario, registry_) : "";
      return rounded(text_of(Simulation(scenario, registry_).run()) + drawn);
    }
    return to_json(plan(scenario, registry_, {.threads = 1, .progress = {}, .stop = {}}));
  } catch (const ConfigError& error) {
    problem = error.what();
  } catch (const SimulationError& error) {
    return kUnfinished + error.what();
  }
  return std::nullopt;
}

std::vector<std::string> Effects::probes_without_result() {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < probes_.all.size(); ++i) {
    const std::string& usual = usual_outcome(i);
    if (usual.starts_with(kIllegal) || usual.starts_with(kUnfinished)) {
      result.push_back(probes_.all[i].name + " is " + usual);
    }
  }
  return result;
}

const std::string& Effects::usual_outcome(std::size_t probe) {
  if (usual_[probe]) return *usual_[probe];
  std::string problem;
  usual_[probe] = outcome(probes_.all[probe], "", {}, problem);
  if (!usual_[probe]) usual_[probe] = kIllegal + problem;
  return *usual_[probe];
}

std::vector<Node> Effects::changes(const std::string& key, const Site& site) const {
  const auto given = probes_.values.find(key);
  if (given != probes_.values.end()) return given->second;
  const Node* now = site.value ? &*site.value : nullptr;
  return changed_values(site.field, now, now != nullptr ? now->where() : Location{});
}

bool Effects::has_effect(const std::string& key, std::string& tried, int attempts) {
  std::vector<std::string> all;
  std::set<std::string> problems;
  std::size_t most = 1;
  for (std::size_t change = 0; change < most; ++change) {  // the likeliest one everywhere first
    for (const Site& site : sites_[key]) {
      const Probe& probe = probes_.all[site.probe];
      const std::vector<Node> values = changes(key, site);
      most = std::max(most, values.size());
      if (change >= values.size() || usual_outcome(site.probe).starts_with(kIllegal)) continue;
      if (attempts-- == 0) return false;
      std::string problem;
      const auto found = outcome(probe, site.path, values[change], problem);
      if (found ? *found != usual_outcome(site.probe) : takes_other_keys(site.field, problem)) {
        return true;
      }
      if (!found && !problems.insert(problem).second) continue;
      all.push_back(fmt::format("{}: {} = {}: {}", probe.name, site.path, values[change].text(),
                                found ? "nothing changes" : problem));
    }
  }
  const std::size_t more = all.size() > kShown ? all.size() - kShown : 0;
  all.resize(all.size() - more);
  tried = all.empty() ? "no probe has it" : fmt::format("{}", fmt::join(all, "\n    "));
  if (more > 0) tried += fmt::format("\n    and {} more", more);
  return false;
}

std::vector<std::string> Effects::without_effect(const std::string& table) {
  std::vector<std::string> result;
  for (const std::string& name : keys_of(table_named(tables_, table)->fields)) {
    const std::string key = table + "." + name;
    std::string tried;
    if (probes_.exempt.contains(key) || has_effect(key, tried)) continue;
    result.push_back(fmt::format("{}\n    {}", key, tried));
  }
  return result;
}

std::vector<std::string> Effects::wrongly_exempt() {
  std::vector<std::string> result;
  std::set<std::string> all;
  for (const Table& table : tables_) {
    for (const std::string& key : keys_of(table.fields)) all.insert(table.name + "." + key);
  }
  for (const auto& [key, reason] : probes_.exempt) {
    std::string tried;
    if (!all.contains(key)) result.push_back(key + " is no key");
    if (reason.empty()) result.push_back(key + " has no reason");
    if (all.contains(key) && has_effect(key, tried, kOfExempt))
      result.push_back(key + " has an effect");
  }
  return result;
}

}  // namespace orrery::schema_test
