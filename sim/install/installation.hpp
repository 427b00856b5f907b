#pragma once
/// Where the files that belong to this copy of Orrery lie: library entries, scenarios, modules.
///
/// Nothing is compiled in: the run path (DT_RUNPATH) of the program that this code is part of leads
/// there. That of the `orrery` executable is `$ORIGIN/../lib`; the CMake package adds `PREFIX/lib`
/// to every program that links it. A folder `PREFIX/lib` or `PREFIX/lib/<architecture>` on it
/// belongs to the installation `PREFIX`:
///   PREFIX/lib/orrery/            modules that are loaded on first use
///   PREFIX/share/orrery/configs   library entries
///   PREFIX/share/orrery/scenarios scenarios and validation suites
/// A build tree looks the same, with links to the source.

#include <filesystem>
#include <string>
#include <vector>

namespace orrery {

/// What was looked for, and the places that were tried, in order.
struct Located {
  std::filesystem::path path;  ///< absolute and without links; empty when it is nowhere
  std::vector<std::filesystem::path> searched;  ///< absolute
  /// The places that were searched, for a message: "A, B".
  [[nodiscard]] std::string searched_text() const;
};

/// `name` below the first PREFIX/share/orrery that has it: "configs", "scenarios".
Located find_shared_data(const std::string& name);
/// The file of a module, "simgrid.so", below the first PREFIX/lib/orrery that has it.
Located find_module(const std::string& file_name);

}  // namespace orrery
