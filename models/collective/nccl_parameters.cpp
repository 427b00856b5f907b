#include "collective/nccl_parameters.hpp"

#include <fmt/format.h>

namespace orrery::collective {
namespace {

using namespace schema;
constexpr Whole kChannels = whole(1, 64);  // as many as NCCL has
constexpr Between kShare = between(0.01, 1.0);

const Schema<LowLatency>& ll_schema() {
  using L = LowLatency;
  static const Schema<L> result(
      "ll", {required("hop", &L::hop, positive, "[a_ll] from device to device"),
             required("channel", &L::channel, positive, "[b_ll] payload of one channel"),
             required("last_copy", &L::last_copy, positive,
                      "[b_ll_end] the exposed first and last copy of one channel"),
             required("channels", &L::channels, kChannels, "[C_ll] at most"),
             required("tuner_limit", &L::tuner_limit, positive,
                      "bus bandwidth that NCCL's tuner expects at most"),
             required("tuner_hop", &L::tuner_hop, positive, "that NCCL's tuner expects")});
  return result;
}

const Schema<LowLatency128>& ll128_schema() {
  using L = LowLatency128;
  static const Schema<L> result(
      "ll128", {required("hop", &L::hop, positive, "[a_128] from device to device"),
                required("efficiency", &L::efficiency, kShare, "[f_128] of the ring's bandwidth"),
                required("tuner_channel", &L::tuner_channel, positive,
                         "bandwidth of a channel that NCCL's tuner expects"),
                required("tuner_hop", &L::tuner_hop, positive, "that NCCL's tuner expects")});
  return result;
}

const Schema<Simple>& simple_schema() {
  using S = Simple;
  static const Schema<S> result(
      "simple", {required("start", &S::start, "[t_simple] beyond `launch`"),
                 required("hop", &S::hop, positive, "[a_s] from device to device"),
                 required("tuner_hop", &S::tuner_hop, positive, "that NCCL's tuner expects")});
  return result;
}

const Schema<PointToPoint>& point_to_point_schema() {
  using P = PointToPoint;
  static const Schema<P> result(
      "point_to_point",
      {required("launch", &P::launch, positive, "[t_p2p]"),
       required("peer", &P::peer, "[a_peer] for each further peer"),
       required("network_message", &P::network_message,
                "[a_msg] for each message to another server"),
       required("first_chunk", &P::first_chunk, positive,
                "[b_p2p] of the first 64 KiB of a message"),
       required("ramp", &P::ramp, "[t_fill] until all slots of a pair are busy, at 4 MiB"),
       required("efficiency", &P::efficiency, kShare, "[f_p2p] of the wired scale-up bandwidth"),
       required("self_copy", &P::self_copy, positive, "[B_self] of what stays on the device"),
       required("pair_channels", &P::pair_channels, kChannels, "of one pair"),
       required("channels", &P::channels, kChannels, "of all pairs")});
  return result;
}

const Schema<Nvls>& nvls_schema() {
  using N = Nvls;
  static const Schema<N> result(
      "nvls", {required("minimum_ranks", &N::minimum_ranks, whole(2), "in a server, to be offered"),
               required("start", &N::start, positive, "[t_nvls]"),
               required("efficiency", &N::efficiency, kShare,
                        "[f_nvls] algorithm bandwidth of the wired scale-up bandwidth"),
               required("chunk_overhead", &N::chunk_overhead, "[c_nvls]"),
               required("channels", &N::channels, kChannels, "[C_nvls]")});
  return result;
}

std::vector<Binding<ScaleUpParameters>> link_fields() {
  using U = ScaleUpParameters;
  return {
      required("launch", &U::launch, positive, "[t0] launch, kernel and first primitive"),
      optional(
          "wire_latency", &U::wire_latency,
          "of the wires and switches between two devices, already in the hops; what a server's "
          "graph has beyond it is added to each"),
      required("efficiency", &U::efficiency, kShare,
               "[f] ring's bus bandwidth of the wired scale-up bandwidth"),
      required("shard_copy", &U::shard_copy, positive, "[B_end] of one shard, not overlapped"),
      required("byte_reduce", &U::byte_reduce, positive,
               "[B_red8] what reducing one-byte elements costs beyond two-byte ones"),
      required("channels", &U::channels, kChannels, "[C]"),
      required("network_channels", &U::network_channels, kChannels,
               "[C_net] at most, when the group spans servers"),
      required("tuner_efficiency", &U::tuner_efficiency, kShare,
               "bus bandwidth that NCCL's tuner expects, of the wired one"),
      required("ll", &U::ll, &ll_schema(), "protocol LL: flags travel in the data, 8 B at a time"),
      optional("ll128", &U::ll128, &ll128_schema(), "protocol LL128: 120 B at a time"),
      required("simple", &U::simple, &simple_schema(), "protocol Simple: data, a fence, a flag"),
      required("point_to_point", &U::point_to_point, &point_to_point_schema(),
               "messages and all-to-all")};
}

const Schema<ScaleUpParameters>& scale_up_schema() {
  using U = ScaleUpParameters;
  static const Schema<U> result(
      "scale_up", link_fields() + std::vector{optional("nvls", &U::nvls, &nvls_schema(),
                                                       "reduction in the server's switches")});
  return result;
}

// No switch reduces what goes through the host.
const Schema<ScaleUpParameters>& over_host_schema() {
  static const Schema<ScaleUpParameters> result("over_host", link_fields());
  return result;
}

const Schema<Collnet>& collnet_schema() {
  using C = Collnet;
  static const Schema<C> result(
      "collnet", {required("hop", &C::hop, positive,
                           "[n_c] device, NIC, up the tree of switches and down, NIC, device"),
                  required("efficiency", &C::efficiency, kShare, "[e_c] of the NIC's rate")});
  return result;
}

const Schema<ScaleOutParameters>& scale_out_schema() {
  using O = ScaleOutParameters;
  const auto low = [](Binding<O> field) {
    return when<O>("low_latency", [](const O& out) { return out.low_latency; }, field);
  };
  static const Schema<O> result(
      "scale_out",
      {required("efficiency", &O::efficiency, kShare, "[e] of the NIC's rate"),
       optional("caveat", &O::caveat, "what is estimated; printed with every result"),
       optional("low_latency", &O::low_latency, "LL and LL128 are offered"),
       required("simple_hop", &O::simple_hop, positive,
                "[n_s] device, proxy, NIC, wire, NIC, proxy, device"),
       low(required("low_latency_hop", &O::low_latency_hop, positive, "[n_ll] of LL and LL128")),
       low(required("ll_server_limit", &O::ll_server_limit, positive,
                    "LL through the CPU's proxies, per server")),
       required("window", &O::window, positive, "[w] in flight per NIC and pipeline stage"),
       required("wire_latency", &O::wire_latency, "of wires and switches, already in the hops"),
       optional("collnet", &O::collnet, &collnet_schema(),
                "reduction in the network's switches, used where the fabric reduces")});
  return result;
}

void check_pins(Reader& reader, const NcclParameters& parameters) {
  const bool simple_only =
      parameters.algorithm == Algorithm::Nvls || parameters.algorithm == Algorithm::NvlsTree ||
      parameters.algorithm == Algorithm::Collnet || parameters.algorithm == Algorithm::Pat;
  if (simple_only && parameters.protocol.value_or(Protocol::Simple) != Protocol::Simple) {
    reader.error("protocol", fmt::format("{} runs with protocol simple only; expected 'simple' or "
                                         "'auto'",
                                         to_text(*parameters.algorithm)));
  }
}

}  // namespace

const char* to_text(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::Ring:
      return "ring";
    case Algorithm::Tree:
      return "tree";
    case Algorithm::Nvls:
      return "nvls";
    case Algorithm::NvlsTree:
      return "nvls_tree";
    case Algorithm::Pat:
      return "pat";
    case Algorithm::Collnet:
      return "collnet";
    case Algorithm::CollnetNvls:
      return "collnet_nvls";
    case Algorithm::Hierarchical:
      return "hierarchical";
    case Algorithm::PointToPoint:
      return "p2p";
  }
  return "";
}

const char* to_text(Protocol protocol) {
  switch (protocol) {
    case Protocol::Ll:
      return "ll";
    case Protocol::Ll128:
      return "ll128";
    case Protocol::Simple:
      return "simple";
  }
  return "";
}

const Schema<NcclParameters>& NcclParameters::schema() {
  using P = NcclParameters;
  static const Schema<P> result(
      "collective.nccl",
      {optional("scale_up", &P::scale_up, &scale_up_schema(),
                "kernels, and the links inside a server"),
       otherwise("`scale_up`",
                 optional("over_host", &P::over_host, &over_host_schema(),
                          "over PCIe and the sockets, where a server has links of its own beside "
                          "them")),
       optional("scale_out", &P::scale_out, &scale_out_schema(),
                "the path from device to device of another server"),
       optional("algorithm", &P::algorithm,
                Choices<std::optional<Algorithm>>{{"auto", std::nullopt},
                                                  {"ring", Algorithm::Ring},
                                                  {"tree", Algorithm::Tree},
                                                  {"nvls", Algorithm::Nvls},
                                                  {"nvls_tree", Algorithm::NvlsTree},
                                                  {"collnet", Algorithm::Collnet},
                                                  {"hierarchical", Algorithm::Hierarchical},
                                                  {"pat", Algorithm::Pat}},
                "pins it"),
       optional("protocol", &P::protocol,
                Choices<std::optional<Protocol>>{{"auto", std::nullopt},
                                                 {"ll", Protocol::Ll},
                                                 {"ll128", Protocol::Ll128},
                                                 {"simple", Protocol::Simple}},
                "pins it; nvls, nvls_tree, collnet and pat run with simple only"),
       optional("pat", &P::pat, "PAT is offered to the free choice"),
       optional("hierarchical", &P::hierarchical, "likewise, first inside servers"),
       optional("all_to_all", &P::all_to_all,
                Choices<AllToAll>{{"pairwise", AllToAll::Pairwise},
                                  {"hierarchical", AllToAll::Hierarchical},
                                  {"auto", AllToAll::Auto}},
                "between servers: every pair for itself as NCCL, through the rank of one's own "
                "number as DeepEP, or the faster")},
      check_pins);
  return result;
}

NcclParameters NcclParameters::read(Reader& reader) {
  reader.ignore("model");
  NcclParameters parameters = schema().read(reader);
  parameters.where = reader.where();
  return parameters;
}

}  // namespace orrery::collective
