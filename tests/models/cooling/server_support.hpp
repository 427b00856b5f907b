#pragma once
/// Server cooling from the library, as a scenario gets it.

#include <memory>
#include <string>

#include <orrery/builtin.hpp>

#include "thermal/server_network.hpp"

namespace orrery::cooling_test {

/// `text` is YAML, e.g. "use: cooling/air-8gpu-h100". @throws ConfigError
inline std::unique_ptr<const ServerCooling> make_cooling(const std::string& text) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  Diagnostics diagnostics;
  Reader reader(library.resolve(parse_yaml(text, "cooling.yaml")), "cooling", diagnostics);
  auto cooling = builtin_registry().server_cooling.make(reader, "model");
  diagnostics.throw_if_any();
  return cooling;
}

inline std::unique_ptr<const ServerCooling> entry(const std::string& name) {
  return make_cooling("use: cooling/" + name);
}

/// A seventh of each device's power goes to its memory.
inline thermal::ServerHeat even_heat(int devices, Watts device, Watts others) {
  const auto count = static_cast<std::size_t>(devices);
  return {.die = std::vector<Watts>(count, device * (6.0 / 7)),
          .memory = std::vector<Watts>(count, device / 7),
          .others = others};
}

/// A server whose own controller drives its fans.
struct Driven {
  Driven(const ServerCooling& of, int devices) : cooling(&of), network(of, devices) {}
  /// Others are joined by the fans' power.
  void step(Watts device, Watts others, Temperature inlet, Seconds interval) {
    const thermal::ServerHeat heat =
        even_heat(network.devices(), device, others + cooling->mover_power(speed));
    network.advance(heat, {.speed = speed, .inlet = inlet}, interval);
    Watts total = heat.others + device * network.devices();
    speed = cooling->control(speed, {.die = network.hottest_die(),
                                     .memory = network.hottest_memory(),
                                     .inlet = inlet,
                                     .heat = total,
                                     .interval = interval});
  }
  const ServerCooling* cooling;
  thermal::ServerNetwork network;
  double speed = 1;
};

}  // namespace orrery::cooling_test
