// One stream of a rank at a time, against the outline spread out.
#include "engine/stream_cursor.hpp"

#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

// Layers with communication beside, run twice and once, messages on both streams.
OutlineBench nested(Stream message_stream) {
  OutlineBench bench;
  const auto beside = [&](std::vector<std::uint32_t> after) {
    return bench.collective(timed(1), Stream::TensorComm, Tile::TensorComm, std::move(after));
  };
  const auto layer = bench.add({beside({Step::kEntry}), bench.compute(1), beside({1}),
                                bench.compute(1, {0}), bench.compute(1, {2})});
  const auto chunk = bench.add({bench.compute(1), OutlineBench::run(layer, 2),
                                bench.collective(timed(1), Stream::DataComm, Tile::DataComm, {1}),
                                bench.compute(2)});
  const auto last = bench.add({OutlineBench::run(layer, 3)});
  const auto message = static_cast<std::int32_t>(bench.communication(timed(1)));
  for (const auto routine : {chunk, last, chunk}) {
    bench.pass({.routine = routine, .message = message, .message_stream = message_stream});
  }
  bench.pass({.routine = last});
  return bench;
}

// Into every routine that is run.
std::vector<std::int64_t> positions(StreamCursor cursor) {
  std::vector<std::int64_t> found;
  while (!cursor.done()) {
    if (cursor.step() != nullptr && cursor.step()->call >= 0) {
      cursor.enter();
      continue;
    }
    found.push_back(cursor.position());
    cursor.next();
  }
  EXPECT_EQ(cursor.position(), std::numeric_limits<std::int64_t>::max());
  return found;
}

// Operations in the order of creation are numbered as positions, but for passes without a message,
// which leave a number out.
std::vector<std::int64_t> expected(const Outline& outline, Stream stream) {
  std::vector<std::int64_t> found;
  std::int64_t position = 0;
  for (const Pass& pass : outline.passes) {
    const PassOps ops(outline, pass);
    for (const Op& op : ops.ops()) {
      if (op.stream == stream) found.push_back(position);
      ++position;
    }
  }
  return found;
}

TEST(StreamCursor, WalksTheOperationsOfItsStream) {
  for (const Stream message : {Stream::Compute, Stream::Send}) {
    const OutlineBench bench = nested(message);
    const OutlineIndex index(bench.outline);
    std::vector<std::uint32_t> order(bench.outline.passes.size());
    std::iota(order.begin(), order.end(), 0U);
    for (int i = 0; i < kStreamCount; ++i) {
      const auto stream = static_cast<Stream>(i);
      const StreamCursor cursor(index, {bench.outline.passes, order}, stream);
      EXPECT_EQ(positions(cursor), expected(bench.outline, stream)) << i;
    }
  }
}

TEST(StreamCursor, SkipsToWhatStandsAtOrAfterAPosition) {
  const OutlineBench bench = nested(Stream::Send);
  const OutlineIndex index(bench.outline);
  const std::vector<std::uint32_t> order = {0, 1, 2, 3};
  const StreamCursor start(index, {bench.outline.passes, order}, Stream::TensorComm);
  const std::vector<std::int64_t> all = positions(start);
  for (std::int64_t position = 0; position <= all.back() + 1; ++position) {
    StreamCursor cursor = start;
    cursor.skip_to(position);
    const auto next = std::lower_bound(all.begin(), all.end(), position);
    EXPECT_EQ(positions(cursor), std::vector<std::int64_t>(next, all.end())) << position;
  }
}

TEST(OutlineIndex, KnowsWhatStartsByItself) {
  OutlineBench bench;
  const auto routine =
      bench.add({bench.collective(timed(1), Stream::ParamComm, Tile::DataComm),
                 bench.collective(timed(1), Stream::TensorComm, Tile::TensorComm, {Step::kEntry}),
                 bench.compute(1, {0})});
  const OutlineIndex index(bench.outline);
  EXPECT_TRUE(index.starts_freely(Stream::ParamComm));
  EXPECT_FALSE(index.starts_freely(Stream::TensorComm));
  EXPECT_TRUE(index.uses_free_stream(routine));
  EXPECT_EQ(index.length(routine), 3);
  EXPECT_EQ(index.first_compute(routine), 2);
  EXPECT_FALSE(index.uses(Stream::Send));
}

}  // namespace
}  // namespace orrery::engine_test
