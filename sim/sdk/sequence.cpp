#include <orrery/sdk/sequence.hpp>

#include <utility>

#include <orrery/error.hpp>

namespace orrery {

void Sequence::compute(const Block& kernels, Tile tile) {
  if (kernels.empty()) return;
  if (!block_.empty() && tile != block_tile_) flush();
  block_tile_ = tile;
  block_.insert(block_.end(), kernels.begin(), kernels.end());
}

void Sequence::flush() {
  if (block_.empty()) return;
  outline_->blocks.push_back(std::exchange(block_, {}));
  Step step;
  step.op = {.kind = Op::Kind::Compute,
             .tile = block_tile_,
             .work = static_cast<std::uint32_t>(outline_->blocks.size() - 1)};
  add_compute(std::move(step));
}

void Sequence::host(Seconds time) {
  if (time <= Seconds(0)) return;
  flush();
  outline_->host_times.push_back(time);
  Step step;
  step.op = {.kind = Op::Kind::Host,
             .tile = Tile::Host,
             .work = static_cast<std::uint32_t>(outline_->host_times.size() - 1)};
  add_compute(std::move(step));
}

void Sequence::blocking(std::uint32_t collective, Tile tile) {
  flush();
  Step step;
  step.op = {.kind = Op::Kind::Collective, .tile = tile, .work = collective};
  add_compute(std::move(step));
}

void Sequence::run(std::uint32_t routine) {
  flush();
  const auto call = static_cast<std::int32_t>(routine);
  const bool again = last_compute_ >= 0 && !marked_ && waits_.empty() &&
                     last_compute_ + 1 == static_cast<int>(routine_.steps.size()) &&
                     routine_.steps.back().call == call;
  if (again) {
    ++routine_.steps.back().repeat;
    return;
  }
  Step step;
  step.call = call;
  add_compute(std::move(step));
}

int Sequence::beside(std::uint32_t collective, Stream stream, Tile tile, std::vector<int> after) {
  flush();
  after.push_back(last_compute_);
  return detached(collective, stream, tile, after);
}

int Sequence::detached(std::uint32_t collective, Stream stream, Tile tile,
                       const std::vector<int>& after) {
  return static_cast<int>(add(
      {.kind = Op::Kind::Collective, .stream = stream, .tile = tile, .work = collective}, after));
}

void Sequence::wait(int step) {
  if (step < 0) return;
  flush();
  waits_.push_back(step);
}

int Sequence::mark() {
  flush();
  marked_ = true;
  return last_compute_;
}

std::uint32_t Sequence::add(const Op& op, const std::vector<int>& after) {
  Step step;
  step.op = op;
  // Before the first step on Compute stands what ran before the routine.
  for (const int before : after) {
    step.after.push_back(before < 0 ? Step::kEntry : static_cast<std::uint32_t>(before));
    marked_ = marked_ || before == last_compute_;
  }
  routine_.steps.push_back(std::move(step));
  return static_cast<std::uint32_t>(routine_.steps.size() - 1);
}

void Sequence::add_compute(Step step) {
  for (const int before : std::exchange(waits_, {})) {
    step.after.push_back(static_cast<std::uint32_t>(before));
  }
  routine_.steps.push_back(std::move(step));
  last_compute_ = static_cast<int>(routine_.steps.size() - 1);
  if (first_compute_ < 0) first_compute_ = last_compute_;
  marked_ = false;
}

Routine Sequence::finish() {
  flush();
  ORRERY_CHECK(first_compute_ >= 0 && waits_.empty());
  routine_.first_compute = static_cast<std::uint32_t>(first_compute_);
  routine_.last_compute = static_cast<std::uint32_t>(last_compute_);
  return std::exchange(routine_, {});
}

}  // namespace orrery
