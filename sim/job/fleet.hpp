#pragma once
/// The servers of a job in classes of equal ones, with their heat and their electricity.

#include <memory>
#include <string>
#include <vector>

#include <orrery/cooling.hpp>
#include <orrery/platform.hpp>
#include <orrery/step_result.hpp>
#include <orrery/workload.hpp>

#include "job/step_cache.hpp"
#include "thermal/server_network.hpp"

namespace orrery {

/// What the devices of a job do.
enum class JobPhase { Idle, Training, Checkpoint };

/// Servers whose devices are of the same kinds in the same places.
struct ServerClass {
  int first = 0;           ///< its first server
  int count = 0;           ///< servers
  std::vector<int> kinds;  ///< Platform::kind() of every device; -1: not of the job, idle
  double speed = 1;        ///< that the controller asks of fans or pumps
  double fans_left = 1;    ///< of the flow, after a failure
  std::unique_ptr<thermal::ServerNetwork> network;  ///< null where nothing is known of its cooling

  // Of one server, as of the last Fleet::power().
  std::vector<Watts> device;
  Watts devices{};
  Watts others{};  ///< without fans
  Watts fans{};
  Watts wall{};
  thermal::ServerExchange exchange{};  ///< as of the last Fleet::advance()

  [[nodiscard]] double flow() const;
};

/// What a step and its operating point say of every kind of device.
struct Load {
  JobPhase phase = JobPhase::Training;
  const StepResult* step = nullptr;
  const KindPoints* points = nullptr;  ///< at which `step` was simulated
};

class Fleet {
 public:
  /// The servers of `platform` that a job occupies. `cooling` may be null.
  Fleet(const Platform& platform, const ServerCooling* cooling, const StepWork& work);

  [[nodiscard]] std::vector<ServerClass>& classes() { return classes_; }
  [[nodiscard]] const std::vector<ServerClass>& classes() const { return classes_; }
  [[nodiscard]] int servers() const { return servers_; }
  /// That the job occupies.
  [[nodiscard]] int devices() const { return devices_; }
  [[nodiscard]] const ServerCooling* cooling() const { return cooling_; }
  [[nodiscard]] const Platform& platform() const { return platform_; }

  /// Sets what every class draws.
  void power(const Load& load);
  /// Temperatures as they settle under the powers of power(), with the fans where their controller
  /// leaves them.
  void settle(Temperature inlet);
  /// Goes on by `interval`, then moves the fans.
  void advance(Temperature inlet, Seconds interval);
  /// What the servers hand to the building on average: of the last advance() over `interval`, or at
  /// rest as of power() where it is zero.
  [[nodiscard]] PlantLoad plant_load(Seconds interval, Temperature inlet) const;

  /// Hottest die and memory among devices of a kind; the default of OperatingPoint where nothing is
  /// known.
  [[nodiscard]] Temperature hottest_die(int kind) const;
  [[nodiscard]] Temperature hottest_memory(int kind) const;
  /// Switches and optics outside of the servers, the job's share.
  [[nodiscard]] Watts network() const { return network_; }
  /// At the wall, all servers.
  [[nodiscard]] Watts servers_power() const;
  /// "server3.gpu5".
  [[nodiscard]] std::string device_name(const ServerClass& of, int device) const;
  /// Of a device: what its power model says in the state of `load`, all parts.
  [[nodiscard]] BoardPower board(int kind, const Load& load) const;

 private:
  void add_classes(const StepWork& work);
  [[nodiscard]] Watts device_power(const ServerClass& of, int device, const Load& load);
  [[nodiscard]] thermal::ServerHeat heat_of(const ServerClass& of) const;
  void control(ServerClass& of, Temperature inlet, Seconds interval) const;

  const Platform& platform_;
  const ServerCooling* cooling_;
  int servers_ = 1;
  int devices_ = 1;
  std::vector<ServerClass> classes_;
  std::vector<BoardPower> boards_;  ///< by kind, as of power(); the last: an idle device
  MachineActivity activity_;
  Watts network_{};
};

}  // namespace orrery
