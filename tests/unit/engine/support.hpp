#pragma once
/// A device and collectives whose costs the test chooses, and programs made by hand.

#include <string>
#include <vector>

#include "engine/cost_table.hpp"
#include "engine/executor.hpp"
#include "support/links.hpp"
#include "support/program.hpp"
#include "support/reference_kernel.hpp"

namespace orrery::engine_test {

/// 100 multiprocessors, 100 B/s of memory. A product takes as many seconds as it has flops, divided
/// by the compute share and the clock; a memory-bound kernel as many as it has bytes, divided by
/// the memory share; fused attention 1 s, whatever is taken.
class FakeAccelerator final : public Accelerator {
 public:
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] Bytes memory_capacity() const override { return Bytes(1); }
  [[nodiscard]] FlopsPerSecond peak(Dtype) const override { return FlopsPerSecond(1); }
  [[nodiscard]] bool supports(Dtype) const override { return true; }
  [[nodiscard]] BytesPerSecond memory_bandwidth() const override { return BytesPerSecond(100); }
  [[nodiscard]] int multiprocessors() const override { return 100; }
  [[nodiscard]] Cost cost(const Work& work, const OperatingPoint& point) const override {
    if (const auto* product = std::get_if<Gemm>(&work.shape)) {
      return {.time = Seconds(product->flops().si() / point.compute_share / point.clock),
              .activity = {}};
    }
    if (const auto* memory = std::get_if<MemoryBound>(&work.shape)) {
      return {.time = Seconds(memory->bytes.si() / point.memory_share),
              .activity = {},
              .bound = Bound::Memory};
    }
    return {.time = Seconds(1), .activity = {}};
  }

 private:
  std::string name_ = "fake";
};

/// Request of n bytes: the n-th cost of a list.
class FakeCollectives final : public CollectiveModel {
 public:
  explicit FakeCollectives(std::vector<CollectiveCost> costs) : costs_(std::move(costs)) {}
  [[nodiscard]] CollectiveCost cost(const CollectiveRequest& request) const override {
    return costs_.at(static_cast<std::size_t>(request.bytes.si()));
  }

 private:
  std::vector<CollectiveCost> costs_;
};

inline Work gemm(double seconds, int repeat = 1) {
  return {.name = "gemm", .shape = Gemm{.m = 1, .n = 1, .k = seconds / 2}, .repeat = repeat};
}
inline Work memory_bound(double seconds, int repeat = 1) {
  return {.name = "memory", .shape = MemoryBound{.bytes = Bytes(seconds)}, .repeat = repeat};
}

/// A program and what it needs to run.
struct Bench {
  test::Program program;
  std::vector<CollectiveCost> collective_costs;
  Seconds launch_time{};
  bool coalesce = true;

  explicit Bench(std::uint32_t ranks = 1) { program.ranks = ranks; }

  std::uint32_t compute(const Block& block, std::uint32_t rank = 0,
                        std::initializer_list<std::uint32_t> after = {}, bool host_sync = false) {
    program.blocks.push_back(block);
    return program.add({.host_sync = host_sync, .rank = rank, .work = last(program.blocks)}, after);
  }
  std::uint32_t compute(double seconds, std::uint32_t rank = 0,
                        std::initializer_list<std::uint32_t> after = {}) {
    return compute(Block{gemm(seconds)}, rank, after);
  }
  std::uint32_t collective(const CollectiveCost& cost, Stream stream, Tile tile,
                           std::uint32_t rank = 0,
                           std::initializer_list<std::uint32_t> after = {}) {
    collective_costs.push_back(cost);
    CollectiveRequest request{.bytes = Bytes(static_cast<double>(collective_costs.size() - 1)),
                              .layout = {}};
    program.collectives.push_back({.request = request, .who = "collective"});
    return program.add({.kind = Op::Kind::Collective,
                        .stream = stream,
                        .tile = tile,
                        .rank = rank,
                        .work = last(program.collectives)},
                       after);
  }
  std::uint32_t host(double seconds, std::uint32_t rank = 0) {
    program.host_times.emplace_back(seconds);
    return program.add({.kind = Op::Kind::Host,
                        .tile = Tile::Host,
                        .rank = rank,
                        .work = last(program.host_times)});
  }
  [[nodiscard]] StepResult run(Kernel& kernel) const {
    const FakeAccelerator accelerator;
    const FakeCollectives collectives(collective_costs);
    const CostTable costs(program, {{&accelerator, {}}}, collectives);
    return program.run(costs, {.launch_time = launch_time, .coalesce = coalesce}, kernel);
  }
  [[nodiscard]] StepResult run() const { return run(*test::make_reference_kernel()); }

 private:
  template <class T>
  static std::uint32_t last(const std::vector<T>& table) {
    return static_cast<std::uint32_t>(table.size() - 1);
  }
};

/// On the wire for `transfer` seconds after `latency`, on no port.
inline CollectiveCost timed(double transfer, double latency = 0, int multiprocessors = 0) {
  CollectiveCost cost;
  cost.latency = Seconds(latency);
  cost.transfer = Seconds(transfer);
  cost.multiprocessors = multiprocessors;
  cost.algorithm = "ring";
  cost.protocol = "simple";
  return cost;
}

/// Over links of 10 B/s in the server, and of 2 B/s out of it.
inline LinkFlow within(double bytes) {
  return {Bytes(bytes), test::links_within(BytesPerSecond(10)).uses};
}
inline LinkFlow between(double bytes) {
  return {Bytes(bytes), test::links_between(BytesPerSecond(2)).uses};
}

inline double seconds(const Tiles& tiles, Tile tile) {
  return tiles[static_cast<std::size_t>(tile)].si();
}

inline double sum(const Tiles& tiles) {
  double total = 0;
  for (const Seconds tile : tiles) total += tile.si();
  return total;
}

}  // namespace orrery::engine_test
