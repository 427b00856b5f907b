#include "collective/nccl_parameters.hpp"

#include <fmt/format.h>

#include "collective/reading.hpp"

namespace orrery::collective {
namespace {

constexpr std::int64_t kMostChannels = 64;

double channels(Reader& reader, const std::string& key) {
  const std::int64_t count = reader.integer(key);
  if (count > kMostChannels) reader.error(key, "NCCL has at most 64 channels");
  return static_cast<double>(count);
}

double share(Reader& reader, const std::string& key) { return reader.ratio(key, 0.01, 1.0); }

LowLatency read_ll(Reader reader) {
  LowLatency ll;
  ll.hop = reader.positive<Seconds>("hop");
  ll.channel = reader.positive<BytesPerSecond>("channel");
  ll.last_copy = reader.positive<BytesPerSecond>("last_copy");
  ll.channels = channels(reader, "channels");
  ll.tuner_limit = reader.positive<BytesPerSecond>("tuner_limit");
  ll.tuner_hop = reader.positive<Seconds>("tuner_hop");
  finish(reader);
  return ll;
}

LowLatency128 read_ll128(Reader reader) {
  LowLatency128 ll128;
  ll128.hop = reader.positive<Seconds>("hop");
  ll128.efficiency = share(reader, "efficiency");
  ll128.tuner_channel = reader.positive<BytesPerSecond>("tuner_channel");
  ll128.tuner_hop = reader.positive<Seconds>("tuner_hop");
  finish(reader);
  return ll128;
}

Simple read_simple(Reader reader) {
  Simple simple;
  simple.start = reader.quantity<Seconds>("start");
  simple.hop = reader.positive<Seconds>("hop");
  simple.tuner_hop = reader.positive<Seconds>("tuner_hop");
  finish(reader);
  return simple;
}

PointToPoint read_point_to_point(Reader reader) {
  PointToPoint p2p;
  p2p.launch = reader.positive<Seconds>("launch");
  p2p.peer = reader.quantity<Seconds>("peer");
  p2p.network_message = reader.quantity<Seconds>("network_message");
  p2p.first_chunk = reader.positive<BytesPerSecond>("first_chunk");
  p2p.ramp = reader.quantity<Seconds>("ramp");
  p2p.efficiency = share(reader, "efficiency");
  p2p.self_copy = reader.positive<BytesPerSecond>("self_copy");
  p2p.pair_channels = channels(reader, "pair_channels");
  p2p.channels = channels(reader, "channels");
  finish(reader);
  return p2p;
}

Nvls read_nvls(Reader reader) {
  Nvls nvls;
  nvls.minimum_ranks = static_cast<double>(reader.integer("minimum_ranks", 2));
  nvls.start = reader.positive<Seconds>("start");
  nvls.efficiency = share(reader, "efficiency");
  nvls.chunk_overhead = reader.quantity<Bytes>("chunk_overhead");
  nvls.channels = channels(reader, "channels");
  finish(reader);
  return nvls;
}

ScaleUpParameters read_scale_up(Reader reader) {
  ScaleUpParameters up;
  up.launch = reader.positive<Seconds>("launch");
  up.efficiency = share(reader, "efficiency");
  up.shard_copy = reader.positive<BytesPerSecond>("shard_copy");
  up.byte_reduce = reader.positive<BytesPerSecond>("byte_reduce");
  up.channels = channels(reader, "channels");
  up.network_channels = channels(reader, "network_channels");
  up.tuner_efficiency = share(reader, "tuner_efficiency");
  up.ll = read_ll(reader.child("ll"));
  if (reader.has("ll128")) up.ll128 = read_ll128(reader.child("ll128"));
  up.simple = read_simple(reader.child("simple"));
  up.point_to_point = read_point_to_point(reader.child("point_to_point"));
  if (reader.has("nvls")) up.nvls = read_nvls(reader.child("nvls"));
  finish(reader);
  return up;
}

Collnet read_collnet(Reader reader) {
  Collnet collnet;
  collnet.hop = reader.positive<Seconds>("hop");
  collnet.efficiency = share(reader, "efficiency");
  finish(reader);
  return collnet;
}

ScaleOutParameters read_scale_out(Reader reader) {
  ScaleOutParameters out;
  out.efficiency = share(reader, "efficiency");
  out.caveat = reader.text_or("caveat", "");
  out.low_latency = reader.boolean_or("low_latency", true);
  out.simple_hop = reader.positive<Seconds>("simple_hop");
  if (out.low_latency) {
    out.low_latency_hop = reader.positive<Seconds>("low_latency_hop");
    out.ll_server_limit = reader.positive<BytesPerSecond>("ll_server_limit");
  }
  out.window = reader.positive<Bytes>("window");
  out.wire_latency = reader.quantity<Seconds>("wire_latency");
  if (reader.has("collnet")) out.collnet = read_collnet(reader.child("collnet"));
  finish(reader);
  return out;
}

void read_pins(Reader& reader, NcclParameters& parameters) {
  using A = std::optional<Algorithm>;
  using P = std::optional<Protocol>;
  parameters.algorithm = reader.choice<A>("algorithm",
                                          {{"auto", std::nullopt},
                                           {"ring", Algorithm::Ring},
                                           {"tree", Algorithm::Tree},
                                           {"nvls", Algorithm::Nvls},
                                           {"nvls_tree", Algorithm::NvlsTree},
                                           {"collnet", Algorithm::Collnet},
                                           {"hierarchical", Algorithm::Hierarchical},
                                           {"pat", Algorithm::Pat}},
                                          A(std::nullopt));
  parameters.protocol = reader.choice<P>("protocol",
                                         {{"auto", std::nullopt},
                                          {"ll", Protocol::Ll},
                                          {"ll128", Protocol::Ll128},
                                          {"simple", Protocol::Simple}},
                                         P(std::nullopt));
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

NcclParameters NcclParameters::read(Reader& reader) {
  NcclParameters parameters;
  parameters.where = reader.where();
  reader.ignore("model");
  if (reader.has("scale_up")) parameters.scale_up = read_scale_up(reader.child("scale_up"));
  if (reader.has("over_host")) parameters.over_host = read_scale_up(reader.child("over_host"));
  if (reader.has("scale_out")) parameters.scale_out = read_scale_out(reader.child("scale_out"));
  read_pins(reader, parameters);
  parameters.pat = reader.boolean_or("pat", false);
  parameters.hierarchical = reader.boolean_or("hierarchical", false);
  parameters.all_to_all = reader.choice<AllToAll>("all_to_all",
                                                  {{"pairwise", AllToAll::Pairwise},
                                                   {"hierarchical", AllToAll::Hierarchical},
                                                   {"auto", AllToAll::Auto}},
                                                  AllToAll::Pairwise);
  finish(reader);
  return parameters;
}

}  // namespace orrery::collective
