#include "install/module.hpp"

#include <dlfcn.h>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "install/installation.hpp"

namespace orrery {
namespace {

[[noreturn]] void reject(const std::string& file_name, const std::string& what) {
  throw SimulationError(fmt::format(
      "module {} of the event engine: {}; expected the one that was built with this program; "
      "install "
      "Orrery as a whole or link its CMake package (PREFIX/lib in the run path), or use `analytic` "
      "fidelity, which does without",
      file_name, what));
}

}  // namespace

void* module_function(const std::string& file_name, const char* symbol) {
  const Located module = find_module(file_name);
  if (module.path.empty()) {
    reject(file_name, fmt::format("not found; searched for {}", module.searched_text()));
  }
  void* handle = dlopen(module.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) reject(file_name, dlerror());
  const void* version = dlsym(handle, "orrery_module_version");
  if (version == nullptr || std::string(static_cast<const char*>(version)) != ORRERY_VERSION) {
    reject(file_name, fmt::format("{} is not of version {}", module.path.string(), ORRERY_VERSION));
  }
  void* function = dlsym(handle, symbol);
  if (function == nullptr) reject(file_name, dlerror());
  return function;
}

}  // namespace orrery
