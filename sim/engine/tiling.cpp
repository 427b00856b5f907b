#include "engine/tiling.hpp"

namespace orrery {
namespace {

std::size_t tile_index(Tile tile) { return static_cast<std::size_t>(tile); }

}  // namespace

void RankTiler::add(Tile tile, Seconds time) {
  tiles_[tile_index(tile)] += time;
  if (mirror_ != nullptr) (*mirror_)[tile_index(tile)] += time;
}

void RankTiler::idle(std::uint32_t rank, Seconds now, const Cause& cause) {
  const Seconds gap = now - tiled_;
  if (gap.si() <= 0) return;
  if (cause.rank == Cause::kNobody || cause.kind != Op::Kind::Collective) {
    add(Tile::Bubble, gap);
  } else {
    const Seconds wire = cause.rank == rank ? gap : min(gap, now - max(tiled_, cause.start));
    add(cause.tile, wire);
    add(Tile::Bubble, gap - wire);
  }
  tiled_ = now;
}

void RankTiler::busy(Tile tile, Seconds start, Seconds end, Seconds host) {
  tiled_ = end;
  // Sums in another order may miss one another by a rounding: no tile gets a negative part.
  add(tile, max(Seconds(0), end - start - host));
  add(Tile::Host, host);
}

void RankTiler::ended(Tile tile, Seconds end) {
  if (end <= last_) return;
  last_ = end;
  last_tile_ = tile;
}

void RankTiler::add(const Tiles& tiles, Seconds end) {
  for (std::size_t i = 0; i < tiles.size(); ++i) tiles_[i] += tiles[i];
  tiled_ = end;
}

Tiles RankTiler::finish(Seconds step) {
  if (last_ > tiled_) {
    tiles_[tile_index(last_tile_)] += last_ - tiled_;
    tiled_ = last_;
  }
  tiles_[tile_index(Tile::Bubble)] += max(Seconds(0), step - tiled_);
  return tiles_;
}

void tile_step(const std::vector<RepresentedRank>& ranks, std::vector<RankTiler>& tilers,
               StepResult& result) {
  double all = 0;
  for (const RepresentedRank& rank : ranks) all += rank.weight;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const Tiles tiles = tilers[rank].finish(result.step_time);
    for (std::size_t t = 0; t < tiles.size(); ++t) {
      result.breakdown[t] += tiles[t] * (ranks[rank].weight / all);
    }
    result.rank_tiles.push_back(tiles);
  }
}

}  // namespace orrery
