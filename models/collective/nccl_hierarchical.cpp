// Servers first, then rails: three collectives one after the other. g groups of one rank per server
// work at once between the servers, each on its part of the buffer.
#include <algorithm>

#include "collective/nccl_exchange.hpp"

namespace orrery::collective {
namespace {

/// Sums the stages of a candidate.
class Stages {
 public:
  explicit Stages(const NcclParameters& parameters, const Exchange& exchange)
      : parameters_(parameters), exchange_(exchange) {
    parameters_.algorithm.reset();
    result_.algorithm = Algorithm::Hierarchical;
  }

  void inside(CollectiveKind kind) {
    GroupLayout layout = exchange_.layout;
    layout.ranks = layout.ranks_per_server;
    layout.servers = 1;
    add(in_one_server(parameters_, Exchange(request(kind, exchange_.bytes, layout))));
  }

  void between(CollectiveKind kind) {
    GroupLayout layout = exchange_.layout;
    layout.ranks = layout.servers;
    layout.ranks_per_server = 1;
    const Bytes part = exchange_.bytes / exchange_.ranks_per_server;
    const Candidate stage = across_servers(parameters_, Exchange(request(kind, part, layout)));
    result_.protocol = stage.protocol;
    add(stage);
  }

  [[nodiscard]] Candidate result() const {
    Candidate result = result_;
    result.scale_up_busy = up_ / result.transfer;
    result.scale_out_busy = out_ / result.transfer;
    return result;
  }

 private:
  // Kept until the next stage: an Exchange refers to it.
  const CollectiveRequest& request(CollectiveKind kind, Bytes bytes, const GroupLayout& layout) {
    request_ = {.kind = kind, .bytes = bytes, .dtype = exchange_.dtype, .layout = layout};
    return request_;
  }

  void add(const Candidate& stage) {
    result_.latency += stage.latency;
    result_.transfer += stage.transfer;
    result_.channels = std::max(result_.channels, stage.channels);
    up_ += stage.scale_up_busy * stage.transfer;
    out_ += stage.scale_out_busy * stage.transfer;
  }

  NcclParameters parameters_;
  const Exchange& exchange_;
  CollectiveRequest request_;
  Candidate result_;
  Seconds up_{}, out_{};
};

}  // namespace

Candidate hierarchical(const NcclParameters& parameters, const Exchange& exchange) {
  Stages stages(parameters, exchange);
  switch (exchange.kind) {
    case CollectiveKind::AllGather:
      stages.between(CollectiveKind::AllGather);
      stages.inside(CollectiveKind::AllGather);
      break;
    case CollectiveKind::ReduceScatter:
      stages.inside(CollectiveKind::ReduceScatter);
      stages.between(CollectiveKind::ReduceScatter);
      break;
    default:
      stages.inside(CollectiveKind::ReduceScatter);
      stages.between(CollectiveKind::AllReduce);
      stages.inside(CollectiveKind::AllGather);
      break;
  }
  return stages.result();
}

}  // namespace orrery::collective
