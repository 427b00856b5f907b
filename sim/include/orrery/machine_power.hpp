#pragma once
/// Electricity of everything in a machine that is no accelerator: parts of a server, its power
/// supplies, switches between servers. Fans and pumps belong to the cooling model. Immutable; read
/// from configs by `Platform`, see configs/README.md, "Power".

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <orrery/quantity.hpp>

namespace orrery {

/// Kinds of links between switches, from the servers up: of a fat tree the first two, of a
/// dragonfly those within a group and those between groups.
enum class FabricLinks { LeafUplinks, SpineUplinks, RouterLinks, GroupLinks };
constexpr std::size_t kFabricLinkKinds = 4;

/// How busy parts are, as means over some time: ratios of their capacity in [0, 1].
struct MachineActivity {
  double host = 0;      ///< cores that work; ServerPower::host_activity while a job runs
  double scale_up = 0;  ///< links between the devices of a server
  double nic = 0;       ///< network adapters, and the ports that they are plugged into
  std::array<double, kFabricLinkKinds> fabric{};  ///< by FabricLinks
};

/// Parts of one kind. Each draws `idle` at rest and `busy` at full activity, linear in between.
struct PartPower {
  enum class Driver { Constant, Host, ScaleUp, Nic };
  std::string name;
  int count = 0;
  Watts idle{};
  Watts busy{};
  Driver driver = Driver::Constant;  ///< a constant part draws `idle`

  /// Of all of them.
  [[nodiscard]] Watts at(const MachineActivity& activity) const;
};

/// How much electricity a converter takes, by load: a ratio of output to rating. Efficiency is
/// linear between points and held beyond the last one. Below the first point the loss stays what it
/// is there, so that a converter without load still draws it and its efficiency falls to zero.
class ConversionCurve {
 public:
  struct Point {
    double load = 0;
    double efficiency = 1;
  };
  ConversionCurve() = default;  ///< without loss
  /// Loads rise from above 0, efficiencies lie in (0, 1], and more output takes more input: load /
  /// efficiency rises too.
  explicit ConversionCurve(std::vector<Point> points);

  [[nodiscard]] double efficiency(double load) const;
  /// Input for `load`, both as ratios of the rating. Rises with load.
  [[nodiscard]] double input(double load) const;

 private:
  std::vector<Point> points_;
};

/// The power supplies of a server: all of them run and share its load evenly.
struct PowerSupplies {
  int count = 0;      ///< 0: not known; loses nothing and has no limit
  int redundant = 0;  ///< that may fail without the server going down
  Watts rating{};     ///< of one's output
  ConversionCurve curve;

  /// What they may give for good: (count - redundant) x rating; infinite when not known.
  [[nodiscard]] Watts capacity() const;
  /// Drawn from the wall for an output of `output`. Above capacity() it goes on with the curve: to
  /// say so is the caller's.
  [[nodiscard]] Watts input(Watts output) const;
};

struct ServerPower {
  /// The server says what feeds it; `parts` of others may hold a few of theirs.
  bool known = false;
  std::vector<PartPower> parts;
  /// Parts whose power nothing says, such as "cpu"; nothing is counted for them.
  std::vector<std::string> missing;
  /// What training does to the host: MachineActivity::host while steps run.
  double host_activity = 0;
  PowerSupplies supplies;

  /// Of all parts but accelerators, fans and pumps, before conversion.
  [[nodiscard]] Watts others(const MachineActivity& activity) const;
  /// From the wall for `dc` that accelerators, other parts, fans and pumps take together.
  [[nodiscard]] Watts wall(Watts dc) const { return supplies.input(dc); }
  [[nodiscard]] Watts capacity() const { return supplies.capacity(); }
};

/// Switches between servers and the optics in their ports, from the wall.
struct FabricPower {
  struct Tier {
    std::string name;            ///< "leaf", "spine", "core" or "router"
    std::int64_t switches = 0;   ///< whole ones, however few of their ports are used
    Watts idle{};                ///< of one, without optics
    Watts busy{};                ///< with all ports that are used busy
    std::int64_t nic_ports = 0;  ///< of all its switches, with a NIC's cable in them
    std::array<std::int64_t, kFabricLinkKinds> link_ports{};  ///< with a switch's, by FabricLinks
    Watts optics{};  ///< in one port. The NIC's end of a cable is in the NIC's power

    /// With a cable in them.
    [[nodiscard]] std::int64_t ports() const;
    /// Mean over the ports that are used.
    [[nodiscard]] double activity(const MachineActivity& of) const;
    [[nodiscard]] Watts at(const MachineActivity& activity) const;
  };
  /// Every switch says its power; one that does not draws nothing here.
  bool known = false;
  std::vector<Tier> tiers;  ///< from the servers up; empty in a machine of one server

  /// Of all switches.
  [[nodiscard]] Watts at(const MachineActivity& activity) const;
};

struct MachinePower {
  ServerPower server;  ///< of an ordinary one; servers of other builds are taken to draw the same
  FabricPower fabric;
};

}  // namespace orrery
