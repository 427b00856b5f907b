#include "collective/nccl.hpp"

#include <cmath>
#include <utility>

#include <fmt/core.h>

#include "collective/nccl_exchange.hpp"

namespace orrery::collective {
namespace {

/// Bytes read and written in a device's memory per byte of the buffer, staging included: reading
/// one's own buffer and writing the next rank's is charged to the owner of each. No credit for hits
/// in L2.
double memory_passes(const Exchange& x, Algorithm algorithm) {
  const double n = x.ranks;
  if (algorithm == Algorithm::Nvls || algorithm == Algorithm::NvlsTree ||
      algorithm == Algorithm::CollnetNvls) {
    return 6;
  }
  switch (x.kind) {
    case CollectiveKind::AllReduce:
      return (6 * n - 4) / n;
    case CollectiveKind::AllGather:
    case CollectiveKind::ReduceScatter:
      return (3 * n - 1) / n;
    case CollectiveKind::AllToAll:
      return (4 * n - 2) / n;
    case CollectiveKind::Broadcast:
    case CollectiveKind::SendRecv:
      break;
  }
  return 3;
}

class Nccl final : public CollectiveModel {
 public:
  explicit Nccl(NcclParameters parameters)
      : parameters_(std::move(parameters)), over_host_(parameters_) {
    if (parameters_.over_host) over_host_.scale_up = parameters_.over_host;
  }

  [[nodiscard]] CollectiveCost cost(const CollectiveRequest& request) const override {
    if (request.layout.ranks < 2 || request.bytes <= Bytes(0)) return {};
    check(request.layout);
    const Exchange exchange(request);
    return to_cost(exchange, best(exchange));
  }

 private:
  /// @throws ConfigError when the group needs a link that is not described.
  void check(const GroupLayout& layout) const {
    const bool inside = layout.ranks_per_server > 1;
    const bool across = layout.servers > 1;
    // Groups with one rank per server run the same kernels: their launch costs stand under
    // scale_up.
    require(parameters_.scale_up.has_value(), "scale_up", "communication/nvlink4");
    if (across)
      require(parameters_.scale_out.has_value(), "scale_out", "communication/infiniband-ndr");
    if (inside && layout.within.ring.bandwidth <= BytesPerSecond(0)) fail_link("inside a server");
    if (across && layout.between.ring.bandwidth <= BytesPerSecond(0)) fail_link("between servers");
  }

  void require(bool present, const char* key, const char* example) const {
    if (present) return;
    throw ConfigError(
        fmt::format("{}: communication has no '{}', which a group of this system needs; expected "
                    "e.g. '{}: {{use: {}}}'",
                    parameters_.where.text(), key, key, example));
  }

  [[noreturn]] void fail_link(const char* where) const {
    throw ConfigError(
        fmt::format("{}: a group communicates {}, but the system has no link there; expected a "
                    "bandwidth above 0",
                    parameters_.where.text(), where));
  }

  [[nodiscard]] Candidate best(const Exchange& exchange) const {
    const NcclParameters& parameters = exchange.within.over_host ? over_host_ : parameters_;
    if (exchange.kind == CollectiveKind::SendRecv) return send_receive(parameters, exchange);
    if (exchange.kind == CollectiveKind::AllToAll) return all_to_all(parameters, exchange);
    return exchange.servers > 1 ? across_servers(parameters, exchange)
                                : in_one_server(parameters, exchange);
  }

  [[nodiscard]] CollectiveCost to_cost(const Exchange& exchange, const Candidate& candidate) const {
    CollectiveCost cost;
    cost.latency = candidate.latency;
    cost.transfer = candidate.transfer;
    const auto add_flow = [&](double busy, const GroupLinks& links) {
      if (busy > 0) {
        cost.flows.push_back({busy * candidate.transfer * links.bandwidth, links.uses});
      }
    };
    add_flow(candidate.scale_up_busy, exchange.within);
    add_flow(candidate.scale_out_busy, exchange.between);
    cost.multiprocessors = static_cast<int>(std::lround(candidate.channels));
    cost.memory =
        memory_passes(exchange, candidate.algorithm) * exchange.bytes / candidate.transfer;
    if (exchange.servers > 1) cost.caveat = parameters_.scale_out->caveat;
    cost.algorithm = to_text(candidate.algorithm);
    cost.protocol = to_text(candidate.protocol);
    return cost;
  }

  NcclParameters parameters_;
  NcclParameters over_host_;  // likewise, for groups that communicate over PCIe and the sockets
};

}  // namespace
}  // namespace orrery::collective

namespace orrery {

std::unique_ptr<const CollectiveModel> make_nccl(Reader& reader) {
  using namespace collective;
  return std::make_unique<Nccl>(NcclParameters::read(reader));
}

const Table& nccl_table() { return collective::NcclParameters::schema().table(); }

}  // namespace orrery
