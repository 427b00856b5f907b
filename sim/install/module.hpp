#pragma once
/// Parts of Orrery that are loaded on first use, because what they are linked with is slow to load.

#include <string>

namespace orrery {

/// The function `symbol` of the module PREFIX/lib/orrery/`file_name` (see installation.hpp), which
/// stays loaded until the process ends. Modules belong to one build: each has a C string
/// `orrery_module_version` that must be this program's. May be called from several threads.
/// @throws SimulationError when the module is missing, cannot be loaded or is of another version.
void* module_function(const std::string& file_name, const char* symbol);

}  // namespace orrery
