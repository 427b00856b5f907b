#include "kernel/timer_queue.hpp"

#include <random>
#include <set>

#include <gtest/gtest.h>

#include <orrery/error.hpp>

namespace orrery {
namespace {

TEST(TimerQueue, GivesByDateThenInTheOrderOfPushing) {
  TimerQueue queue;
  queue.push(5, Seconds(2));
  queue.push(7, Seconds(1));
  queue.push(3, Seconds(1));
  queue.push(1, Seconds(1));
  queue.remove(3);
  std::vector<TimerQueue::Slot> order;
  while (!queue.empty()) {
    order.push_back(queue.top());
    queue.remove(queue.top());
  }
  EXPECT_EQ(order, (std::vector<TimerQueue::Slot>{7, 1, 5}));
}

TEST(TimerQueue, ADateThatEveryoneHasLeftMayBeAskedForAgain) {
  TimerQueue queue;
  queue.push(0, Seconds(1));
  for (const TimerQueue::Slot slot : {1U, 2U}) {
    queue.push(slot, Seconds(2));
    queue.remove(slot);
  }
  queue.push(3, Seconds(2));
  EXPECT_EQ(queue.date(), Seconds(1));
  queue.remove(0);
  EXPECT_EQ(queue.date(), Seconds(2));
  EXPECT_EQ(queue.top(), 3U);
  queue.clear();
  EXPECT_TRUE(queue.empty());
  queue.push(3, Seconds(2));
  EXPECT_EQ(queue.top(), 3U);
}

TEST(TimerQueue, ASlotIsInItOnce) {
  TimerQueue queue;
  queue.push(3, Seconds(1));
  EXPECT_THROW(queue.push(3, Seconds(2)), InternalError);
  queue.remove(3);
  EXPECT_THROW(queue.remove(3), InternalError);
  EXPECT_THROW(queue.remove(4), InternalError);
}

TEST(TimerQueue, AgreesWithAnOrderedSet) {
  std::mt19937 random(3);
  const auto below = [&](std::uint32_t count) {
    return std::uniform_int_distribution<std::uint32_t>(0, count - 1)(random);
  };
  TimerQueue queue;
  std::set<std::pair<double, TimerQueue::Slot>> expected;
  std::vector<double> date_of(64, -1);
  for (std::uint64_t step = 0; step < 20000; ++step) {
    const TimerQueue::Slot slot = below(64);
    if (date_of[slot] < 0) {
      date_of[slot] = below(100);
      expected.emplace(date_of[slot], slot);
      queue.push(slot, Seconds(date_of[slot]));
    } else {
      expected.erase({date_of[slot], slot});
      date_of[slot] = -1;
      queue.remove(slot);
    }
    ASSERT_EQ(queue.empty(), expected.empty());
    if (queue.empty()) continue;
    ASSERT_EQ(queue.date().si(), expected.begin()->first) << step;
    ASSERT_EQ(date_of[queue.top()], queue.date().si()) << step;
  }
}

}  // namespace
}  // namespace orrery
