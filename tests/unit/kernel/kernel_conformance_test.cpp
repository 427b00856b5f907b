/// One suite for every implementation of Kernel, the engine's and the reference of the tests:
/// timers, and flows that share one resource.

#include <stdexcept>

#include <orrery/error.hpp>

#include "unit/kernel/support.hpp"

namespace orrery {
namespace {

TEST_P(KernelConformance, NothingToDoEndsAtZero) {
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_EQ(kernel->now(), Seconds(0));
  EXPECT_EQ(kernel->events(), 0U);
}

TEST_P(KernelConformance, TimersCompleteInOrderOfDate) {
  kernel->start_timer(Seconds(3), 30);
  kernel->start_timer(Seconds(1), 10);
  kernel->start_timer(Seconds(2), 20);
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_EQ(recorder.tokens(), (std::vector<Token>{10, 20, 30}));
  EXPECT_NEAR(recorder.date_of(10), 1, kRounding);
  EXPECT_NEAR(recorder.date_of(20), 2, kRounding);
  EXPECT_NEAR(kernel->now().si(), 3, kRounding);
}

TEST_P(KernelConformance, SimultaneousTimersCompleteTogetherInStartOrder) {
  std::vector<Token> started;
  for (Token token = 0; token < 100; ++token) {
    kernel->start_timer(Seconds(1), 99 - token);
    started.push_back(99 - token);
  }
  Recorder recorder(*kernel);
  kernel->run(recorder);
  ASSERT_EQ(recorder.batches.size(), 1U);
  EXPECT_EQ(recorder.batches.front(), started);
}

TEST_P(KernelConformance, SimultaneousFlowsCompleteTogetherInStartOrder) {
  std::vector<Token> started;
  for (Token token = 0; token < 20; ++token) {
    const auto link = kernel->add_resource(BytesPerSecond(8));
    start_over(*kernel, {link}, 8, 19 - token);
    started.push_back(19 - token);
  }
  Recorder recorder(*kernel);
  kernel->run(recorder);
  ASSERT_EQ(recorder.batches.size(), 1U);
  EXPECT_EQ(recorder.batches.front(), started);
}

TEST_P(KernelConformance, ZeroDelayCompletesAtOnceInALaterBatch) {
  kernel->start_timer(Seconds(1), 1);
  Recorder recorder(*kernel);
  recorder.then = [&](Token token) {
    if (token < 4) kernel->start_timer(Seconds(0), token + 1);
  };
  kernel->run(recorder);
  EXPECT_EQ(recorder.batches, (std::vector<std::vector<Token>>{{1}, {2}, {3}, {4}}));
  EXPECT_NEAR(kernel->now().si(), 1, kRounding);
}

TEST_P(KernelConformance, CancelledTimerNeverCompletes) {
  const auto dropped = kernel->start_timer(Seconds(1), 1);
  const auto later = kernel->start_timer(Seconds(5), 5);
  kernel->start_timer(Seconds(2), 2);
  kernel->cancel_timer(dropped);
  Recorder recorder(*kernel);
  recorder.then = [&](Token) { kernel->cancel_timer(later); };
  kernel->run(recorder);
  EXPECT_EQ(recorder.tokens(), (std::vector<Token>{2}));
  EXPECT_NEAR(kernel->now().si(), 2, kRounding);  // nothing waits for what was cancelled
}

TEST_P(KernelConformance, CancellingWhatHasCompletedIsABug) {
  const auto timer = kernel->start_timer(Seconds(1), 1);
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_THROW(kernel->cancel_timer(timer), InternalError);
}

TEST_P(KernelConformance, RejectsWhatHasNoMeaning) {
  const auto link = kernel->add_resource(BytesPerSecond(1));
  EXPECT_THROW(kernel->add_resource(BytesPerSecond(0)), InternalError);
  EXPECT_THROW(kernel->start_timer(Seconds(-1), 0), InternalError);
  EXPECT_THROW(start_over(*kernel, {link}, 0, 0), InternalError);
  EXPECT_THROW(start_over(*kernel, {link}, 1, 0, BytesPerSecond(0)), InternalError);
  EXPECT_THROW(start_over(*kernel, {link}, 1, 0, kUnlimited, 0), InternalError);
  EXPECT_THROW(start_over(*kernel, {link + 1}, 1, 0), InternalError);
  const Demand nothing{.resource = link, .amount = 0};
  EXPECT_THROW(
      kernel->start_flow({.demands = {&nothing, 1}, .size = Bytes(1), .bound = kUnlimited}, 0),
      InternalError);
}

TEST_P(KernelConformance, AFlowAloneRunsAtTheLesserOfLimitAndCapacity) {
  const auto link = kernel->add_resource(BytesPerSecond(10));
  const auto other = kernel->add_resource(BytesPerSecond(10));
  start_over(*kernel, {link}, 20, 1, BytesPerSecond(4));
  start_over(*kernel, {other}, 20, 2, BytesPerSecond(40));
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_NEAR(recorder.date_of(1), 20.0 / 4, kRounding);
  EXPECT_NEAR(recorder.date_of(2), 20.0 / 10, kRounding);
}

TEST_P(KernelConformance, TwoEqualFlowsHalve) {
  const auto link = kernel->add_resource(BytesPerSecond(10));
  start_over(*kernel, {link}, 10, 1);
  start_over(*kernel, {link}, 10, 2);
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_EQ(recorder.batches, (std::vector<std::vector<Token>>{{1, 2}}));
  EXPECT_NEAR(kernel->now().si(), 2, kRounding);
}

TEST_P(KernelConformance, WhatALimitedFlowLeavesIsSharedEvenly) {
  // 12 B/s: 2 for the limited one, 5 for each other. After 4 s flow 2 has its 20 B; flow 3 has 40 -
  // 20 left and gets 10 B/s: 6 s. Flow 1 needs 14 / 2 = 7 s.
  const auto link = kernel->add_resource(BytesPerSecond(12));
  start_over(*kernel, {link}, 14, 1, BytesPerSecond(2));
  start_over(*kernel, {link}, 20, 2);
  start_over(*kernel, {link}, 40, 3);
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_NEAR(recorder.date_of(2), 4, kRounding);
  EXPECT_NEAR(recorder.date_of(3), 6, kRounding);
  EXPECT_NEAR(recorder.date_of(1), 7, kRounding);
}

TEST_P(KernelConformance, LimitsThatFillTheLinkExactlySlowNobody) {
  const auto link = kernel->add_resource(BytesPerSecond(10));
  for (const int rate : {1, 2, 3, 4}) {
    start_over(*kernel, {link}, 5.0 * rate, static_cast<Token>(rate), BytesPerSecond(rate));
  }
  Recorder recorder(*kernel);
  kernel->run(recorder);
  for (Token token = 1; token <= 4; ++token) EXPECT_NEAR(recorder.date_of(token), 5, kRounding);
}

TEST_P(KernelConformance, AFlowThatStartsMidwaySlowsTheOther) {
  // 10 B/s alone until 3 s: 30 of 50 B. Then 5 B/s each: flow 2 ends its 10 B at 5 s, with 50 - 30
  // - 10 left, alone again until 6 s.
  const auto link = kernel->add_resource(BytesPerSecond(10));
  start_over(*kernel, {link}, 50, 1);
  kernel->start_timer(Seconds(3), 9);
  Recorder recorder(*kernel);
  recorder.then = [&](Token token) {
    if (token == 9) start_over(*kernel, {link}, 10, 2);
  };
  kernel->run(recorder);
  EXPECT_NEAR(recorder.date_of(2), 5, kRounding);
  EXPECT_NEAR(recorder.date_of(1), 6, kRounding);
}

TEST_P(KernelConformance, LinksAreIndependent) {
  const auto a = kernel->add_resource(BytesPerSecond(10));
  const auto b = kernel->add_resource(BytesPerSecond(2));
  for (Token token = 1; token <= 5; ++token) start_over(*kernel, {a}, 10, token);
  start_over(*kernel, {b}, 2, 6);
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_NEAR(recorder.date_of(6), 1, kRounding);
  EXPECT_NEAR(recorder.date_of(5), 5, kRounding);
}

TEST_P(KernelConformance, CountsWhatCompleted) {
  const auto link = kernel->add_resource(BytesPerSecond(1));
  start_over(*kernel, {link}, 1, 1);
  kernel->start_timer(Seconds(0.25), 2);
  kernel->cancel_timer(kernel->start_timer(Seconds(9), 3));
  std::uint64_t seen_at_first = 0;
  Recorder recorder(*kernel);
  recorder.then = [&](Token token) {
    if (token == 2) seen_at_first = kernel->events();
  };
  kernel->run(recorder);
  EXPECT_EQ(seen_at_first, 1U);
  EXPECT_EQ(kernel->events(), 2U);
}

TEST_P(KernelConformance, AnExceptionLeavesRunAndTheNextKernelWorks) {
  const auto link = kernel->add_resource(BytesPerSecond(1));
  start_over(*kernel, {link}, 100, 1);
  kernel->start_timer(Seconds(50), 2);
  kernel->start_timer(Seconds(1), 3);
  Recorder recorder(*kernel);
  recorder.then = [](Token) { throw std::runtime_error("from the handler"); };
  EXPECT_THROW(kernel->run(recorder), std::runtime_error);
  EXPECT_EQ(recorder.order.size(), 1U);

  kernel.reset();
  kernel = GetParam()();
  EXPECT_EQ(kernel->now(), Seconds(0));
  const auto again = kernel->add_resource(BytesPerSecond(2));
  start_over(*kernel, {again}, 4, 4);
  kernel->start_timer(Seconds(1), 5);
  Recorder next(*kernel);
  kernel->run(next);
  EXPECT_EQ(next.tokens(), (std::vector<Token>{5, 4}));  // and nothing of the old one
  EXPECT_NEAR(kernel->now().si(), 2, kRounding);
}

INSTANTIATE_TEST_SUITE_P(Kernels, KernelConformance,
                         testing::Values(&make_kernel, &test::make_reference_kernel), kernel_name);

}  // namespace
}  // namespace orrery
