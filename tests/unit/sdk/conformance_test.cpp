// The conformance kit: what ships with Orrery conforms, and what breaks a contract is found.
#include <orrery/sdk/conformance.hpp>

#include <numeric>

#include <gtest/gtest.h>

#include <orrery/builtin.hpp>
#include <orrery/sdk/group_collectives.hpp>
#include <orrery/sdk/single_pass.hpp>

#include "unit/platform/support.hpp"

namespace orrery {
namespace {

std::string joined(const Findings& findings) {
  std::string text;
  for (const std::string& finding : findings) text += finding + "\n";
  return text;
}

bool mentions(const Findings& findings, const std::string& words) {
  return joined(findings).find(words) != std::string::npos;
}

Node resolved(const std::string& text) {
  return Library({std::string(ORRERY_SOURCE_DIR) + "/configs"}).resolve(parse_yaml(text, "t.yaml"));
}

Platform platform_of(const std::string& system, const Registry& registry) {
  Diagnostics diagnostics;
  Reader reader(resolved(system), "system", diagnostics);
  Platform platform(reader, [&](Reader& accelerator) {
    return std::shared_ptr<const Accelerator>(registry.accelerators.make(accelerator, "model"));
  });
  diagnostics.throw_if_any();
  return platform;
}

template <class Interface>
std::unique_ptr<const Interface> made(const Models<Interface>& models, const Node& node,
                                      const char* key) {
  Diagnostics diagnostics;
  Reader reader(node, "model", diagnostics);
  auto model = models.make(reader, key, "training");
  diagnostics.throw_if_any();
  return model;
}

class BuiltinAccelerator : public testing::TestWithParam<const char*> {};

TEST_P(BuiltinAccelerator, Conforms) {
  const Registry registry = builtin_registry();
  const auto device = made(registry.accelerators,
                           resolved(std::string("use: accelerators/") + GetParam()), "model");
  EXPECT_EQ(joined(check_accelerator(*device)), "");
}

// Of TPUs those whose estimated limit a copy does not pass: no clock of theirs gives way to one.
INSTANTIATE_TEST_SUITE_P(Library, BuiltinAccelerator,
                         testing::Values("a100-sxm-80gb", "h100-sxm-80gb", "gb200",
                                         "v100-pcie-32gb", "tpu-v5p"));

class BuiltinSystem : public testing::TestWithParam<const char*> {};

TEST_P(BuiltinSystem, HasConformingCollectivesAndWorkloads) {
  const Registry registry = builtin_registry();
  const Platform platform = platform_of(GetParam(), registry);
  const auto model = made(registry.collectives, platform.communication(), "model");
  EXPECT_EQ(joined(check_collectives(*model, platform)), "");
  for (const char* workload :
       {"{kind: gemm, m: 4096, n: 4096, k: 4096}", "{kind: stream, bytes: 1 GB}",
        "{kind: attention, version: flash2, batch: 2, heads: 8, sequence_length: 2048, head_dim: "
        "128}",
        "{kind: collective, collective: all_reduce, bytes: 1 GB}",
        "{kind: collective, collective: all_gather, bytes: 1 MB, devices: [1, 3, 5]}",
        "{kind: transformer_layer, pass: backward, model: {use: ai-models/llama2-7b}, "
        "sequence_length: 4096, parallelism: {tensor: 4}, software: {use: "
        "software/megatron-core-2024}}",
        "{model: {use: ai-models/llama2-7b}, sequence_length: 4096, global_batch: 64, parallelism: "
        "{tensor: 2, pipeline: 2, sharding: zero1}, software: {use: "
        "software/megatron-core-2024}}"}) {
    SCOPED_TRACE(workload);
    const auto job = made(registry.workloads, resolved(workload), "kind");
    EXPECT_EQ(joined(check_workload(*job, platform, *model)), "");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Library, BuiltinSystem,
    testing::Values("{use: clusters/eos, servers: 2}",
                    "{use: clusters/eos, servers: 2, degraded: [{devices: server1.gpu3, clock: "
                    "0.5}, {devices: server0.gpu1, scale_up: 0.7}]}"));

/// A roofline that breaks what a test tells it to.
class Roofline : public Accelerator {
 public:
  const std::string& name() const override { return name_; }
  Bytes memory_capacity() const override { return gigabytes(80); }
  FlopsPerSecond peak(Dtype) const override { return FlopsPerSecond(1e15); }
  bool supports(Dtype dtype) const override { return dtype == Dtype::Bf16; }
  BytesPerSecond memory_bandwidth() const override { return BytesPerSecond(2e12); }
  int multiprocessors() const override { return 100; }
  Cost cost(const Work& work, const OperatingPoint& point) const override {
    const double repeat = work.repeat;
    const Seconds computing =
        work.flops() / repeat / (peak(Dtype::Bf16) * (point.clock * point.compute_share));
    const Seconds moving = work.bytes() / repeat / (memory_bandwidth() * point.memory_share);
    return {.time = max(computing, moving) + microseconds(2)};
  }

 private:
  std::string name_ = "roofline";
};

TEST(CheckAccelerator, FindsNothingInARoofline) {
  EXPECT_EQ(joined(check_accelerator(Roofline())), "");
}

TEST(CheckAccelerator, FindsWhatBreaksTheContract) {
  class Twice final : public Roofline {  // `repeat` is applied
    Cost cost(const Work& work, const OperatingPoint& point) const override {
      Cost cost = Roofline::cost(work, point);
      cost.time *= work.repeat;
      return cost;
    }
  };
  EXPECT_TRUE(mentions(check_accelerator(Twice()), "`repeat` changes the time"));
  class Fast final : public Roofline {  // above the peak
    Cost cost(const Work& work, const OperatingPoint& point) const override {
      Cost cost = Roofline::cost(work, point);
      cost.time *= 0.5;
      return cost;
    }
  };
  EXPECT_TRUE(mentions(check_accelerator(Fast()), "above the peak"));
  EXPECT_TRUE(mentions(check_accelerator(Fast()), "above the memory's"));
  class Drifting final : public Roofline {  // remembers
    Cost cost(const Work& work, const OperatingPoint& point) const override {
      Cost cost = Roofline::cost(work, point);
      cost.time += Seconds(1e-9 * ++calls_);
      return cost;
    }
    mutable int calls_ = 0;
  };
  EXPECT_TRUE(mentions(check_accelerator(Drifting()), "two equal calls of cost() differ"));
  class Backwards final : public Roofline {  // less work takes longer
    Cost cost(const Work& work, const OperatingPoint&) const override {
      return {.time = Seconds(1e6 / work.bytes().si())};
    }
  };
  EXPECT_TRUE(mentions(check_accelerator(Backwards()), "twice the lengths take"));
  class Racing final : public Roofline {  // faster at a lower clock
    Cost cost(const Work& work, const OperatingPoint& point) const override {
      Cost cost = Roofline::cost(work, {});
      cost.time *= point.clock;
      return cost;
    }
  };
  EXPECT_TRUE(mentions(check_accelerator(Racing()), "with half the clock it takes"));
  class Throwing final : public Roofline {
    Cost cost(const Work&, const OperatingPoint&) const override {
      throw ConfigError("no such kernel");
    }
  };
  EXPECT_TRUE(mentions(check_accelerator(Throwing()), "throws: no such kernel"));
}

/// A ring that a test can spoil.
class Ring : public CollectiveModel {
 public:
  CollectiveCost cost(const CollectiveRequest& request) const override {
    const GroupLayout& layout = request.layout;
    if (layout.ranks == 1) return {};
    const GroupLinks& links = layout.servers > 1 ? layout.between.ring : layout.within.ring;
    CollectiveCost cost;
    cost.latency = microseconds(5);
    cost.transfer = request.bytes / links.bandwidth;
    cost.flows = {{request.bytes, links.uses}};
    return cost;
  }
};

TEST(CheckCollectives, FindsWhatBreaksTheContract) {
  const Platform platform = platform_test::platform_with({});
  EXPECT_EQ(joined(check_collectives(Ring(), platform)), "");
  class Overloaded final : public Ring {
    CollectiveCost cost(const CollectiveRequest& request) const override {
      CollectiveCost cost = Ring::cost(request);
      for (LinkFlow& flow : cost.flows) flow.bytes *= 2;
      return cost;
    }
  };
  EXPECT_TRUE(mentions(check_collectives(Overloaded(), platform), "above their"));
  class Nameless final : public Ring {
    CollectiveCost cost(const CollectiveRequest& request) const override {
      CollectiveCost cost = Ring::cost(request);
      for (LinkFlow& flow : cost.flows) flow.uses = {};
      return cost;
    }
  };
  EXPECT_TRUE(mentions(check_collectives(Nameless(), platform), "names no resources"));
  class Shrinking final : public Ring {
    CollectiveCost cost(const CollectiveRequest& request) const override {
      CollectiveRequest other = request;
      other.bytes = Bytes(1e12 / request.bytes.si());
      return Ring::cost(other);
    }
  };
  EXPECT_TRUE(mentions(check_collectives(Shrinking(), platform), "twice the bytes take"));
  class Deaf final : public Ring {  // to the links
    CollectiveCost cost(const CollectiveRequest& request) const override {
      CollectiveCost cost = Ring::cost(request);
      if (cost.transfer > Seconds(0))
        cost.transfer = Seconds(request.layout.within.ring.bandwidth.si() * 1e-12);
      cost.flows.clear();
      return cost;
    }
  };
  EXPECT_TRUE(mentions(check_collectives(Deaf(), platform), "links of half the rate"));
  class Empty final : public CollectiveModel {
    CollectiveCost cost(const CollectiveRequest&) const override { return {}; }
  };
  EXPECT_TRUE(mentions(check_collectives(Empty(), platform), "it takes no time"));
}

/// Pairs of ranks that compute and then reduce; a test can spoil what it says.
class Pairs : public Workload {
 public:
  JobLayout layout(const Platform& platform) const override {
    JobLayout layout{.ranks = platform.devices()};
    layout.groups = {{.name = "pair", .count = 2, .stride = 1}};
    return layout;
  }

 protected:
  LoweredWorkload build(const FoldedJob& job, const LowerOptions&) const override {
    LoweredWorkload lowered;
    GroupCollectives collectives(job, lowered.outline);
    add_single_pass(job, lowered.outline, [&](Sequence& sequence, int rank) {
      sequence.compute({{.name = "copy", .shape = MemoryBound{.bytes = gigabytes(1)}}});
      sequence.blocking(collectives.add(0, rank, {.bytes = Bytes(64e6), .layout = {}}),
                        Tile::DataComm);
    });
    return lowered;
  }
};

TEST(CheckWorkload, FindsWhatBreaksTheContract) {
  Diagnostics diagnostics;
  const Node system = platform_test::system_with(
      {{"degraded", "[{devices: server1.gpu3, clock: 0.5, scale_up: 0.5}]"}});
  Reader reader(system, "system", diagnostics);
  const Platform platform(reader, [](Reader&) { return std::make_shared<const Roofline>(); });
  const Ring ring;
  EXPECT_EQ(joined(check_workload(Pairs(), platform, ring)), "");

  class Restless final : public Pairs {  // another group at every call
    JobLayout layout(const Platform& platform_) const override {
      JobLayout layout = Pairs::layout(platform_);
      layout.groups.front().count = ++calls_ % 2 == 0 ? 2 : 4;
      return layout;
    }
    mutable int calls_ = 0;
  };
  EXPECT_TRUE(mentions(check_workload(Restless(), platform, ring), "two calls of layout() differ"));
  class Dangling final : public Pairs {  // a block that there is not
    LoweredWorkload build(const FoldedJob& job, const LowerOptions& options) const override {
      LoweredWorkload lowered = Pairs::build(job, options);
      lowered.outline.blocks.clear();
      return lowered;
    }
  };
  EXPECT_TRUE(mentions(check_workload(Dangling(), platform, ring), "of a shorter table"));
  class Heavy final : public Pairs {  // weights of its own
    LoweredWorkload build(const FoldedJob& job, const LowerOptions& options) const override {
      LoweredWorkload lowered = Pairs::build(job, options);
      lowered.outline.ranks = job.represented();
      for (RepresentedRank& rank : lowered.outline.ranks) rank.weight *= 2;
      return lowered;
    }
  };
  EXPECT_TRUE(mentions(check_workload(Heavy(), platform, ring), "the represented ranks stand for"));
  class Hidden final : public Pairs {  // work that depends on the rank, which folding cannot know
    LoweredWorkload build(const FoldedJob& job, const LowerOptions&) const override {
      LoweredWorkload lowered;
      for (std::size_t i = 0; i < job.classes().size(); ++i) {
        Sequence sequence(lowered.outline);
        const double bytes = 1e9 * (1 + job.classes()[i].rank % 8);
        sequence.compute({{.name = "copy", .shape = MemoryBound{.bytes = Bytes(bytes)}}});
        lowered.outline.passes.push_back({.rank = static_cast<std::uint32_t>(i),
                                          .routine = lowered.outline.add(sequence.finish())});
      }
      return lowered;
    }
  };
  EXPECT_TRUE(mentions(check_workload(Hidden(), platform, ring), "every rank simulated takes"));
}

}  // namespace
}  // namespace orrery
