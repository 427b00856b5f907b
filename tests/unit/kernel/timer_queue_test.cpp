#include "kernel/timer_queue.hpp"

#include <map>
#include <random>

#include <gtest/gtest.h>

#include <orrery/error.hpp>

namespace orrery {
namespace {

TEST(TimerQueue, GivesByDateThenBySequence) {
  TimerQueue queue;
  queue.push({Seconds(2), 0, 5});
  queue.push({Seconds(1), 2, 1});
  queue.push({Seconds(1), 1, 7});
  std::vector<TimerQueue::Slot> order;
  while (!queue.empty()) {
    order.push_back(queue.top().slot);
    queue.remove(queue.top().slot);
  }
  EXPECT_EQ(order, (std::vector<TimerQueue::Slot>{7, 1, 5}));
}

TEST(TimerQueue, ASlotIsInItOnce) {
  TimerQueue queue;
  queue.push({Seconds(1), 0, 3});
  EXPECT_THROW(queue.push({Seconds(2), 1, 3}), InternalError);
  queue.remove(3);
  EXPECT_THROW(queue.remove(3), InternalError);
  EXPECT_THROW(queue.remove(4), InternalError);
}

TEST(TimerQueue, AgreesWithAnOrderedMap) {
  std::mt19937 random(3);
  const auto below = [&](std::uint32_t count) {
    return std::uniform_int_distribution<std::uint32_t>(0, count - 1)(random);
  };
  TimerQueue queue;
  std::map<std::pair<double, std::uint64_t>, TimerQueue::Slot> expected;
  std::vector<std::pair<double, std::uint64_t>> key_of(64, {-1, 0});
  for (std::uint64_t step = 0; step < 20000; ++step) {
    const TimerQueue::Slot slot = below(64);
    if (key_of[slot].first < 0) {
      key_of[slot] = {below(100), step};
      expected.emplace(key_of[slot], slot);
      queue.push({Seconds(key_of[slot].first), step, slot});
    } else {
      expected.erase(key_of[slot]);
      key_of[slot].first = -1;
      queue.remove(slot);
    }
    ASSERT_EQ(queue.empty(), expected.empty());
    if (queue.empty()) continue;
    ASSERT_EQ(queue.top().slot, expected.begin()->second) << step;
  }
}

}  // namespace
}  // namespace orrery
