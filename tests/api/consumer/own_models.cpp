// Models from outside, with what the installed package offers: a roofline, a ring, and a workload
// whose ranks compute and then reduce within their server.
#include "own_models.hpp"

#include <orrery/sdk/conformance.hpp>
#include <orrery/sdk/group_collectives.hpp>
#include <orrery/sdk/single_pass.hpp>

namespace {

using namespace orrery;

class Roofline final : public Accelerator {
 public:
  const std::string& name() const override { return name_; }
  Bytes memory_capacity() const override { return gigabytes(80); }
  FlopsPerSecond peak(Dtype) const override { return FlopsPerSecond(400e12); }
  bool supports(Dtype dtype) const override { return dtype == Dtype::Bf16; }
  BytesPerSecond memory_bandwidth() const override { return BytesPerSecond(2e12); }
  int multiprocessors() const override { return 64; }
  Cost cost(const Work& work, const OperatingPoint& point) const override {
    const double launches = work.repeat;  // the time of one is asked for
    const Seconds computing =
        work.flops() / launches / (peak(Dtype::Bf16) * (point.clock * point.compute_share));
    const Seconds moving = work.bytes() / launches / (memory_bandwidth() * point.memory_share);
    return {.time = max(computing, moving)};
  }

 private:
  std::string name_ = "roofline";
};

class Ring final : public CollectiveModel {
 public:
  CollectiveCost cost(const CollectiveRequest& request) const override {
    const GroupLayout& group = request.layout;
    if (group.ranks == 1) return {};
    const GroupLinks& links = group.servers > 1 ? request.between() : request.within();
    const double steps = group.ranks - 1;
    CollectiveCost cost;
    cost.latency = steps * links.latency;
    cost.transfer = request.bytes / links.bandwidth;
    cost.flows = {{request.bytes, links.uses}};
    return cost;
  }
};

class ReduceInServers final : public Workload {
 public:
  JobLayout layout(const Platform& platform) const override {
    JobLayout layout{.ranks = platform.devices()};
    layout.groups = {{.name = "server", .count = platform.devices_per_server(), .stride = 1}};
    return layout;
  }

 protected:
  LoweredWorkload build(const FoldedJob& job, const LowerOptions&) const override {
    LoweredWorkload lowered;
    GroupCollectives collectives(job, lowered.outline);
    add_single_pass(job, lowered.outline, [&](Sequence& sequence, int rank) {
      const Gemm product{.m = 4096, .n = 4096, .k = 4096};
      sequence.compute({{.name = "product", .shape = product}});
      sequence.blocking(collectives.add(0, rank, {.bytes = Bytes(64e6), .layout = {}}),
                        Tile::DataComm);
    });
    return lowered;
  }
};

constexpr const char* kSystem = R"(
name: two boxes
servers: 2
degraded: [{devices: server1.gpu2, clock: 0.5}]
server:
  name: box
  accelerator: {}
  accelerators: 4
  scale_up: {kind: nvlink, bandwidth: 300 GB/s, latency: 0.2 us, switches: 4}
  cpu: {launch_time: 4 us, socket_link: {bandwidth: 96 GB/s, latency: 0.1 us}}
  sockets: 2
  pcie: {bandwidth: 32 GB/s, latency: 0.25 us, devices_per_switch: 2}
  nic: {bandwidth: 200 Gbit/s, latency: 0.3 us}
  nics: 4
fabric:
  leaf: {ports: 40, port_bandwidth: 200 Gbit/s, latency: 0.13 us}
  spine: {ports: 40, port_bandwidth: 200 Gbit/s, latency: 0.13 us}
  cable_latency: 0.05 us
)";

}  // namespace

std::vector<std::string> check_own_models() {
  Diagnostics diagnostics;
  Reader system(parse_yaml(kSystem, "boxes.yaml"), "system", diagnostics);
  const Platform platform(system, [](Reader&) { return std::make_shared<const Roofline>(); });
  diagnostics.throw_if_any();
  Findings findings = check_accelerator(Roofline());
  for (const Findings& more :
       {check_collectives(Ring(), platform), check_workload(ReduceInServers(), platform, Ring())}) {
    findings.insert(findings.end(), more.begin(), more.end());
  }
  return findings;
}
