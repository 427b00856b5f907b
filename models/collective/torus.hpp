#pragma once
/// Collectives on a torus of direct links, and between several of them over a network:
/// `collective.torus`. This folder's README.md has the equations.

#include <memory>

#include <orrery/collective.hpp>
#include <orrery/field.hpp>
#include <orrery/reader.hpp>

namespace orrery {

/// Reads a system's `communication` map:
///
///     scale_up:  {use: communication/tpu-ici}   # links of the torus
///     scale_out: {use: communication/tpu-dcn}   # only for groups of several slices
///
/// Mistakes go to the reader's diagnostics. The model's cost() is pure and O(axes). Its collectives
/// take no multiprocessors.
/// @throws ConfigError from cost() when a group of several devices of a slice is in no torus, or
/// one of several slices finds no `scale_out`.
std::unique_ptr<const CollectiveModel> make_torus(Reader& reader);

/// The keys that it reads.
const Table& torus_table();

}  // namespace orrery
