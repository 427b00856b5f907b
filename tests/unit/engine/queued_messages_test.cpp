// Messages of one rank that wait for one another, while passes go on.
#include <gtest/gtest.h>

#include "unit/engine/outline_support.hpp"

namespace orrery::engine_test {
namespace {

// Rank 0: passes of 0.3, 0.3 and 0.9 s, whose outputs take 1 s each on a stream of their own: sent
// from 0.3, 1.3 and 2.3 s, for they go one after the other; the third pass runs from 0.6 to 1.5 s,
// while the first message ends and the second is yet to start. Rank 1 works 0.1 s on each.
TEST(QueuedMessages, GoOneAfterTheOtherWhateverPassesDo) {
  OutlineBench bench(2);
  const auto message = static_cast<std::int32_t>(bench.communication(timed(1)));
  const std::uint32_t use = bench.add({bench.compute(0.1)});
  for (const double seconds : {0.3, 0.3, 0.9}) {
    const std::uint32_t part = bench.add({bench.compute(seconds / 3)});
    const std::int32_t made = bench.pass({.rank = 0,
                                          .routine = bench.add({OutlineBench::run(part, 3)}),
                                          .message = message,
                                          .message_stream = Stream::Send});
    bench.pass({.rank = 1, .routine = use, .after = made});
  }
  EXPECT_NEAR(bench.estimated(true).step_time.si(), 3.4, 1e-9);
  EXPECT_NEAR(bench.estimated(false).step_time.si(), 3.4, 1e-9);
  EXPECT_NEAR(bench.simulated().step_time.si(), 3.4, 1e-9);
}

}  // namespace
}  // namespace orrery::engine_test
