#pragma once
/// The keys of a system, as its map has them.

#include <optional>
#include <string>
#include <vector>

#include "platform/server_keys.hpp"

namespace orrery {

/// One of `mixed`: servers of another build.
struct MixedKeys {
  int servers = 1;
  ServerKeys server;
};

/// One of `degraded`: devices that do less. Ratios of what they have otherwise.
struct DegradedKeys {
  std::string devices;
  double clock = 1;
  double scale_up = 1;
  double scale_out = 1;
};

struct SystemKeys {
  std::optional<std::string> name;
  int servers = 1;
  ServerKeys server;
  std::optional<FabricSpec> fabric;
  Node communication;
  std::vector<MixedKeys> mixed;
  std::vector<DegradedKeys> degraded;
};

const Schema<SystemKeys>& system_schema();

}  // namespace orrery
