#pragma once
/// What the module `simgrid_kernel.so` and the one that loads it agree on.

namespace orrery {

class Kernel;

/// The C name of the module's one function, of type MakeSimgridKernel.
inline constexpr const char* kMakeSimgridKernel = "orrery_make_simgrid_kernel";
/// A new kernel, owned by the caller; null when `version`, that of the program, is not the
/// module's.
using MakeSimgridKernel = Kernel*(const char* version);

}  // namespace orrery
