#pragma once
/// Builds a routine of blocks, collectives and runs of other routines.

#include <vector>

#include <orrery/outline.hpp>

namespace orrery {

/// Steps are appended in the order of execution. Kernels are gathered into blocks until
/// communication, or a wait, separates them. Streams other than Compute run beside; what follows on
/// Compute waits for them only where `wait` says so. Indices of collectives are entries of the
/// outline's tables (GroupCollectives::add), those of routines its own (Outline::add); a routine
/// runs only routines that were added before it. Steps are numbers within this routine.
class Sequence {
 public:
  /// Adds blocks and host times to the tables of `outline`, which must outlive this.
  explicit Sequence(Outline& outline) : outline_(&outline) {}

  /// Kernels on the compute stream.
  void compute(const Block& kernels, Tile tile = Tile::Compute);
  /// The device waits for the host.
  void host(Seconds time);
  /// A collective that holds the compute stream.
  void blocking(std::uint32_t collective, Tile tile);
  /// Another routine on the compute stream. Equal ones in a row become one step.
  void run(std::uint32_t routine);
  /// A collective on `stream` after everything appended to Compute so far and after steps `after`.
  /// Returns its step.
  int beside(std::uint32_t collective, Stream stream, Tile tile, std::vector<int> after = {});
  /// A collective on `stream` after steps `after` only.
  int detached(std::uint32_t collective, Stream stream, Tile tile,
               const std::vector<int>& after = {});
  /// What follows on Compute starts after `step`.
  void wait(int step);
  /// Ends the current block and returns the last step on Compute, or -1 when there is none.
  int mark();

  /// The routine, for Outline::add(). Leaves the sequence empty.
  /// @throws InternalError without a step on Compute, or with a wait that nothing follows.
  Routine finish();

 private:
  void flush();
  std::uint32_t add(const Op& op, const std::vector<int>& after);
  void add_compute(Step step);

  Outline* outline_;
  Routine routine_;
  Block block_;
  Tile block_tile_ = Tile::Compute;
  std::vector<int> waits_;  // of the next step on Compute
  int last_compute_ = -1;
  int first_compute_ = -1;
  bool marked_ = false;  // a step refers to the last one on Compute: it must not grow
};

}  // namespace orrery
