// Loads what runs on SimGrid when it is needed first. SimGrid draws in some thirty shared
// libraries, 20 ms of every process that links it.
#include "install/module.hpp"
#include "kernel/kernel.hpp"

namespace orrery {

std::unique_ptr<Kernel> make_simgrid_kernel() {
  using Make = Kernel*();
  static void* const make = module_function("simgrid.so", "orrery_make_simgrid_kernel");
  return std::unique_ptr<Kernel>(reinterpret_cast<Make*>(make)());
}

}  // namespace orrery
