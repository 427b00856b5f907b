#pragma once
/// Copies and collectives between named parts of a machine, side by side.

#include <memory>

#include <orrery/field.hpp>
#include <orrery/workload.hpp>

namespace orrery {

/// `kind: transfers` (scenarios/README.md).
std::unique_ptr<const Workload> make_transfers(Reader& reader);
/// The keys that it reads.
const Table& transfers_table();

}  // namespace orrery
