#include "engine/tiling.hpp"

#include <algorithm>

#include <orrery/error.hpp>

namespace orrery {
namespace {

Seconds& tile(Tiles& tiles, Tile which) { return tiles[static_cast<std::size_t>(which)]; }

class RankTiler {
 public:
  RankTiler(const Program& program, const std::vector<OpTime>& times,
            const std::vector<std::uint32_t>& cause)
      : program_(program), times_(times), cause_(cause), now_(program.ranks) {}

  // Operations of the compute stream of a rank come in order of creation, which is that of
  // execution.
  void add(std::uint32_t index, Tiles& tiles) {
    const Op& op = program_.ops()[index];
    if (op.stream != Stream::Compute) return;
    idle(index, tiles);
    const Seconds busy = times_[index].end - times_[index].start;
    now_[op.rank] = times_[index].end;
    // Sums in another order may miss one another by a rounding: no tile gets a negative part.
    tile(tiles, op.tile) += max(Seconds(0), busy - times_[index].host);
    tile(tiles, Tile::Host) += times_[index].host;
  }

  // From the last operation of the compute stream to the end of the step.
  void finish(std::uint32_t rank, std::uint32_t last_op, Seconds step, Tiles& tiles) {
    if (last_op != kNoOp && times_[last_op].end > now_[rank]) {
      tile(tiles, program_.ops()[last_op].tile) += times_[last_op].end - now_[rank];
      now_[rank] = times_[last_op].end;
    }
    tile(tiles, Tile::Bubble) += max(Seconds(0), step - now_[rank]);
  }

  static constexpr std::uint32_t kNoOp = 0xffffffffU;

 private:
  // The gap before an operation belongs to what it waited for: a collective of its own rank
  // entirely, a message from another rank while it was on the wire; the rest is the pipeline's
  // bubble.
  void idle(std::uint32_t index, Tiles& tiles) {
    const std::uint32_t rank = program_.ops()[index].rank;
    const Seconds gap = times_[index].start - now_[rank];
    if (gap.si() <= 0) return;
    const std::uint32_t why = cause_[index];
    if (why == kNoOp || program_.ops()[why].kind != Op::Kind::Collective) {
      tile(tiles, Tile::Bubble) += gap;
      return;
    }
    const Op& waited = program_.ops()[why];
    const bool own = waited.rank == rank;
    const Seconds wire =
        own ? gap : min(gap, times_[index].start - max(now_[rank], times_[why].start));
    tile(tiles, waited.tile) += wire;
    tile(tiles, Tile::Bubble) += gap - wire;
  }

  const Program& program_;
  const std::vector<OpTime>& times_;
  const std::vector<std::uint32_t>& cause_;
  std::vector<Seconds> now_;  // end of what is tiled, per rank
};

double total_weight(const Program& program) {
  double sum = 0;
  for (std::uint32_t rank = 0; rank < program.ranks; ++rank) sum += program.weight(rank);
  return sum;
}

}  // namespace

void tile_step(const Program& program, const std::vector<OpTime>& times,
               const std::vector<std::uint32_t>& cause, StepResult& result) {
  result.rank_tiles.assign(program.ranks, Tiles{});
  RankTiler tiler(program, times, cause);
  std::vector<std::uint32_t> last(program.ranks, RankTiler::kNoOp);
  for (std::uint32_t i = 0; i < program.ops().size(); ++i) {
    const std::uint32_t rank = program.ops()[i].rank;
    tiler.add(i, result.rank_tiles[rank]);
    if (last[rank] == RankTiler::kNoOp || times[last[rank]].end < times[i].end) last[rank] = i;
  }
  const double all = total_weight(program);
  for (std::uint32_t rank = 0; rank < program.ranks; ++rank) {
    Tiles& tiles = result.rank_tiles[rank];
    tiler.finish(rank, last[rank], result.step_time, tiles);
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      result.breakdown[t] += tiles[t] * (program.weight(rank) / all);
    }
  }
}

}  // namespace orrery
