#pragma once
/// The keys of a server, as its map has them; make_server() makes a ServerSpec of them.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <orrery/schema.hpp>

#include "platform/platform_spec.hpp"

namespace orrery {

inline constexpr std::int64_t kMostParts = 1'000'000;
/// A number of parts.
/// Of one server, whose every pair of parts may have a route of its own.
inline constexpr std::int64_t kMostDevices = 1024;
inline constexpr std::int64_t kMostSockets = 256;
constexpr schema::Whole parts(std::int64_t least) { return schema::whole(least, kMostParts); }

/// `bandwidth` and `latency`, which are of what the words say.
std::vector<Binding<WireSpec>> wire_fields(const char* bandwidth, const char* latency);

/// Keys of a torus beside those of its wires.
struct TorusKeys {
  std::vector<std::int64_t> shape;
  Node wrap;
  bool twisted = false;
};

struct ScaleUpKeys {
  ScaleUpSpec::Kind kind = ScaleUpSpec::Kind::Pcie;
  WireSpec wire;
  TorusKeys torus;
  int switches = 0;
  bool in_switch_reduction = false;
  std::optional<DrawSpec> power;
};

struct CpuKeys {
  Seconds launch_time{};
  std::optional<WireSpec> socket_link;
  std::optional<DrawSpec> power;
};

struct PcieKeys {
  WireSpec wire;
  int devices_per_switch = 0;  ///< 0: as many as share a NIC
};

struct NicKeys {
  WireSpec wire;
  std::optional<DrawSpec> power;
};

struct LinkKeys {
  std::string kind;
  WireSpec wire;
  Node between;
};

struct HostMemoryKeys {
  int count = 0;
  BytesPerSecond channel_bandwidth{};
  int channels = 1;
  std::optional<DrawSpec> power;
};

struct ServerKeys {
  std::string name = "server";
  Node accelerator;
  int accelerators = 1;
  std::optional<ScaleUpKeys> scale_up;
  CpuKeys cpu;
  int sockets = 2;
  std::optional<PcieKeys> pcie;
  std::vector<LinkKeys> links;
  int pcie_switches = 0;
  bool peer_access = true;
  int nics = 0;
  std::optional<NicKeys> nic;
  Node communication;
  DriveSpec storage;
  HostMemoryKeys memory;
  PowerKeys power;
  Node cooling;

  /// `links` wire the host, too.
  [[nodiscard]] bool host_listed() const { return !pcie && !links.empty(); }
};

const Schema<ServerKeys>& server_schema();
const Schema<TorusKeys>& torus_schema();
const Schema<LinkKeys>& link_schema();
const Schema<DriveSpec>& drive_schema();
const Schema<HostMemoryKeys>& host_memory_schema();
std::vector<Binding<TorusKeys>> torus_fields();

/// What no single key can say goes to the diagnostics of `server`, whose keys these are.
ServerSpec make_server(Reader& server, const ServerKeys& keys, const AcceleratorFactory& make);
/// The shape is a legal one even where mistakes were found.
TorusSpec make_torus(Reader& scale_up, const TorusKeys& keys, int devices);
/// The links of a server whose parts `spec` has.
std::vector<ListedLinks> make_links(Reader& server, const std::vector<LinkKeys>& keys,
                                    const ServerSpec& spec);

}  // namespace orrery
