#pragma once
/// Where the time of a represented rank went, told operation by operation.

#include <cstdint>

#include <orrery/step_result.hpp>

namespace orrery {

/// The operation whose end let another one start.
struct Cause {
  static constexpr std::uint32_t kNobody = 0xffffffffU;

  std::uint32_t rank = kNobody;  ///< that ran it
  Op::Kind kind = Op::Kind::Compute;
  Tile tile = Tile::Compute;
  Seconds start{};
};

/// Order of calls: for every operation of the compute stream idle(), then busy(); ended() for those
/// of other streams; at last finish().
class RankTiler {
 public:
  /// At `now` an operation of the compute stream starts on `rank`, whose tiler this is. The gap
  /// before it belongs to what it waited for: a collective of its own rank entirely, a message from
  /// another rank while it was on the wire; the rest is the pipeline's bubble.
  void idle(std::uint32_t rank, Seconds now, const Cause& cause);
  /// It ran from `start` to `end`, of which it waited `host` for its launches at last.
  void busy(Tile tile, Seconds start, Seconds end, Seconds host);
  /// An operation of another stream ended.
  void ended(Tile tile, Seconds end);
  /// What ran up to `end` on the compute stream, at once: from where idle() left it.
  void add(const Tiles& tiles, Seconds end);
  /// Of a step that took so long. The tiles sum to it.
  [[nodiscard]] Tiles finish(Seconds step);

  /// Also add what busy() and idle() add to `tiles`; null for no longer.
  void mirror(Tiles* tiles) { mirror_ = tiles; }

 private:
  void add(Tile tile, Seconds time);

  Tiles tiles_{};
  Tiles* mirror_ = nullptr;
  Seconds tiled_{};  // end of what is tiled
  Seconds last_{};   // end of the last operation of other streams
  Tile last_tile_ = Tile::Bubble;
};

/// Fills tiles and breakdown of `result` (step_time is set). `tilers` as `ranks`.
void tile_step(const std::vector<RepresentedRank>& ranks, std::vector<RankTiler>& tilers,
               StepResult& result);

}  // namespace orrery
