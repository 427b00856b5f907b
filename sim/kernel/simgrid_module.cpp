// Loads the part of the event engine that runs on SimGrid when it is needed first. SimGrid draws in
// some thirty shared libraries, 20 ms of every process that would link it.
#include "kernel/simgrid_module.hpp"

#include <dlfcn.h>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "install/installation.hpp"
#include "kernel/kernel.hpp"

namespace orrery {
namespace {

constexpr const char* kModule = "simgrid_kernel.so";
constexpr const char* kRemedy =
    "expected the one that was built with this program; install Orrery as a whole, or link its "
    "CMake package (PREFIX/lib in the run path); `analytic` fidelity does without";

MakeSimgridKernel* load() {
  const Located module = find_module(kModule);
  if (module.path.empty()) {
    throw SimulationError(fmt::format("the event engine's module is missing; {}; searched for {}",
                                      kRemedy, module.searched_text()));
  }
  // Never closed: SimGrid's engine lives until the process ends.
  void* handle = dlopen(module.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  void* symbol = handle == nullptr ? nullptr : dlsym(handle, kMakeSimgridKernel);
  if (symbol == nullptr) throw SimulationError(fmt::format("{}; {}", dlerror(), kRemedy));
  return reinterpret_cast<MakeSimgridKernel*>(symbol);
}

}  // namespace

std::unique_ptr<Kernel> make_simgrid_kernel() {
  static MakeSimgridKernel* const make = load();  // once; again after a failure
  std::unique_ptr<Kernel> kernel(make(ORRERY_VERSION));
  if (kernel == nullptr) {
    throw SimulationError(fmt::format("{}: of another version than {}; {}",
                                      find_module(kModule).path.string(), ORRERY_VERSION, kRemedy));
  }
  return kernel;
}

}  // namespace orrery
