#include "workload/sequence.hpp"

#include <array>
#include <utility>

#include <orrery/error.hpp>

namespace orrery::workload {

void Sequence::compute(const Block& kernels, Tile tile) {
  if (kernels.empty()) return;
  if (tile != block_tile_) flush();
  block_tile_ = tile;
  block_.insert(block_.end(), kernels.begin(), kernels.end());
}

void Sequence::flush() {
  if (block_.empty()) return;
  program_->blocks.push_back(std::exchange(block_, {}));
  last_compute_ = add({.kind = Op::Kind::Compute,
                       .tile = block_tile_,
                       .work = static_cast<std::uint32_t>(program_->blocks.size() - 1)},
                      std::exchange(waits_, {}));
  if (first_compute_ < 0) first_compute_ = last_compute_;
}

void Sequence::host(Seconds time) {
  if (time <= Seconds(0)) return;
  flush();
  program_->host_times.push_back(time);
  last_compute_ = add({.kind = Op::Kind::Host,
                       .tile = Tile::Host,
                       .work = static_cast<std::uint32_t>(program_->host_times.size() - 1)},
                      std::exchange(waits_, {}));
  if (first_compute_ < 0) first_compute_ = last_compute_;
}

void Sequence::blocking(std::uint32_t collective, Tile tile) {
  flush();
  last_compute_ = add({.kind = Op::Kind::Collective, .tile = tile, .work = collective},
                      std::exchange(waits_, {}));
  if (first_compute_ < 0) first_compute_ = last_compute_;
}

int Sequence::beside(std::uint32_t collective, Stream stream, Tile tile, std::vector<int> after) {
  flush();
  if (last_compute_ >= 0) after.push_back(last_compute_);
  return detached(collective, stream, tile, std::move(after));
}

int Sequence::detached(std::uint32_t collective, Stream stream, Tile tile, std::vector<int> after) {
  return add({.kind = Op::Kind::Collective, .stream = stream, .tile = tile, .work = collective},
             std::move(after));
}

void Sequence::wait(int step) {
  if (step < 0) return;
  flush();
  waits_.push_back(step);
}

int Sequence::mark() {
  flush();
  return last_compute_;
}

int Sequence::add(const Op& op, std::vector<int> after) {
  steps_.push_back({op, std::move(after)});
  return static_cast<int>(steps_.size() - 1);
}

Sequence::Placed Sequence::place(std::uint32_t rank) {
  flush();
  ORRERY_CHECK(first_compute_ >= 0);
  std::vector<std::uint32_t> placed;
  placed.reserve(steps_.size());
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    Op op = steps_[i].op;
    op.rank = rank;
    op.host_sync = sync_first_ && static_cast<int>(i) == first_compute_;
    placed.push_back(program_->add(op));
    for (const int before : steps_[i].after) {
      program_->add_dependency(placed.back(), placed[static_cast<std::size_t>(before)]);
    }
  }
  std::array<int, kStreamCount> last{};
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    last[static_cast<std::size_t>(steps_[i].op.stream)] = static_cast<int>(i) + 1;
  }
  Placed result{.first = placed[static_cast<std::size_t>(first_compute_)],
                .last = placed[static_cast<std::size_t>(last_compute_)],
                .ends = {}};
  for (const int step : last) {
    if (step > 0) result.ends.push_back(placed[static_cast<std::size_t>(step - 1)]);
  }
  return result;
}

}  // namespace orrery::workload
