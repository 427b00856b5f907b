/// A step without latencies is made of amounts over rates: all rates doubled, it takes half the
/// time.

#include <random>

#include <gtest/gtest.h>

#include "support/links.hpp"
#include "support/program.hpp"
#include "support/reference_kernel.hpp"

namespace orrery::properties_test {
namespace {

/// 100 multiprocessors and 100 B/s of memory, all rates times `rate`.
class Device final : public Accelerator {
 public:
  explicit Device(double rate) : rate_(rate) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Bytes memory_capacity() const override { return Bytes(1); }
  [[nodiscard]] FlopsPerSecond peak(Dtype) const override { return FlopsPerSecond(rate_); }
  [[nodiscard]] bool supports(Dtype) const override { return true; }
  [[nodiscard]] BytesPerSecond memory_bandwidth() const override {
    return BytesPerSecond(100 * rate_);
  }
  [[nodiscard]] int multiprocessors() const override { return 100; }
  [[nodiscard]] Cost cost(const Work& work, const OperatingPoint& point) const override {
    const Seconds compute = work.flops() / (peak(Dtype::Bf16) * point.compute_share);
    return {.time = max(compute, work.bytes() / (memory_bandwidth() * point.memory_share)),
            .activity = {}};
  }

 private:
  double rate_;
  std::string name_ = "device";
};

/// Everything over one link, at four fifths of what it carries.
class Links final : public CollectiveModel {
 public:
  [[nodiscard]] CollectiveCost cost(const CollectiveRequest& request) const override {
    CollectiveCost cost;
    cost.transfer = request.bytes / (0.8 * request.within().bandwidth);
    cost.flows = {{request.bytes, request.within().uses}};
    cost.multiprocessors = 30;
    cost.memory = 2 * request.bytes / cost.transfer;
    return cost;
  }
};

test::Program program(std::uint32_t seed, double rate) {
  std::mt19937 random(seed);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  test::Program result;
  result.ranks = 3;
  for (int i = 0; i < 80; ++i) {
    test::ProgramOp op{.rank = static_cast<std::uint32_t>(below(3))};
    if (below(2) == 0) {
      result.blocks.push_back(
          {{.name = "kernel",
            .shape = Gemm{.m = uniform(1, 9), .n = uniform(1, 9), .k = uniform(1, 9)}}});
      op.work = static_cast<std::uint32_t>(result.blocks.size() - 1);
    } else {
      CollectiveRequest request{.bytes = Bytes(uniform(1, 999)), .layout = {}};
      request.layout.within.ring = test::links_within(BytesPerSecond(10 * rate));
      result.collectives.push_back({request, "collective"});
      op.kind = Op::Kind::Collective;
      op.stream = static_cast<Stream>(below(kStreamCount));
      op.work = static_cast<std::uint32_t>(result.collectives.size() - 1);
    }
    const auto index = result.add(op);
    if (index > 0 && below(2) == 0)
      result.add_dependency(index, static_cast<std::uint32_t>(below(index)));
  }
  return result;
}

double step_seconds(std::uint32_t seed, double rate, Kernel& kernel) {
  const test::Program steps = program(seed, rate);
  const Device device(rate);
  const Links links;
  const CostTable costs(steps, {{&device, {}}}, links);
  return steps.run(costs, {}, kernel).step_time.si();
}

TEST(Scaling, DoublingEveryRateHalvesTheStep) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    // Steps of a fraction of a second: SimGrid's clock, which all tests of a process share, stays
    // exact.
    const double slow = step_seconds(seed, 1e4, *make_kernel());
    const double fast = step_seconds(seed, 2e4, *make_kernel());
    EXPECT_NEAR(fast, slow / 2, 1e-9 * slow) << seed;  // of SimGrid's clock
    const double reference = step_seconds(seed, 1, *test::make_reference_kernel());
    EXPECT_NEAR(step_seconds(seed, 2, *test::make_reference_kernel()), reference / 2,
                1e-12 * reference)
        << seed;
  }
}

}  // namespace
}  // namespace orrery::properties_test
