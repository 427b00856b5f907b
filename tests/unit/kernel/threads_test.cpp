// Kernels on several threads: flows compete in SimGrid, of which a process has one.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "kernel/kernel.hpp"

namespace orrery {
namespace {

struct Count final : CompletionHandler {
  void completed(std::span<const Token> tokens) override { done += tokens.size(); }
  std::size_t done = 0;
};

// Two flows of 100 B over 100 B/s end together after 2 s.
double two_flows_that_compete() {
  const auto kernel = make_kernel();
  const Demand demand{kernel->add_resource(BytesPerSecond(100)), 1};
  Count count;
  for (const Token token : {1, 2}) {
    kernel->start_flow({.demands = {&demand, 1}, .size = Bytes(100), .bound = BytesPerSecond(100)},
                       token);
  }
  kernel->run(count);
  return count.done == 2 && kernel->shared_flows() == 2 ? kernel->now().si() : -1;
}

TEST(KernelThreads, MayCompeteOnEachAndGetTheSame) {
  std::vector<double> ends(6);
  std::vector<std::thread> threads;
  for (double& end : ends) {
    threads.emplace_back([&end] {
      for (int i = 0; i < 20; ++i) end = two_flows_that_compete();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double here = two_flows_that_compete();
  for (const double end : ends) EXPECT_NEAR(end, 2, 1e-12);
  EXPECT_NEAR(here, 2, 1e-12);  // SimGrid's clock has gone on
}

}  // namespace
}  // namespace orrery
