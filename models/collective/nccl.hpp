#pragma once
/// The cost of NCCL's collectives: `collective.nccl`. This folder's README.md has the equations.

#include <memory>

#include <orrery/collective.hpp>
#include <orrery/field.hpp>
#include <orrery/reader.hpp>

namespace orrery {

/// Reads a system's `communication` map:
///
///     scale_up:  {use: communication/nvlink4}         # kernels, and links in a server
///     scale_out: {use: communication/infiniband-ndr}  # only for groups of several servers
///     algorithm: auto                                 # auto, ring, tree, nvls, nvls_tree,
///     collnet,
///                                                     # hierarchical, pat
///     protocol: auto                                  # auto, ll, ll128, simple
///     pat: false                                      # NCCL >= 2.23 with one rank per server
///     hierarchical: false                             # offered to the free choice
///     all_to_all: pairwise                            # pairwise, hierarchical, auto
///
/// A pin holds for the collectives that have the algorithm and whose path offers the protocol; the
/// others take the ring and Simple. Mistakes go to the reader's diagnostics.
///
/// The model's cost() is pure and O(protocols). Two ranks or more with bytes to move cost more than
/// zero, in `latency` and in `transfer`.
/// @throws ConfigError from cost() when a group of two ranks or more finds no `scale_up`, or one of
/// several servers no `scale_out`, or when the platform gives such a group no bandwidth.
std::unique_ptr<const CollectiveModel> make_nccl(Reader& reader);

/// The keys that it reads.
const Table& nccl_table();

}  // namespace orrery
