#pragma once
/// A GPU whose kernels' times come from its tiles, its memory and its power-limited clock:
/// `gpu.tiled`. Equations, sources and errors: models/accelerator/README.md.

#include <memory>

#include <orrery/accelerator.hpp>
#include <orrery/field.hpp>
#include <orrery/reader.hpp>

namespace orrery::accelerator {

/// Reads an accelerator's map, as in configs/accelerators/. Mistakes go to the reader's
/// diagnostics.
///
/// The model's cost() is pure and takes about a microsecond. It needs a type that the device has a
/// rate for (`supports()`). @throws InternalError otherwise.
std::unique_ptr<const Accelerator> make_gpu(Reader& reader);

/// The keys that it reads.
const Table& gpu_table();

}  // namespace orrery::accelerator
