#pragma once
/// Models and groups that the tests of collective.nccl share.

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <orrery/collective.hpp>
#include <orrery/node.hpp>
#include <orrery/reader.hpp>

#include "collective/nccl.hpp"
#include "support/links.hpp"

namespace orrery::collective::test {

/// The model of a `communication` map written as YAML, with the entries of configs/.
/// @throws ConfigError with every mistake.
inline std::unique_ptr<const CollectiveModel> nccl(const std::string& yaml) {
  const Library library({std::filesystem::path(ORRERY_SOURCE_DIR) / "configs"});
  Diagnostics diagnostics;
  Reader reader(library.resolve(parse_yaml(yaml, "test.yaml")), "communication", diagnostics);
  auto model = make_nccl(reader);
  diagnostics.throw_if_any();
  return model;
}

constexpr Bytes kKiB{1024.0};
constexpr Bytes kMiB{1048576.0};
constexpr Bytes kGiB{1073741824.0};

constexpr BytesPerSecond gigabytes_per_second(double value) { return BytesPerSecond(value * 1e9); }

/// `ranks` of a server whose links carry `scale_up` GB/s per device.
inline GroupLayout one_server(int ranks, double scale_up, bool nvls = false) {
  GroupLayout layout;
  layout.ranks = ranks;
  layout.ranks_per_server = ranks;
  layout.within = {.ring = orrery::test::links_within(gigabytes_per_second(scale_up)),
                   .to_next = {},
                   .to_all = {},
                   .switched = true,
                   .in_switch_reduction = nvls};
  layout.devices_per_server = 8;
  return layout;
}

/// `per_server` ranks in each of `servers` servers with 8 devices and `nics` NICs of `nic` GB/s.
inline GroupLayout cluster(int servers, int per_server, double scale_up, int nics, double nic,
                           bool nvls = false) {
  GroupLayout layout = one_server(per_server, scale_up, nvls);
  layout.ranks = servers * per_server;
  layout.servers = servers;
  layout.nics_per_server = nics;
  layout.between.ring = orrery::test::links_between(gigabytes_per_second(nic * nics / 8.0));
  layout.between.alone = gigabytes_per_second(nic);
  return layout;
}

inline GroupLayout a100(int ranks) { return one_server(ranks, 300); }
inline GroupLayout h100(int ranks) { return one_server(ranks, 450, true); }
inline GroupLayout h100_ndr(int servers, int per_server) {
  return cluster(servers, per_server, 450, 8, 50, true);
}

inline CollectiveCost cost(const CollectiveModel& model, CollectiveKind kind, Bytes bytes,
                           const GroupLayout& layout, Dtype dtype = Dtype::Bf16) {
  return model.cost({.kind = kind, .bytes = bytes, .dtype = dtype, .layout = layout});
}

// An ideal machine: no start, hops or copies to speak of, efficiency 1. What remains of starts and
// hops is picoseconds against milliseconds.

/// `hop` is of Simple over scale-up, `network_hop` over scale-out; other starts and hops are 1e-18
/// s.
inline std::string ideal(const std::string& pins, const std::string& hop = "1e-18 s",
                         const std::string& network_hop = "1e-18 s") {
  return pins + R"(
scale_up:
  launch: 1e-18 s
  efficiency: 1
  shard_copy: 1e15 GB/s
  byte_reduce: 1e15 GB/s
  channels: 24
  network_channels: 16
  tuner_efficiency: 0.8
  ll: {hop: 1e-18 s, channel: 1e15 GB/s, last_copy: 1e15 GB/s, channels: 16, tuner_limit: 1 GB/s, tuner_hop: 1 us}
  simple: {start: 0 s, hop: )" +
         hop + R"(, tuner_hop: 1 us}
  point_to_point: {launch: 1e-18 s, peer: 0 s, network_message: 0 s, first_chunk: 1e15 GB/s, ramp: 0 s,
                   efficiency: 1, self_copy: 1e15 GB/s, pair_channels: 16, channels: 32}
  nvls: {minimum_ranks: 8, start: 1e-18 s, efficiency: 1, chunk_overhead: 0 B, channels: 16}
scale_out: {efficiency: 1, low_latency: false, simple_hop: )" +
         network_hop + ", window: 1e-6 B, wire_latency: 1 us, collnet: {hop: " + network_hop +
         ", efficiency: 1}}\n";
}

/// Seconds that moving `bytes` takes at `rate` GB/s.
inline double seconds(Bytes bytes, double rate) { return bytes.si() / (rate * 1e9); }

constexpr double kTolerance = 1e-6;

inline void expect_seconds(const CollectiveCost& result, double expected) {
  EXPECT_NEAR(result.time().si() / expected, 1.0, kTolerance);
}

}  // namespace orrery::collective::test
