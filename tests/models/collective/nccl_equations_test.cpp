// The equations of models/collective/README.md, written out once more in its symbols and plain
// doubles, against the model with the entries of configs/communication: a slip in either shows.
// Tolerance: only the order of operations differs.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "collective/nccl_parameters.hpp"
#include "models/collective/nccl_support.hpp"

namespace orrery::collective::test {
namespace {

using enum CollectiveKind;

constexpr double kRounding = 1e-11;
constexpr double kUs = 1e-6;
constexpr double kKi = 1024;
constexpr double kNever = 1e12;

NcclParameters parameters(const std::string& yaml) {
  const Library library({std::filesystem::path(ORRERY_SOURCE_DIR) / "configs"});
  Diagnostics diagnostics;
  Reader reader(library.resolve(parse_yaml(yaml, "test.yaml")), "communication", diagnostics);
  NcclParameters result = NcclParameters::read(reader);
  diagnostics.throw_if_any();
  return result;
}

struct Exchanged {
  const NcclParameters& p;
  CollectiveKind kind;
  double S;
  const GroupLayout& layout;
  Dtype dtype = Dtype::Fp16;
  const ScaleUpParameters& up = *p.scale_up;
  double n = layout.ranks;
  double N = layout.servers;
  double g = n / N;
  double steps = kind == AllReduce ? 2 * (n - 1) : n - 1;
  double V = S * steps / n;
  double U = layout.within.ring.bandwidth.si();
  double B = up.efficiency * U;
  bool reduced = kind == AllReduce || kind == ReduceScatter;
  double t_red = reduced && size_of(dtype).si() == 1 ? S * (n - 1) / n / up.byte_reduce.si() : 0.0;

  [[nodiscard]] double tuner(Protocol protocol) const {
    const double u = up.tuner_efficiency * U;
    switch (protocol) {
      case Protocol::Ll:
        return 6.6 * kUs + steps * up.ll.tuner_hop.si() +
               V / std::min(up.ll.tuner_limit.si(), 0.5 * u);
      case Protocol::Ll128:
        return 14.0 * kUs + steps * up.ll128->tuner_hop.si() +
               V / std::min(0.92 * u, up.channels * up.ll128->tuner_channel.si());
      case Protocol::Simple:
        break;
    }
    return 8.4 * kUs + steps * up.simple.tuner_hop.si() + V / u;
  }

  [[nodiscard]] double ring(Protocol protocol) const {
    const double t0 = up.launch.si();
    const double end = S / n / up.shard_copy.si() + t_red;
    switch (protocol) {
      case Protocol::Ll: {
        const double c = std::clamp(std::ceil(S / (n * 4096)), 1.0, up.ll.channels);
        return t0 + steps * up.ll.hop.si() + V / (c * up.ll.channel.si()) +
               S / (n * c * up.ll.last_copy.si()) + t_red;
      }
      case Protocol::Ll128:
        return t0 + steps * up.ll128->hop.si() + V / (up.ll128->efficiency * B) + end;
      case Protocol::Simple:
        break;
    }
    return t0 + up.simple.start.si() + steps * up.simple.hop.si() + V / B + end;
  }

  [[nodiscard]] double through_switch(double chunk) const {
    return S / (up.nvls->efficiency * U) * (1 + up.nvls->chunk_overhead.si() / chunk);
  }

  [[nodiscard]] double nvls() const {
    const double largest = S / (up.nvls->channels * n * 128 * kKi);
    const double chunk = largest >= 64 ? 128 : largest >= 8 ? 64 : largest >= 2 ? 32 : 16;
    return up.nvls->start.si() + through_switch(chunk * kKi);
  }

  // What NCCL's tuner takes in one server.
  [[nodiscard]] std::pair<std::string, double> in_one_server() const {
    Protocol best = Protocol::Ll;
    for (const Protocol other : {Protocol::Ll128, Protocol::Simple}) {
      if (tuner(other) < tuner(best)) best = other;
    }
    const bool offered = up.nvls && layout.within.in_switch_reduction && kind == AllReduce &&
                         n >= up.nvls->minimum_ranks && size_of(dtype).si() >= 2;
    const double bus = up.tuner_efficiency * U;
    if (offered && 25 * kUs + S / (5.0 / 6 * bus) < tuner(best)) return {"nvls", nvls()};
    return {"ring", ring(best)};
  }
};

// Between servers: hops and rates of a protocol.
struct Across {
  const Exchanged& x;
  Protocol protocol;
  const ScaleUpParameters& up = x.up;
  const ScaleOutParameters& out = *x.p.scale_out;
  double B_n = out.efficiency * x.layout.between.ring.bandwidth.si() * x.g;
  double t = up.launch.si(), a = 0, a_n = 0, G = 0, P = 0;
  double K = x.layout.nics_per_server * x.g / x.layout.devices_per_server;
  double log2N = std::ceil(std::log2(x.N));

  Across(const Exchanged& exchanged, Protocol with) : x(exchanged), protocol(with) {
    if (protocol == Protocol::Ll) {
      a = up.ll.hop.si();
      a_n = out.low_latency_hop.si();
      G = up.ll.channels * up.ll.channel.si();
      P = std::min(0.5 * B_n, out.ll_server_limit.si());
    } else if (protocol == Protocol::Ll128) {
      a = up.ll128->hop.si();
      a_n = 1.5 * out.low_latency_hop.si();
      G = up.ll128->efficiency * x.B;
      P = 0.92 * B_n;
    } else {
      t += up.simple.start.si();
      a = up.simple.hop.si();
      a_n = out.simple_hop.si();
      G = x.B;
      P = B_n;
    }
  }

  [[nodiscard]] double fill(double L, double busy, double Q) const {
    return std::min(2 * std::sqrt(L * busy), Q * out.window.si() * K / P);
  }

  [[nodiscard]] double ring() const {
    const double i = (x.kind == AllReduce ? 2 : 1) * (x.N - 1);
    const double busy = std::max(x.g > 1 ? x.V / G : 0.0, x.V / P);
    return t + (x.steps - i) * a + i * a_n + fill(i * a_n, busy, i) + busy +
           x.S / x.n / up.shard_copy.si() + x.t_red;
  }

  [[nodiscard]] double tree() const {
    const double h = 2 * (x.g - 1), l = 2 * log2N;
    const double busy = std::max(std::min(2.0, x.N / 2) * x.S / P, x.g > 1 ? 2 * x.S / G : 0.0);
    const double L = h * a + l * a_n;
    return t + L + fill(L, busy, h + l) + busy + x.t_red;
  }

  [[nodiscard]] double nvls_tree() const {
    const double l = 2 * log2N;
    const double busy = std::max(std::min(2.0, x.N / 2) * x.S / B_n, x.through_switch(128 * kKi));
    const double L = 2 * a + l * a_n;
    return up.nvls->start.si() + L + fill(L, busy, 2 + l) + busy;
  }
};

void expect_time(const CollectiveCost& found, double expected) {
  EXPECT_NEAR(found.time().si() / expected, 1, kRounding);
}

constexpr double kSizes[] = {4096, 65536, 1048576, 8388608, 268435456, 8589934592};

TEST(NcclEquations, OneServerAsTheTunerChooses) {
  for (const char* yaml :
       {"scale_up: {use: communication/nvlink3}", "scale_up: {use: communication/nvlink4}"}) {
    const NcclParameters p = parameters(yaml);
    const auto model = nccl(yaml);
    for (const GroupLayout& layout : {a100(2), a100(8), test::h100(4), test::h100(8)}) {
      if (layout.within.in_switch_reduction != p.scale_up->nvls.has_value()) continue;
      for (const CollectiveKind kind : {AllReduce, AllGather, ReduceScatter}) {
        for (const Dtype dtype : {Dtype::Fp16, Dtype::Int8}) {
          for (const double bytes : kSizes) {
            const Exchanged x{p, kind, bytes, layout, dtype};
            const auto [algorithm, expected] = x.in_one_server();
            const CollectiveCost found = cost(*model, kind, Bytes(bytes), layout, dtype);
            EXPECT_EQ(found.algorithm, algorithm);
            expect_time(found, expected);
          }
        }
      }
    }
  }
}

struct Machine {
  const char* yaml;
  GroupLayout layout;
};

std::vector<Machine> machines() {
  constexpr const char* kEfa =
      "scale_up: {use: communication/nvlink3}\nscale_out: {use: communication/efa}\n";
  constexpr const char* kNdr =
      "scale_up: {use: communication/nvlink4}\nscale_out: {use: communication/infiniband-ndr}\n";
  return {{kEfa, cluster(2, 8, 300, 4, 12.5)},
          {kEfa, cluster(16, 1, 300, 4, 12.5)},
          {kNdr, h100_ndr(2, 8)},
          {kNdr, h100_ndr(16, 8)},
          {kNdr, h100_ndr(1024, 1)}};
}

constexpr Protocol kAll[] = {Protocol::Ll, Protocol::Ll128, Protocol::Simple};

TEST(NcclEquations, EveryPathAcrossServers) {
  for (const Machine& machine : machines()) {
    const NcclParameters p = parameters(machine.yaml);
    for (const Protocol protocol : kAll) {
      if (protocol != Protocol::Simple && !p.scale_out->low_latency) continue;
      const std::string with = std::string("protocol: ") + to_text(protocol) + "\n";
      const auto ring = nccl(machine.yaml + with + "algorithm: ring\n");
      const auto tree = nccl(machine.yaml + with + "algorithm: tree\n");
      for (const double bytes : kSizes) {
        for (const CollectiveKind kind : {AllReduce, AllGather, ReduceScatter}) {
          const Exchanged x{p, kind, bytes, machine.layout};
          expect_time(cost(*ring, kind, Bytes(bytes), machine.layout), Across(x, protocol).ring());
        }
        const Exchanged x{p, AllReduce, bytes, machine.layout, Dtype::Int8};
        expect_time(cost(*tree, AllReduce, Bytes(bytes), machine.layout, Dtype::Int8),
                    Across(x, protocol).tree());
      }
    }
  }
}

TEST(NcclEquations, TheFastestAcrossServers) {
  for (const Machine& machine : machines()) {
    const NcclParameters p = parameters(machine.yaml);
    const auto model = nccl(machine.yaml);
    for (const double bytes : kSizes) {
      const Exchanged x{p, AllReduce, bytes, machine.layout};
      double least = kNever;
      for (const Protocol protocol : kAll) {
        if (protocol != Protocol::Simple && !p.scale_out->low_latency) continue;
        const Across path(x, protocol);
        least = std::min({least, path.ring(), path.tree()});
      }
      const GroupLayout& layout = machine.layout;
      const bool nvls = p.scale_up->nvls && layout.within.in_switch_reduction &&
                        layout.ranks_per_server >= p.scale_up->nvls->minimum_ranks;
      if (nvls) least = std::min(least, Across(x, Protocol::Simple).nvls_tree());
      expect_time(cost(*model, AllReduce, Bytes(bytes), layout, Dtype::Fp16), least);
    }
  }
}

TEST(NcclEquations, Messages) {
  for (const Machine& machine : machines()) {
    const NcclParameters p = parameters(machine.yaml);
    const auto model = nccl(machine.yaml);
    const PointToPoint& q = p.scale_up->point_to_point;
    const ScaleOutParameters& out = *p.scale_out;
    const GroupLayout& layout = machine.layout;
    const double n = layout.ranks, g = layout.ranks_per_server;
    const double O = out.efficiency * layout.between.ring.bandwidth.si();
    for (const double S : kSizes) {
      const double m = S / n;
      const auto start = [&](double bytes, double peers) {
        return q.launch.si() + (peers - 1) * q.peer.si() +
               q.ramp.si() * std::min(1.0, bytes / (4096 * kKi)) +
               std::min(bytes, 64 * kKi) / q.first_chunk.si();
      };
      const double wired = q.efficiency * layout.within.ring.bandwidth.si();
      expect_time(
          cost(*model, SendRecv, Bytes(S), one_server(2, layout.within.ring.bandwidth.si() * 1e-9)),
          start(S, 1) + S / wired);
      expect_time(cost(*model, SendRecv, Bytes(S), layout),
                  q.launch.si() + out.simple_hop.si() + S / O);
      const double inside = m * (g - 1) / wired + m / q.self_copy.si();
      const double between =
          out.simple_hop.si() + (n - g) * q.network_message.si() + m * (n - g) / O;
      expect_time(cost(*model, AllToAll, Bytes(S), layout),
                  (g > 1 ? start(m, g) : q.launch.si()) + std::max(inside, between));
    }
  }
}

}  // namespace
}  // namespace orrery::collective::test
