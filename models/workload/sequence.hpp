#pragma once
/// A run of blocks and collectives that is built once and placed for every microbatch.

#include <initializer_list>
#include <vector>

#include <orrery/program.hpp>

namespace orrery::workload {

/// Kernels are gathered into blocks until communication, or a wait, separates them. Streams other
/// than Compute run beside; what follows on Compute waits for them only where `wait` says so.
class Sequence {
 public:
  /// Adds blocks and collectives to `program`'s tables, and operations only in place().
  explicit Sequence(Program& program) : program_(&program) {}

  /// Kernels on the compute stream.
  void compute(const Block& kernels, Tile tile = Tile::Compute);
  /// The device waits for the host.
  void host(Seconds time);
  /// A collective that holds the compute stream.
  void blocking(std::uint32_t collective, Tile tile);
  /// A collective on `stream` after everything appended to Compute so far and after steps `after`.
  /// Returns its step.
  int beside(std::uint32_t collective, Stream stream, Tile tile, std::vector<int> after = {});
  /// A collective on `stream` after steps `after` only.
  int detached(std::uint32_t collective, Stream stream, Tile tile, std::vector<int> after = {});
  /// What follows on Compute starts after `step`.
  void wait(int step);
  /// Ends the current block and returns the last step on Compute, or -1 when there is none.
  int mark();
  /// The first operation makes the host wait for what came before.
  void sync_first() { sync_first_ = true; }
  [[nodiscard]] bool empty() const { return steps_.empty() && block_.empty(); }

  /// Where a placed sequence begins and ends on the compute stream.
  struct Placed {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::vector<std::uint32_t> ends;  ///< the last operation of every stream that was used
  };
  /// Adds the operations for represented rank `rank`. @pre at least one step is on Compute.
  Placed place(std::uint32_t rank);

 private:
  struct Step {
    Op op;
    std::vector<int> after;
  };
  void flush();
  int add(const Op& op, std::vector<int> after);

  Program* program_;
  std::vector<Step> steps_;
  Block block_;
  Tile block_tile_ = Tile::Compute;
  std::vector<int> waits_;  // of the next step on Compute
  int last_compute_ = -1;
  int first_compute_ = -1;
  bool sync_first_ = false;
};

}  // namespace orrery::workload
