#pragma once
/// Which keys of the tables of fields change anything: every key is changed in small scenarios, the
/// probes, and what these give is compared.

#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <orrery/field.hpp>
#include <orrery/node.hpp>
#include <orrery/registry.hpp>

namespace orrery::schema_test {

struct Probe {
  std::string name;
  Node tree;                       ///< a scenario without header, resolved
  bool plan = false;               ///< `orrery plan` is run on it
  bool draw = false;               ///< the drawing counts as a result
  std::vector<std::string> about;  ///< tables whose keys are tried in it first
};

/// What a file of probes says.
struct Probes {
  std::vector<Probe> all;
  /// By key: values that no rule finds, such as names of components.
  std::map<std::string, std::vector<Node>> values;
  std::map<std::string, std::string> exempt;  ///< keys without effect, and why
};

Probes read_probes(const std::filesystem::path& file, const Library& library);

/// "clock.boost", "events[].cap": the keys below `fields` that hold values, but for those of
/// entries that have a table of their own.
std::vector<std::string> keys_of(const std::vector<Field>& fields);

class Effects {
 public:
  Effects(Registry registry, Probes probes);

  [[nodiscard]] const std::vector<Table>& tables() const { return tables_; }
  /// Keys of a table, "gpu.tiled.clock.boost", that no probe shows to have an effect and that are
  /// not exempt, each with what was tried. A choice also has one where it takes other keys.
  std::vector<std::string> without_effect(const std::string& table);
  /// Probes that are no legal scenarios or cannot finish, and why.
  std::vector<std::string> probes_without_result();
  /// Exempt ones that are no keys, or have an effect.
  std::vector<std::string> wrongly_exempt();

 private:
  /// A place where a probe has a key or could have it.
  struct Site {
    std::size_t probe = 0;
    std::string path;
    Field field;
    std::optional<Node> value;
  };
  class Walk;

  [[nodiscard]] bool has_effect(const std::string& key, std::string& tried,
                                int attempts = std::numeric_limits<int>::max());
  [[nodiscard]] std::vector<Node> changes(const std::string& key, const Site& site) const;
  /// What a probe gives with the value at `path`; empty where that is no legal scenario, whose
  /// mistake is `problem`. Nothing is changed where `path` is empty.
  [[nodiscard]] std::optional<std::string> outcome(const Probe& probe, const std::string& path,
                                                   const Node& value, std::string& problem) const;
  const std::string& usual_outcome(std::size_t probe);

  Registry registry_;
  Probes probes_;
  std::vector<Table> tables_;
  std::map<std::string, std::vector<Site>> sites_;  // by key
  std::vector<std::optional<std::string>> usual_;   // of every probe
};

}  // namespace orrery::schema_test
