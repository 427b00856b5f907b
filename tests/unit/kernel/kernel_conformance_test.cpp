/// One suite for every implementation of Kernel: the one on SimGrid and the reference of the tests.

#include <cmath>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <orrery/error.hpp>

#include "support/reference_kernel.hpp"

namespace orrery {
namespace {

using MakeKernel = std::unique_ptr<Kernel> (*)();

/// Completions with their dates; `then` may start more.
struct Recorder final : CompletionHandler {
  struct Completion {
    Token token;
    double date;  // s
  };
  explicit Recorder(Kernel& k) : kernel(k) {}
  void completed(std::span<const Token> tokens) override {
    batches.emplace_back(tokens.begin(), tokens.end());
    for (const Token token : tokens) {
      order.push_back({token, kernel.now().si()});
      if (then) then(token);
    }
  }
  [[nodiscard]] double date_of(Token token) const {
    for (const Completion& completion : order) {
      if (completion.token == token) return completion.date;
    }
    return std::nan("");
  }
  [[nodiscard]] std::vector<Token> tokens() const {
    std::vector<Token> result;
    for (const Completion& completion : order) result.push_back(completion.token);
    return result;
  }
  Kernel& kernel;
  std::function<void(Token)> then;
  std::vector<std::vector<Token>> batches;
  std::vector<Completion> order;
};

// A kernel may add its times to an older clock: a few roundings of seconds.
constexpr double kRounding = 1e-12;
constexpr BytesPerSecond kUnlimited{1e30};

class KernelConformance : public testing::TestWithParam<MakeKernel> {
 protected:
  std::unique_ptr<Kernel> kernel = GetParam()();
};

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
    const auto port = kernel->add_port(BytesPerSecond(8));
    kernel->start_flow(port, Bytes(8), kUnlimited, 19 - token);
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
  const auto port = kernel->add_port(BytesPerSecond(1));
  EXPECT_THROW(kernel->add_port(BytesPerSecond(0)), InternalError);
  EXPECT_THROW(kernel->start_timer(Seconds(-1), 0), InternalError);
  EXPECT_THROW(kernel->start_flow(port, Bytes(0), kUnlimited, 0), InternalError);
  EXPECT_THROW(kernel->start_flow(port, Bytes(1), BytesPerSecond(0), 0), InternalError);
}

TEST_P(KernelConformance, AFlowAloneRunsAtTheLesserOfLimitAndCapacity) {
  const auto port = kernel->add_port(BytesPerSecond(10));
  const auto other = kernel->add_port(BytesPerSecond(10));
  kernel->start_flow(port, Bytes(20), BytesPerSecond(4), 1);
  kernel->start_flow(other, Bytes(20), BytesPerSecond(40), 2);
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_NEAR(recorder.date_of(1), 20.0 / 4, kRounding);
  EXPECT_NEAR(recorder.date_of(2), 20.0 / 10, kRounding);
}

TEST_P(KernelConformance, TwoEqualFlowsHalve) {
  const auto port = kernel->add_port(BytesPerSecond(10));
  kernel->start_flow(port, Bytes(10), kUnlimited, 1);
  kernel->start_flow(port, Bytes(10), kUnlimited, 2);
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_EQ(recorder.batches, (std::vector<std::vector<Token>>{{1, 2}}));
  EXPECT_NEAR(kernel->now().si(), 2, kRounding);
}

TEST_P(KernelConformance, WhatALimitedFlowLeavesIsSharedEvenly) {
  // 12 B/s: 2 for the limited one, 5 for each other. After 4 s flow 2 has its 20 B; flow 3 has 40 -
  // 20 left and gets 10 B/s: 6 s. Flow 1 needs 14 / 2 = 7 s.
  const auto port = kernel->add_port(BytesPerSecond(12));
  kernel->start_flow(port, Bytes(14), BytesPerSecond(2), 1);
  kernel->start_flow(port, Bytes(20), kUnlimited, 2);
  kernel->start_flow(port, Bytes(40), kUnlimited, 3);
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_NEAR(recorder.date_of(2), 4, kRounding);
  EXPECT_NEAR(recorder.date_of(3), 6, kRounding);
  EXPECT_NEAR(recorder.date_of(1), 7, kRounding);
}

TEST_P(KernelConformance, LimitsThatFillThePortExactlySlowNobody) {
  const auto port = kernel->add_port(BytesPerSecond(10));
  for (const int rate : {1, 2, 3, 4}) {
    kernel->start_flow(port, Bytes(5.0 * rate), BytesPerSecond(rate), static_cast<Token>(rate));
  }
  Recorder recorder(*kernel);
  kernel->run(recorder);
  for (Token token = 1; token <= 4; ++token) EXPECT_NEAR(recorder.date_of(token), 5, kRounding);
}

TEST_P(KernelConformance, AFlowThatStartsMidwaySlowsTheOther) {
  // 10 B/s alone until 3 s: 30 of 50 B. Then 5 B/s each: flow 2 ends its 10 B at 5 s, with 50 - 30
  // - 10 left, alone again until 6 s.
  const auto port = kernel->add_port(BytesPerSecond(10));
  kernel->start_flow(port, Bytes(50), kUnlimited, 1);
  kernel->start_timer(Seconds(3), 9);
  Recorder recorder(*kernel);
  recorder.then = [&](Token token) {
    if (token == 9) kernel->start_flow(port, Bytes(10), kUnlimited, 2);
  };
  kernel->run(recorder);
  EXPECT_NEAR(recorder.date_of(2), 5, kRounding);
  EXPECT_NEAR(recorder.date_of(1), 6, kRounding);
}

TEST_P(KernelConformance, PortsAreIndependent) {
  const auto a = kernel->add_port(BytesPerSecond(10));
  const auto b = kernel->add_port(BytesPerSecond(2));
  for (Token token = 1; token <= 5; ++token) kernel->start_flow(a, Bytes(10), kUnlimited, token);
  kernel->start_flow(b, Bytes(2), kUnlimited, 6);
  Recorder recorder(*kernel);
  kernel->run(recorder);
  EXPECT_NEAR(recorder.date_of(6), 1, kRounding);
  EXPECT_NEAR(recorder.date_of(5), 5, kRounding);
}

TEST_P(KernelConformance, CountsWhatCompleted) {
  const auto port = kernel->add_port(BytesPerSecond(1));
  kernel->start_flow(port, Bytes(1), kUnlimited, 1);
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
  const auto port = kernel->add_port(BytesPerSecond(1));
  kernel->start_flow(port, Bytes(100), kUnlimited, 1);
  kernel->start_timer(Seconds(50), 2);
  kernel->start_timer(Seconds(1), 3);
  Recorder recorder(*kernel);
  recorder.then = [](Token) { throw std::runtime_error("from the handler"); };
  EXPECT_THROW(kernel->run(recorder), std::runtime_error);
  EXPECT_EQ(recorder.order.size(), 1U);

  kernel.reset();
  kernel = GetParam()();
  EXPECT_EQ(kernel->now(), Seconds(0));
  const auto again = kernel->add_port(BytesPerSecond(2));
  kernel->start_flow(again, Bytes(4), kUnlimited, 4);
  kernel->start_timer(Seconds(1), 5);
  Recorder next(*kernel);
  kernel->run(next);
  EXPECT_EQ(next.tokens(), (std::vector<Token>{5, 4}));  // and nothing of the old one
  EXPECT_NEAR(kernel->now().si(), 2, kRounding);
}

// A program of activities: each starts when its parent has completed; some cancel a timer that
// runs.
struct Activity {
  int parent = -1;
  bool flow = false;
  std::uint32_t port = 0;
  double amount = 0;  // bytes or s
  double limit = 0;   // B/s
  int cancels = -1;
};

struct RandomProgram {
  std::vector<double> capacities;  // B/s
  std::vector<Activity> activities;
};

RandomProgram random_program(std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const auto below = [&](int count) {
    return std::uniform_int_distribution<int>(0, count - 1)(random);
  };
  RandomProgram program;
  const int ports = 1 + below(4);
  for (int i = 0; i < ports; ++i) program.capacities.push_back(std::exp(uniform(-3, 25)));
  const int count = 5 + below(60);
  for (int i = 0; i < count; ++i) {
    Activity activity;
    activity.parent = i < 4 || below(4) == 0 ? -1 : below(i);
    activity.flow = below(3) > 0;
    activity.port = static_cast<std::uint32_t>(below(ports));
    const double capacity = program.capacities[activity.port];
    activity.amount = uniform(0.01, 2) * (activity.flow ? capacity : 1);
    activity.limit = capacity * std::exp(uniform(-7, 2));  // from a thousandth to seven times
    if (below(5) == 0) activity.cancels = below(count);
    program.activities.push_back(activity);
  }
  return program;
}

// The date of every activity's completion in s, or -1.
std::vector<double> play(const RandomProgram& program, Kernel& kernel) {
  std::vector<double> dates(program.activities.size(), -1);
  std::vector<std::optional<Kernel::Timer>> running(program.activities.size());
  for (const double capacity : program.capacities) kernel.add_port(BytesPerSecond(capacity));
  const auto start = [&](std::size_t i) {
    const Activity& activity = program.activities[i];
    if (activity.flow) {
      kernel.start_flow(activity.port, Bytes(activity.amount), BytesPerSecond(activity.limit), i);
    } else {
      running[i] = kernel.start_timer(Seconds(activity.amount), i);
    }
  };
  for (std::size_t i = 0; i < program.activities.size(); ++i) {
    if (program.activities[i].parent < 0) start(i);
  }
  Recorder recorder(kernel);
  recorder.then = [&](Token token) {
    dates[token] = kernel.now().si();
    running[token].reset();
    const int cancels = program.activities[token].cancels;
    if (cancels >= 0 && running[static_cast<std::size_t>(cancels)]) {
      kernel.cancel_timer(*std::exchange(running[static_cast<std::size_t>(cancels)], {}));
    }
    for (std::size_t i = token + 1; i < program.activities.size(); ++i) {
      if (program.activities[i].parent == static_cast<int>(token)) start(i);
    }
  };
  kernel.run(recorder);
  return dates;
}

TEST_P(KernelConformance, DatesDoNotDependOnEarlierSimulations) {
  const RandomProgram program = random_program(7);
  const std::vector<double> first = play(program, *kernel);
  kernel.reset();
  {
    const auto between = GetParam()();
    const auto port = between->add_port(BytesPerSecond(3));
    between->start_flow(port, Bytes(1000.0 / 3), kUnlimited, 1);
    between->start_timer(Seconds(1234.5678), 2);
    Recorder recorder(*between);
    between->run(recorder);
  }
  kernel = GetParam()();
  const std::vector<double> second = play(program, *kernel);
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_NEAR(second[i], first[i], 1e-9 * std::abs(first[i])) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, KernelConformance,
                         testing::Values(&make_simgrid_kernel, &test::make_reference_kernel),
                         [](const auto& tested) {
                           return std::string(tested.index == 0 ? "SimGrid" : "Reference");
                         });

// Two implementations round differently, in clocks of hundreds of seconds: far below 1e-9.
TEST(KernelOracle, AgreesWithSimGridOnRandomPrograms) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const RandomProgram program = random_program(seed);
    const auto simgrid = make_simgrid_kernel();
    const auto reference = test::make_reference_kernel();
    const std::vector<double> found = play(program, *simgrid);
    const std::vector<double> expected = play(program, *reference);
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_NEAR(found[i], expected[i], 1e-9 * std::abs(expected[i]))
          << "seed " << seed << " activity " << i;
    }
    ASSERT_EQ(simgrid->events(), reference->events());
  }
}

TEST(KernelOracle, SharesByWaterFilling) {
  const auto rates = test::fair_rates(
      BytesPerSecond(12), {BytesPerSecond(2), kUnlimited, BytesPerSecond(3), kUnlimited});
  EXPECT_DOUBLE_EQ(rates[0].si(), 2);
  EXPECT_DOUBLE_EQ(rates[1].si(), 3.5);
  EXPECT_DOUBLE_EQ(rates[2].si(), 3);
  EXPECT_DOUBLE_EQ(rates[3].si(), 3.5);
}

TEST(SimGridKernel, IsAloneInItsProcess) {
  const auto first = make_simgrid_kernel();
  EXPECT_THROW((void)make_simgrid_kernel(), InternalError);
}

}  // namespace
}  // namespace orrery
