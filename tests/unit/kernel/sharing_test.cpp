/// Max-min shares over several resources, by hand: amounts, weights, bounds, changes in flight.

#include "unit/kernel/support.hpp"

namespace orrery {
namespace {

class KernelSharing : public KernelConformance {
 protected:
  Kernel::Resource add(double capacity) { return kernel->add_resource(BytesPerSecond(capacity)); }
  void start(const std::vector<Demand>& demands, double size, Token token,
             BytesPerSecond bound = kUnlimited, double weight = 1) {
    kernel->start_flow({.demands = demands, .size = Bytes(size), .bound = bound, .weight = weight},
                       token);
  }
  // Runs all; `then` hears every token.
  Recorder& run(std::function<void(Token)> then = nullptr) {
    recorder_.emplace(*kernel).then = std::move(then);
    kernel->run(*recorder_);
    return *recorder_;
  }
  [[nodiscard]] double date_of(Token token) const { return recorder_->date_of(token); }

 private:
  std::optional<Recorder> recorder_;
};

TEST_P(KernelSharing, TwoCardsBehindOneSwitchHalveIt) {
  // Each card's own link could do 10 of the switch's 12: 6 each.
  const auto a = add(10), b = add(10), pcie = add(12);
  start_over(*kernel, {a, pcie}, 12, 1);
  start_over(*kernel, {b, pcie}, 12, 2);
  run();
  EXPECT_NEAR(date_of(1), 2, kRounding);
  EXPECT_NEAR(date_of(2), 2, kRounding);
  EXPECT_EQ(kernel->flows(), 2U);
  EXPECT_EQ(kernel->shared_flows(), 2U);
}

TEST_P(KernelSharing, WhatASlowDiskLeavesGoesToTheCards) {
  // The disk reads at 2: the two cards share the other 10 of the switch. 20 / 5 = 4 s.
  const auto a = add(10), b = add(10), disk = add(2), pcie = add(12);
  start_over(*kernel, {a, pcie}, 20, 1);
  start_over(*kernel, {b, pcie}, 20, 2);
  start_over(*kernel, {disk, pcie}, 20, 3);
  run();
  EXPECT_NEAR(date_of(1), 4, kRounding);
  EXPECT_NEAR(date_of(2), 4, kRounding);
  EXPECT_NEAR(date_of(3), 10, kRounding);
}

TEST_P(KernelSharing, AChainIsMaxMinAndNotTheShareOfEachLinkByItself) {
  // Flow 1 takes both links, 2 the first of 10, 3 the second of 4. The second is full first: 2 each
  // for 1 and 3; so flow 2 gets 8 of the first, not the half of it.
  const auto wide = add(10), narrow = add(4);
  start_over(*kernel, {wide, narrow}, 4, 1);
  start_over(*kernel, {wide}, 16, 2);
  start_over(*kernel, {narrow}, 4, 3);
  const Recorder& recorder = run();
  EXPECT_EQ(recorder.batches, (std::vector<std::vector<Token>>{{1, 2, 3}}));
  EXPECT_NEAR(kernel->now().si(), 2, kRounding);
}

TEST_P(KernelSharing, GoesByWeight) {
  // Three folded flows of 5 bytes and one: 12 / 4 = 3 for each of the four, 9 for the three.
  const auto link = add(12);
  start_over(*kernel, {link}, 18, 1, kUnlimited, 3);
  start_over(*kernel, {link}, 12, 2);
  run();
  EXPECT_NEAR(date_of(1), 2, kRounding);
  EXPECT_NEAR(date_of(2), 2 + (12 - 3 * 2) / 12.0, kRounding);
}

TEST_P(KernelSharing, WeightsGoFarApart) {
  const auto link = add(16385);
  start_over(*kernel, {link}, 16384, 1, kUnlimited, 16384);
  start_over(*kernel, {link}, 2, 2, kUnlimited, 1);
  run();
  EXPECT_NEAR(date_of(1), 1, kRounding);
  EXPECT_NEAR(date_of(2), 1 + 1.0 / 16385, kRounding);
}

TEST_P(KernelSharing, AmountsAreTakenOfEveryByte) {
  // Alone at 12 / 3 = 4.
  const auto link = add(12);
  start({{link, 3}}, 8, 1);
  run();
  EXPECT_NEAR(date_of(1), 2, kRounding);
  EXPECT_EQ(kernel->shared_flows(), 0U);
}

TEST_P(KernelSharing, BandwidthIsSharedEvenlyWhateverTheAmounts) {
  // 6 of the link each: flow 1 advances at 6 / 3 = 2, flow 2 at 6.
  const auto link = add(12);
  start({{link, 3}}, 4, 1);
  start({{link, 1}}, 12, 2);
  run();
  EXPECT_NEAR(date_of(1), 2, kRounding);
  EXPECT_NEAR(date_of(2), 2, kRounding);
}

TEST_P(KernelSharing, AnAllReduceAndACopyMeetAtTheNic) {
  // For each byte the all-reduce takes 8 of NVLink and 1 of the NIC; the copy 1 of the NIC. NVLink
  // is too wide to matter: half of the NIC each, so the all-reduce takes 5 * 8 of NVLink.
  const auto nvlink = add(90), nic = add(10);
  start({{nvlink, 8}, {nic, 1}}, 10, 1);
  start({{nic, 1}}, 15, 2);
  run();
  EXPECT_NEAR(date_of(1), 2, kRounding);
  EXPECT_NEAR(date_of(2), 2.5, kRounding);  // 5 left, alone
}

TEST_P(KernelSharing, WhatAFlowTakesOfAnotherResourceFollowsItsBottleneck) {
  // Both links are contended. For flow 1 the second is narrowest: 3 x 2 / 12 against 1 x 2 / 12. It
  // and flow 2 get 6 of the second, flow 1 advances at 2, and flow 3 gets 12 - 2 of the first: the
  // level rises on until the first is full.
  const auto first = add(12), second = add(12);
  start({{first, 1}, {second, 3}}, 4, 1);
  start({{second, 1}}, 12, 2);
  start({{first, 1}}, 20, 3);
  const Recorder& recorder = run();
  EXPECT_EQ(recorder.batches, (std::vector<std::vector<Token>>{{1, 2, 3}}));
  EXPECT_NEAR(kernel->now().si(), 2, kRounding);
}

TEST_P(KernelSharing, TheNarrowestResourceMayBecomeAnother) {
  // Flow 1 takes 1 of link a and 3 of b. With flow 2 on b: b is narrowest, 6 each, flow 1 at 2.
  // From 1 s five more flows are on a: a is narrowest (6 / 12 a byte, b 3 x 2 / 24): each of the
  // six gets 2 of a, so flow 1 stays at 2 and takes 6 of b, and flow 2 the other 18.
  const auto a = add(12), b = add(24);
  start({{a, 1}, {b, 3}}, 4 + 2, 1);
  start({{b, 1}}, 12 + 18, 2);
  kernel->start_timer(Seconds(1), 9);
  run([&](Token token) {
    for (Token other = 11; token == 9 && other <= 15; ++other) start_over(*kernel, {a}, 2, other);
  });
  EXPECT_NEAR(date_of(1), 2, kRounding);
  EXPECT_NEAR(date_of(2), 2, kRounding);
  EXPECT_NEAR(date_of(15), 2, kRounding);
}

TEST_P(KernelSharing, AResourceThatIsNamedTwiceCountsTwice) {
  const auto link = add(12);
  start_over(*kernel, {link, link}, 6, 1);
  start_over(*kernel, {link}, 12, 2);
  run();
  EXPECT_NEAR(date_of(1), 2, kRounding);  // 6 of the link, 3 a second
  EXPECT_NEAR(date_of(2), 2, kRounding);
}

TEST_P(KernelSharing, ABoundHoldsAndLeavesTheRest) {
  const auto a = add(12), b = add(12);
  start({{a, 1}, {b, 2}}, 6, 1, BytesPerSecond(3));  // 6 of b
  start({{b, 2}}, 9, 2);                             // 6 of b: 3 a second
  start({{a, 1}}, 27, 3);                            // 12 - 3 of a
  run();
  EXPECT_NEAR(date_of(1), 2, kRounding);
  EXPECT_NEAR(date_of(2), 2 + (9 - 3 * 2) / 6.0, kRounding);
  EXPECT_NEAR(date_of(3), 2 + (27 - 9 * 2) / 12.0, kRounding);
}

TEST_P(KernelSharing, AFlowWithoutDemandsAdvancesAtItsBound) {
  start({}, 6, 1, BytesPerSecond(3));
  run();
  EXPECT_NEAR(date_of(1), 2, kRounding);
}

TEST_P(KernelSharing, BoundsThatFitLeaveAllAlone) {
  const auto link = add(12);
  start_over(*kernel, {link}, 8, 1, BytesPerSecond(4));
  start_over(*kernel, {link}, 8, 2, BytesPerSecond(8));
  run();
  EXPECT_NEAR(date_of(1), 2, kRounding);
  EXPECT_NEAR(date_of(2), 1, kRounding);
  EXPECT_EQ(kernel->shared_flows(), 0U);
}

TEST_P(KernelSharing, FlowsComeAndGo) {
  // Link of 12. Flow 1 alone to 1 s (12 of 36 done), with flow 2 to 3 s (6 each: 24 done; flow 2
  // has 12), then alone again: 12 left, 4 s. At 10 s both once more.
  const auto link = add(12);
  start_over(*kernel, {link}, 36, 1);
  kernel->start_timer(Seconds(1), 91);
  kernel->start_timer(Seconds(10), 92);
  run([&](Token token) {
    if (token == 91) start_over(*kernel, {link}, 12, 2);
    if (token != 92) return;
    start_over(*kernel, {link}, 6, 3);
    start_over(*kernel, {link}, 6, 4);
  });
  EXPECT_NEAR(date_of(2), 3, kRounding);
  EXPECT_NEAR(date_of(1), 4, kRounding);
  EXPECT_NEAR(date_of(3), 11, kRounding);
  EXPECT_NEAR(date_of(4), 11, kRounding);
  EXPECT_EQ(kernel->flows(), 4U);
  EXPECT_EQ(kernel->shared_flows(), 4U);
}

TEST_P(KernelSharing, AnotherResourceMayBecomeContendedInFlight) {
  // Flows 1 and 2 halve link a of 12 to 1 s: 6 each. Then flow 3 of weight 2 joins flow 1 on link b
  // of 9: 3 for flow 1, 6 for flow 3, and flow 2 has 9 of a.
  const auto a = add(12), b = add(9);
  start_over(*kernel, {a, b}, 9, 1);
  start_over(*kernel, {a}, 15, 2);
  kernel->start_timer(Seconds(1), 9);
  run([&](Token token) {
    if (token == 9) start_over(*kernel, {b}, 6, 3, kUnlimited, 2);
  });
  for (const Token token : {1, 2, 3}) EXPECT_NEAR(date_of(token), 2, kRounding) << token;
}

TEST_P(KernelSharing, ResourcesMayBeAddedWhileItRuns) {
  const auto first = add(12);
  start_over(*kernel, {first}, 24, 1);
  kernel->start_timer(Seconds(1), 9);
  run([&](Token token) {
    if (token != 9) return;
    const auto second = add(8);
    EXPECT_EQ(second, first + 1);
    start_over(*kernel, {first, second}, 8, 2);
    start_over(*kernel, {second}, 8, 3);
  });
  // From 1 s: 12 left of flow 1, and 4 for flows 2 and 3 of the second; 8 for flow 1, to 2.5 s.
  // Flow 2 stays at 4.
  EXPECT_NEAR(date_of(1), 2.5, kRounding);
  EXPECT_NEAR(date_of(2), 3, kRounding);
  EXPECT_NEAR(date_of(3), 3, kRounding);
}

TEST_P(KernelSharing, TimersAreMetWhileFlowsCompete) {
  const auto link = add(12);
  start_over(*kernel, {link}, 12, 1);
  start_over(*kernel, {link}, 12, 2);
  const auto never = kernel->start_timer(Seconds(1.5), 8);
  kernel->start_timer(Seconds(1), 9);
  kernel->start_timer(Seconds(3), 10);
  run([&](Token token) {
    if (token == 9) {
      kernel->cancel_timer(never);
      kernel->start_timer(Seconds(0.25), 11);
    }
  });
  EXPECT_NEAR(date_of(9), 1, kRounding);
  EXPECT_NEAR(date_of(11), 1.25, kRounding);
  EXPECT_NEAR(date_of(2), 2, kRounding);
  EXPECT_NEAR(date_of(10), 3, kRounding);
  EXPECT_TRUE(std::isnan(date_of(8)));
}

TEST_P(KernelSharing, ManyFlowsShareOneUplink) {
  // 120 nodes of 1 each behind an uplink of 12: flow i has 0.1 (1 + i / 120) bytes and 0.1 a second
  // until the first ends; what ends early leaves more for the others. Served together, the last
  // ends when all bytes have passed.
  constexpr int kNodes = 120;
  const auto uplink = add(12);
  double bytes = 0;
  for (int i = 0; i < kNodes; ++i) {
    const double size = 0.1 * (1 + i / static_cast<double>(kNodes));
    bytes += size;
    start_over(*kernel, {add(1), uplink}, size, static_cast<Token>(i));
  }
  const Recorder& recorder = run();
  EXPECT_EQ(recorder.order.front().token, 0U);
  EXPECT_NEAR(date_of(0), 1, kRounding);
  EXPECT_EQ(recorder.order.back().token, kNodes - 1U);
  // The last ones are limited by their own nodes once fewer than 12 are left.
  EXPECT_GE(kernel->now().si(), bytes / 12 - kRounding);
  EXPECT_EQ(kernel->shared_flows(), static_cast<std::uint64_t>(kNodes));
}

INSTANTIATE_TEST_SUITE_P(Kernels, KernelSharing,
                         testing::Values(&make_kernel, &test::make_reference_kernel), kernel_name);

}  // namespace
}  // namespace orrery
