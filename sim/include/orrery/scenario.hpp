#pragma once
/// A scenario: a machine and what it runs, as read from a file with overrides applied.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <orrery/node.hpp>
#include <orrery/quantity.hpp>

namespace orrery {

/// How scenarios are found and changed.
struct LoadOptions {
  /// Library folders, searched in order, before any other: see library_folders().
  std::vector<std::filesystem::path> library;
  /// Dotted paths and YAML values, applied in order: {"workload.ranks", "128"}.
  std::vector<std::pair<std::string, std::string>> overrides;
};

/// How a step is evaluated: by discrete events, or in closed form.
enum class Fidelity { Event, Analytic };
const char* to_text(Fidelity fidelity);

/// A resolved scenario: no `use` is left.
struct Scenario {
  std::string name;
  std::string description;
  Node system;
  Node workload;
  Node environment;   ///< surroundings of the machine; Null when the scenario says nothing
  Node job;           ///< the job in time; Null for one step
  Node record;        ///< what is kept of its course
  Watts power_cap{};  ///< of every device; zero: its own
  Hertz clock{};      ///< that no device goes above; zero: its own
  Location cap_at, clock_at;
  std::optional<std::uint64_t> seed;  ///< spreads devices; none: all run as the slowest of them
  Node plan;  ///< what `orrery plan` searches; Null when the scenario says nothing
  bool ignore_memory = false;
  Fidelity fidelity = Fidelity::Event;
  bool fold = true;               ///< false: every rank is simulated
  bool coalesce = true;           ///< false: every operation is an event of its own
  std::vector<InputFile> inputs;  ///< the scenario, then the library entries, sorted
};

/// Reads `path`, a YAML file or a folder with `scenario.yaml`. Only its form is checked: what a map
/// holds is read by those whose it is, in Simulation::run(). @throws ConfigError
Scenario load_scenario(const std::filesystem::path& path, const LoadOptions& options = {});
/// The same with a library that outlives the call: of many scenarios, or of one with many
/// overrides, only the first that uses an entry reads it. @throws ConfigError
Scenario load_scenario(const std::filesystem::path& path, const Library& library,
                       const std::vector<std::pair<std::string, std::string>>& overrides = {});

/// The library folders that a scenario in `folder` sees, in the order of search:
/// 1. `options.library`;
/// 2. `configs` in `folder` or in the nearest folder above it;
/// 3. `PREFIX/share/orrery/configs` of the installation or build tree that the running program is
///    part of: `PREFIX/lib` is in the program's run path (the `orrery` executable's is
///    `$ORIGIN/../lib`; linking the CMake package adds it); no path is compiled into the library
///    itself. Where there is none, the places that were tried stand here, for messages.
/// A program without that run path names `PREFIX/share/orrery/configs` in `options.library`.
std::vector<std::filesystem::path> library_folders(const std::filesystem::path& folder,
                                                   const LoadOptions& options);

/// Applies overrides to a scenario tree, in order. `workload.model: x` and `workload.software: y`
/// stand for `{use: ai-models/x}` and `{use: software/y}`. `origin` is what messages say of where
/// they come from, before their path. @throws ConfigError
Node with_overrides(const Node& tree,
                    const std::vector<std::pair<std::string, std::string>>& overrides,
                    const std::string& origin = "--set");
/// Applies overrides and resolves library entries of a scenario tree without header (keys system,
/// workload, run). `inputs` of the result are the entries.
/// @throws ConfigError
Scenario make_scenario(const Node& tree, const Library& library,
                       const std::vector<std::pair<std::string, std::string>>& overrides,
                       const std::string& origin = "--set");

}  // namespace orrery
