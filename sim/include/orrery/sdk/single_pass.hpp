#pragma once
/// Steps in which every rank runs one routine, once.

#include <functional>

#include <orrery/sdk/folded_job.hpp>
#include <orrery/sdk/sequence.hpp>

namespace orrery {

/// Fills `sequence` with what `rank` does.
using SequenceBuilder = std::function<void(Sequence& sequence, int rank)>;

/// Gives every class of `job` one pass through what `build` fills in for its first rank. Classes
/// whose groups all talk over equal links share a routine, so `build` may depend on the rank by its
/// program and its links only. What `build` fills in is a routine of its own, as a layer of a model
/// is: ranks that meet in it keep pace.
void add_single_pass(const FoldedJob& job, Outline& outline, const SequenceBuilder& build);

}  // namespace orrery
