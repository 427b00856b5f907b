#pragma once
/// Latency and bandwidth between any two devices, from a machine of a few servers: all pairs of
/// servers on one leaf are alike, and so are all pairs in one pod and all in two. In a dragonfly
/// the pairs whose routers have no global link of their own stand for all.

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "platform/machine_graph.hpp"
#include "platform/router.hpp"

namespace orrery {

/// How far apart two servers are.
enum class Reach { SameServer, SameLeaf, SamePod, OtherPod };

struct Path {
  Seconds latency{};
  BytesPerSecond bandwidth{};
};

class Paths {
 public:
  explicit Paths(const PlatformSpec& spec);

  /// From device `from` of one server to device `to` of the same or another one. Thread-safe; O(1)
  /// after the first call with `from`.
  [[nodiscard]] Path between(int from, int to, Reach reach) const;

 private:
  [[nodiscard]] std::vector<Path> paths_from(int from) const;

  int devices_ = 0;           ///< per server
  int servers_per_leaf_ = 1;  ///< of the small machine
  int servers_per_pod_ = 1;
  MachineGraph machine_;
  Router router_;
  mutable std::mutex mutex_;
  mutable std::map<int, std::vector<Path>>
      known_;  ///< by `from`; to every device of the small machine
};

}  // namespace orrery
