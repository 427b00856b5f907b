#include <algorithm>

#include "platform/server_keys.hpp"

namespace orrery {
namespace {

constexpr const char* kModels = "gpu.tiled, tpu.systolic or another model of devices";

const Schema<WireSpec>& socket_link_schema() {
  static const Schema<WireSpec> result("socket_link", wire_fields("in each direction", "of one"));
  return result;
}

const Schema<ScaleUpKeys>& scale_up_schema() {
  using namespace schema;
  using S = ScaleUpKeys;
  using Kind = ScaleUpSpec::Kind;
  const auto is = [](Kind kind) { return [kind](const S& s) { return s.kind == kind; }; };
  const auto wired = [](const S& s) { return s.kind == Kind::NvLink || s.kind == Kind::Torus; };
  const auto of = [&](auto holds, const char* words, std::vector<Binding<S>> fields) {
    for (Binding<S>& field : fields) field = when(words, holds, field);
    return fields;
  };
  static const Schema<S> result(
      "scale_up",
      std::vector{required("kind", &S::kind,
                           Choices<Kind>{{"nvlink", Kind::NvLink},
                                         {"pcie", Kind::Pcie},
                                         {"torus", Kind::Torus},
                                         {"links", Kind::Listed}},
                           "pcie: devices have no links of their own; links: those that `links` "
                           "lists; torus: on a grid, joined along its axes"),
                  label<S>()} +
          of(wired, "kind: nvlink or torus",
             inlined(&S::wire, wire_fields("per device, all its links together; in a torus of one "
                                           "link",
                                           "of a wire: device to switch, or device to device"))) +
          of(is(Kind::Torus), "kind: torus", inlined(&S::torus, torus_fields())) +
          of(is(Kind::NvLink), "kind: nvlink",
             {required("switches", &S::switches, parts(0),
                       "transfers are striped over all; 0: a wire for every pair, of `bandwidth` / "
                       "(devices - 1)"),
              optional("in_switch_reduction", &S::in_switch_reduction, "NVLink SHARP"),
              entry("power", optional("power", &S::power, &draw_schema(), "of one switch"))}),
      [](Reader& reader, const S& keys) {
        if (!keys.in_switch_reduction || keys.switches > 0) return;
        reader.error("in_switch_reduction",
                     "in_switch_reduction: expected switches of at least 1; got 0");
      });
  return result;
}

const Schema<CpuKeys>& cpu_schema() {
  using namespace schema;
  using C = CpuKeys;
  static const Schema<C> result(
      "cpu",
      {label<C>(),
       required("launch_time", &C::launch_time,
                "to launch one kernel from an eager program; a `software.launch_time` overrides "
                "it"),
       optional("socket_link", &C::socket_link, &socket_link_schema(),
                "between any two sockets; without it they are not joined"),
       entry("power", optional("power", &C::power, &draw_schema(), "of one socket"))});
  return result;
}

const Schema<PcieKeys>& pcie_schema() {
  using namespace schema;
  using P = PcieKeys;
  static const Schema<P> result(
      "pcie",
      inlined(&P::wire, wire_fields("of an x16 slot; a PCIe switch has one such wire to its socket",
                                    "of a wire and half of the switch at its end")) +
          std::vector{otherwise(
              "`accelerators` / `nics`, at least 1",
              optional("devices_per_switch", &P::devices_per_switch, parts(1), "of PCIe"))});
  return result;
}

const Schema<NicKeys>& nic_schema() {
  using namespace schema;
  using N = NicKeys;
  static const Schema<N> result(
      "nic", std::vector{label<N>()} +
                 inlined(&N::wire, wire_fields("in each direction", "through the adapter")) +
                 std::vector{entry(
                     "power", optional("power", &N::power, &draw_schema(), "of one adapter"))});
  return result;
}

void set_scale_up(Reader& server, const ScaleUpKeys& keys, ServerSpec& spec) {
  spec.scale_up = {.kind = keys.kind,
                   .bandwidth = keys.wire.bandwidth,
                   .latency = keys.wire.latency,
                   .torus = {},
                   .switches = keys.switches,
                   .in_switch_reduction = keys.in_switch_reduction};
  spec.switch_power = keys.power;
  if (keys.kind != ScaleUpSpec::Kind::Torus) return;
  Reader scale_up = server.child("scale_up");
  spec.scale_up.torus = make_torus(scale_up, keys.torus, spec.devices);
}

void set_host(const ServerKeys& keys, ServerSpec& spec) {
  spec.launch_time = keys.cpu.launch_time;
  spec.cpu_power = keys.cpu.power;
  spec.socket_link = keys.cpu.socket_link;
  spec.sockets = keys.sockets;
  spec.host_listed = keys.host_listed();
  spec.listed_pcie_switches = keys.pcie_switches;
  if (keys.pcie) {
    const int per_nic = spec.nics > 0 ? std::max(1, spec.devices / spec.nics) : 1;
    const int given = keys.pcie->devices_per_switch;
    spec.pcie = keys.pcie->wire;
    spec.devices_per_pcie_switch = given > 0 ? given : per_nic;
  }
  spec.peer_access = keys.peer_access;
  spec.storage = keys.storage;
  spec.memory = {.count = keys.memory.count,
                 .per_socket = keys.memory.channel_bandwidth * keys.memory.channels,
                 .power = keys.memory.power};
}

// What others among the keys make necessary.
void check_parts(Reader& server, const ServerKeys& keys) {
  const auto need = [&server](const char* key, bool needed) {
    if (needed && !server.has(key)) (void)server.child(key);  // says that it is missing
  };
  need("scale_up", keys.accelerators > 1);
  need("nic", keys.nics > 0);
  need("pcie", !server.has("links"));
}

std::vector<Binding<ServerKeys>> device_keys() {
  using namespace schema;
  using S = ServerKeys;
  return {optional("name", &S::name, "in reports"),
          entry(kModels, required("accelerator", &S::accelerator, "one device")),
          required("accelerators", &S::accelerators, schema::whole(1, kMostDevices),
                   "devices of a server"),
          entry("scale_up", optional("scale_up", &S::scale_up, &scale_up_schema(),
                                     "between devices; required when there are two or more")),
          entry("cooling.air, cooling.liquid or cooling.immersion",
                optional("cooling", &S::cooling, "how heat leaves the server"))};
}

std::vector<Binding<ServerKeys>> host_keys() {
  using namespace schema;
  using S = ServerKeys;
  return {entry("cpu", required("cpu", &S::cpu, &cpu_schema(), "host processors, all alike")),
          optional("sockets", &S::sockets, schema::whole(1, kMostSockets),
                   "PCIe switches are spread over them in order"),
          entry("links", optional("links", &S::links, &link_schema(),
                                  "wires one by one, beside what the counts wire")),
          entry("pcie", optional("pcie", &S::pcie, &pcie_schema(),
                                 "slots and their switches; required but where `links` wire the "
                                 "host, too")),
          when("`links` without `pcie`", &S::host_listed,
               optional("pcie_switches", &S::pcie_switches, parts(0), "that `links` wire")),
          optional("peer_access", &S::peer_access,
                   "false: what no link between two devices carries goes through the memory of "
                   "the sender's socket"),
          entry("memory", optional("memory", &S::memory, &host_memory_schema(), "of the host")),
          entry("storage", optional("storage", &S::storage, &drive_schema(), "drives"))};
}

std::vector<Binding<ServerKeys>> network_keys() {
  using namespace schema;
  using S = ServerKeys;
  return {optional("nics", &S::nics, parts(0), "0 only with one server"),
          entry("nic", optional("nic", &S::nic, &nic_schema(),
                                "required when `nics` > 0; NIC i is on the PCIe switch of device "
                                "i · `accelerators` / `nics`")),
          entry("collective.nccl or collective.torus",
                optional("communication", &S::communication,
                         "`model` and `scale_up`, which go with the devices"))};
}

}  // namespace

std::vector<Binding<WireSpec>> wire_fields(const char* bandwidth, const char* latency) {
  using namespace schema;
  return {required("bandwidth", &WireSpec::bandwidth, positive, bandwidth),
          required("latency", &WireSpec::latency, within(Seconds(0), kLongestLatency), latency)};
}

const Schema<ServerKeys>& server_schema() {
  using S = ServerKeys;
  static const Schema<S> result(
      "server",
      device_keys() + host_keys() + network_keys() + schema::inlined(&S::power, power_fields()),
      check_parts);
  return result;
}

ServerSpec make_server(Reader& server, const ServerKeys& keys, const AcceleratorFactory& make) {
  ServerSpec spec;
  spec.name = keys.name;
  if (server.has("accelerator")) {
    Reader accelerator = server.child("accelerator");
    spec.accelerator = make(accelerator);
  }
  spec.devices = keys.accelerators;
  if (keys.scale_up) set_scale_up(server, *keys.scale_up, spec);
  spec.nics = keys.nics;
  if (keys.nic && keys.nics > 0) {
    spec.nic = keys.nic->wire;
    spec.nic_power = keys.nic->power;
  }
  set_host(keys, spec);
  spec.links = make_links(server, keys.links, spec);
  spec.communication = keys.communication;
  spec.power = server_power(keys.power, spec);
  spec.cooling = keys.cooling;
  return spec;
}

}  // namespace orrery
