#pragma once
/// Copies and collectives between named parts of a machine, side by side.

#include <memory>

#include <orrery/workload.hpp>

namespace orrery {

/// `kind: transfers` (scenarios/README.md).
std::unique_ptr<const Workload> make_transfers(Reader& reader);

}  // namespace orrery
