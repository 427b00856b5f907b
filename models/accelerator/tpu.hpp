#pragma once
/// A device with systolic matrix units, a vector unit and a software-managed on-chip memory:
/// `tpu.systolic`. Equations, sources and errors: models/accelerator/README.md.

#include <memory>

#include <orrery/accelerator.hpp>
#include <orrery/field.hpp>
#include <orrery/reader.hpp>

namespace orrery::accelerator {

/// Reads an accelerator's map, as in configs/accelerators/tpu-*. Mistakes go to the reader's
/// diagnostics.
///
/// The model's cost() is pure, O(1) and takes well under a microsecond. It needs a type that the
/// device has a rate for (`supports()`). @throws InternalError otherwise.
std::unique_ptr<const Accelerator> make_tpu(Reader& reader);

/// The keys that it reads.
const Table& tpu_table();

}  // namespace orrery::accelerator
