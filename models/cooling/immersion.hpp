#pragma once
/// A tank of dielectric: `cooling.immersion`. Equations, sources and errors:
/// models/cooling/README.md.

#include <memory>

#include <orrery/cooling.hpp>
#include <orrery/field.hpp>
#include <orrery/reader.hpp>

namespace orrery::cooling {

/// Reads an entry such as configs/cooling/immersion-8gpu-h100.yaml. Mistakes go to the reader's
/// diagnostics, but for rows that do not fit a server, which ServerCooling::rows() throws.
std::unique_ptr<const ServerCooling> make_immersion(Reader& reader);

/// The keys that it reads.
const Table& immersion_table();

}  // namespace orrery::cooling
