/// The engine's kernel against the oracle on random programs of timers and flows.

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include <orrery/error.hpp>

#include "unit/kernel/support.hpp"

namespace orrery {
namespace {

// A program of activities: each starts when its parent has completed; some cancel a timer that
// runs.
struct Activity {
  int parent = -1;
  std::vector<Demand> demands;  // none: a timer
  double amount = 0;            // bytes or s
  double bound = 0;             // B/s
  double weight = 1;
  int cancels = -1;
};

struct RandomProgram {
  std::vector<double> capacities;  // B/s
  std::vector<Activity> activities;
};

using DrawAmount = std::function<double(std::mt19937&)>;

class Drawing {
 public:
  Drawing(std::uint32_t seed, std::size_t most_demands, DrawAmount amount)
      : random_(seed), most_demands_(most_demands), amount_(std::move(amount)) {}

  RandomProgram program() {
    RandomProgram drawn;
    const int resources = 1 + below(5);
    // All of a magnitude, so that they compete; the magnitude from small to terabytes.
    const double magnitude = std::exp(uniform(-3, 25));
    for (int i = 0; i < resources; ++i) {
      drawn.capacities.push_back(magnitude * std::exp(uniform(-1, 1)));
    }
    const int count = 5 + below(60);
    for (int i = 0; i < count; ++i) drawn.activities.push_back(activity(drawn, i, count));
    return drawn;
  }

 private:
  double uniform(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }
  int below(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }

  Activity activity(const RandomProgram& drawn, int index, int count) {
    Activity made;
    made.parent = index < 4 || below(4) == 0 ? -1 : below(index);
    if (below(5) == 0) made.cancels = below(count);
    made.amount = uniform(0.01, 2);
    if (below(3) == 0) return made;
    std::vector<std::uint32_t> order(drawn.capacities.size());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random_);
    const std::size_t taken =
        1 +
        static_cast<std::size_t>(below(static_cast<int>(std::min(order.size(), most_demands_))));
    for (std::size_t i = 0; i < taken; ++i) made.demands.push_back({order[i], amount_(random_)});
    const double capacity = drawn.capacities[order.front()];
    made.amount *= capacity;
    made.bound = capacity * std::exp(uniform(-7, 2));  // from a thousandth to seven times
    made.weight = below(2) == 0 ? 1 : 1 + below(8);
    return made;
  }

  std::mt19937 random_;
  std::size_t most_demands_;
  DrawAmount amount_;
};

// The date of every activity's completion in s, or -1.
std::vector<double> play(const RandomProgram& program, Kernel& kernel) {
  std::vector<double> dates(program.activities.size(), -1);
  std::vector<std::optional<Kernel::Timer>> running(program.activities.size());
  for (const double capacity : program.capacities) kernel.add_resource(BytesPerSecond(capacity));
  const auto start = [&](std::size_t i) {
    const Activity& activity = program.activities[i];
    if (activity.demands.empty()) {
      running[i] = kernel.start_timer(Seconds(activity.amount), i);
    } else {
      kernel.start_flow({.demands = activity.demands,
                         .size = Bytes(activity.amount),
                         .bound = BytesPerSecond(activity.bound),
                         .weight = activity.weight},
                        i);
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

struct Difference {
  double worst = 0;  // of a date, relative
  std::uint64_t flows = 0;
  std::uint64_t shared = 0;
};

Difference compare(std::uint32_t seeds, std::size_t most_demands, const DrawAmount& amount) {
  Difference result;
  for (std::uint32_t seed = 0; seed < seeds; ++seed) {
    const RandomProgram program = Drawing(seed, most_demands, amount).program();
    const auto engine = make_kernel();
    const auto reference = test::make_reference_kernel();
    const std::vector<double> found = play(program, *engine);
    const std::vector<double> expected = play(program, *reference);
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i] < 0, expected[i] < 0) << "seed " << seed << " activity " << i;
      const double difference = std::abs(found[i] / expected[i] - 1);
      result.worst = std::max(result.worst, difference);
    }
    EXPECT_EQ(engine->events(), reference->events()) << "seed " << seed;
    EXPECT_EQ(engine->flows(), reference->flows()) << "seed " << seed;
    result.flows += engine->flows();
    result.shared += engine->shared_flows();
  }
  return result;
}

double one(std::mt19937&) { return 1; }
double whole(std::mt19937& random) {
  return std::uniform_int_distribution<int>(1, 8)(random) / 4.0;
}
double any(std::mt19937& random) {
  return std::exp(std::uniform_real_distribution<double>(-1.5, 1.5)(random));
}

// Two implementations round differently, in clocks of hundreds of seconds.
constexpr double kSame = 1e-9;

TEST(KernelOracle, AgreesWithTheEngineOnOneResourceWhateverTheAmounts) {
  const Difference found = compare(200, 1, any);
  EXPECT_LE(found.worst, kSame);
  EXPECT_GT(found.shared, found.flows / 4);  // it is SimGrid that is compared
}

TEST(KernelOracle, AgreesWithTheEngineOnSetsOfResources) {
  const Difference found = compare(200, 4, one);
  EXPECT_LE(found.worst, kSame);
  EXPECT_GT(found.shared, found.flows / 4);
}

TEST(KernelOracle, AgreesWithTheEngineOnAmountsInWholeRatios) {
  const Difference found = compare(200, 4, whole);
  EXPECT_LE(found.worst, kSame);
  EXPECT_GT(found.shared, found.flows / 4);
}

// Ratios of amounts come out within 5e-4, mostly within 1e-4; dates follow them.
TEST(KernelOracle, AgreesWithTheEngineOnAnyAmountsToATenthOfAPercent) {
  const Difference two = compare(200, 2, any);
  EXPECT_LE(two.worst, 1e-3);
  EXPECT_GT(two.shared, two.flows / 4);
  const Difference three = compare(200, 3, any);
  EXPECT_LE(three.worst, 1e-3);
}

TEST(KernelOracle, SharesByWaterFilling) {
  const auto rates = test::fair_rates({BytesPerSecond(12)}, {{{{0, 1}}, BytesPerSecond(2)},
                                                             {{{0, 1}}, kUnlimited},
                                                             {{{0, 1}}, BytesPerSecond(3)},
                                                             {{{0, 1}}, kUnlimited}});
  EXPECT_DOUBLE_EQ(rates[0].si(), 2);
  EXPECT_DOUBLE_EQ(rates[1].si(), 3.5);
  EXPECT_DOUBLE_EQ(rates[2].si(), 3);
  EXPECT_DOUBLE_EQ(rates[3].si(), 3.5);
}

TEST(EngineKernel, DatesDoNotDependOnEarlierSimulations) {
  const RandomProgram program = Drawing(7, 2, one).program();
  const std::vector<double> first = play(program, *make_kernel());
  {
    const auto between = make_kernel();
    const auto link = between->add_resource(BytesPerSecond(3));
    start_over(*between, {link}, 1000.0 / 3, 1);
    start_over(*between, {link}, 1000.0, 2);
    between->start_timer(Seconds(1234.5678), 3);
    Recorder recorder(*between);
    between->run(recorder);
  }
  const std::vector<double> second = play(program, *make_kernel());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_NEAR(second[i], first[i], kSame * std::abs(first[i])) << i;
  }
}

TEST(EngineKernel, FlowsOfOneAtATimeCompete) {
  const auto first = make_kernel();
  const auto second = make_kernel();
  for (Kernel* kernel : {first.get(), second.get()}) {
    const auto link = kernel->add_resource(BytesPerSecond(2));
    start_over(*kernel, {link}, 2, 1);
    start_over(*kernel, {link}, 2, 2);
  }
  Recorder recorder(*first);
  first->run(recorder);
  EXPECT_NEAR(first->now().si(), 2, kRounding);
  Recorder other(*second);
  EXPECT_THROW(second->run(other), InternalError);  // `first` still holds SimGrid
}

}  // namespace
}  // namespace orrery
