/// Flows that start at known times, without a kernel: by hand, and against the oracle.
#include <cmath>
#include <deque>
#include <random>

#include "kernel/flow_times.hpp"
#include "unit/kernel/support.hpp"

namespace orrery {
namespace {

constexpr double kAlike = 1e-9;  // sums of some hundred dates and rates

// 10 B at 10 B/s, and the same after half a second: 5 B alone, 5 each in 1 s, 5 alone.
TEST(FlowTimes, FollowTheSharesOverTime) {
  const std::vector<BytesPerSecond> capacities = {BytesPerSecond(10)};
  const std::vector<Demand> link = {{.resource = 0, .amount = 1}};
  const Flow flow{.demands = link, .size = Bytes(10), .bound = kUnlimited};
  const std::vector<TimedFlow> both = {{flow, Seconds(0.5)}, {flow, Seconds(0)}};
  const std::vector<Seconds> ends = end_times(capacities, both);
  EXPECT_NEAR(ends[0].si(), 2, kAlike);
  EXPECT_NEAR(ends[1].si(), 1.5, kAlike);
}

// Bound to 2 of 10 B/s it leaves 8: 16 B in 2 s, its own 4 in as long.
TEST(FlowTimes, OfABoundFlowLeaveTheRestToOthers) {
  const std::vector<BytesPerSecond> capacities = {BytesPerSecond(10)};
  const std::vector<Demand> link = {{.resource = 0, .amount = 1}};
  const std::vector<TimedFlow> both = {
      {{.demands = link, .size = Bytes(4), .bound = BytesPerSecond(2)}, Seconds(0)},
      {{.demands = link, .size = Bytes(16), .bound = kUnlimited}, Seconds(0)}};
  for (const Seconds end : end_times(capacities, both)) EXPECT_NEAR(end.si(), 2, kAlike);
}

// Starts are timers of the oracle's kernel.
TEST(FlowTimes, AreThoseOfTheOracle) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    const auto uniform = [&](double low, double high) {
      return std::uniform_real_distribution<double>(low, high)(random);
    };
    const auto kernel = test::make_reference_kernel();
    Recorder recorder(*kernel);
    std::vector<BytesPerSecond> capacities;
    for (int i = 0; i < 6; ++i) {
      capacities.emplace_back(std::exp(uniform(-1, 1)));
      kernel->add_resource(capacities.back());
    }
    std::deque<std::vector<Demand>> demands;
    std::vector<TimedFlow> flows;
    for (Token i = 0; i < 40; ++i) {
      std::vector<Demand>& own = demands.emplace_back();
      for (std::uint32_t resource = 0; resource < 6; ++resource) {
        if (uniform(0, 1) < 0.3) own.push_back({resource, std::exp(uniform(-1, 1))});
      }
      flows.push_back({{.demands = own,
                        .size = Bytes(uniform(0.1, 2)),
                        .bound = BytesPerSecond(std::exp(uniform(-3, 2))),
                        .weight = uniform(1, 4)},
                       Seconds(uniform(0, 10))});
      kernel->start_timer(flows.back().start, i);
    }
    recorder.then = [&](Token token) {
      if (token < flows.size()) kernel->start_flow(flows[token].flow, flows.size() + token);
    };
    kernel->run(recorder);
    const std::vector<Seconds> ends = end_times(capacities, flows);
    for (Token i = 0; i < flows.size(); ++i) {
      const double date = recorder.date_of(flows.size() + i);
      EXPECT_NEAR(ends[i].si(), date, date * kAlike) << "seed " << seed << ", flow " << i;
    }
  }
}

}  // namespace
}  // namespace orrery
