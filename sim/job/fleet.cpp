#include "job/fleet.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "folding/occupied.hpp"

namespace orrery {
namespace {

// Fans that fail stop the flow of their share; some air always moves.
constexpr double kLeastFlow = 0.05;
constexpr Seconds kLong(3600);
constexpr int kControlRounds = 200;
constexpr double kSpeedAtRest = 1e-4;

// What a stream takes up where no model says how much air passes: a rise of 15 K.
constexpr Kelvins kUsualRise(15);

BoardPower mean_power(const BoardEnergy& energy, Seconds time) {
  return {.fixed = energy.fixed / time,
          .leakage = energy.leakage / time,
          .clock = energy.clock / time,
          .compute = energy.compute / time,
          .memory = energy.memory / time,
          .link = energy.link / time};
}

OperatingPoint point_of(const KindPoint& kind) {
  OperatingPoint point;
  point.temperature = kind.die;
  point.power_cap = kind.cap;
  point.clock_limit = kind.clock_limit;
  return point;
}

}  // namespace

double ServerClass::flow() const { return std::max(kLeastFlow, speed * fans_left); }

Fleet::Fleet(const Platform& platform, const ServerCooling* cooling, const StepWork& work)
    : platform_(platform), cooling_(cooling), devices_(work.devices) {
  add_classes(work);
}

void Fleet::add_classes(const StepWork& work) {
  const int each = platform_.devices_per_server();
  const auto occupied = [&](int device) {
    if (work.device_list.empty()) return device < work.devices;
    return std::binary_search(work.device_list.begin(), work.device_list.end(), device);
  };
  const std::vector<int> servers = occupied_servers(work, each);
  servers_ = static_cast<int>(servers.size());
  // All but the last, of which a part may be occupied, are as the first is.
  const bool alike = work.device_list.empty() && platform_.uniform();
  std::map<std::vector<int>, std::size_t> known;
  for (const int server : servers) {
    if (alike && server != servers.front() && server != servers.back()) {
      ++classes_.front().count;
      continue;
    }
    std::vector<int> kinds;
    for (int device = server * each; device < (server + 1) * each; ++device) {
      kinds.push_back(occupied(device) ? platform_.kind(device) : -1);
    }
    const auto [found, added] = known.emplace(kinds, classes_.size());
    if (!added) {
      ++classes_[found->second].count;
      continue;
    }
    ServerClass& one = classes_.emplace_back();
    one.first = server;
    one.count = 1;
    one.kinds = std::move(kinds);
    one.device.resize(static_cast<std::size_t>(each));
    if (cooling_ != nullptr)
      one.network = std::make_unique<thermal::ServerNetwork>(*cooling_, each);
  }
}

BoardPower Fleet::board(int kind, const Load& load) const {
  const PowerModel& power =
      *platform_.kinds()[static_cast<std::size_t>(std::max(0, kind))].accelerator->power();
  const KindPoint point = (*load.points)[static_cast<std::size_t>(std::max(0, kind))];
  if (kind < 0) return power.idle(point.die);
  switch (load.phase) {
    case JobPhase::Idle:
      return power.held(point_of(point));
    case JobPhase::Checkpoint:
      return power.communicating(point_of(point), {}, {});
    case JobPhase::Training:
      break;
  }
  return mean_power(load.step->kind_energy[static_cast<std::size_t>(kind)].board,
                    load.step->step_time);
}

// A device that is cooler than the one that the step was simulated for leaks less; under its cap it
// then runs ahead and draws as much. One that is warmer does not pass its cap.
Watts Fleet::device_power(const ServerClass& of, int device, const Load& load) {
  const int kind = of.kinds[static_cast<std::size_t>(device)];
  const BoardPower& board = kind < 0 ? boards_.back() : boards_[static_cast<std::size_t>(kind)];
  if (kind < 0 || !of.network) return board.total();
  const PowerModel& power = *platform_.kinds()[static_cast<std::size_t>(kind)].accelerator->power();
  const KindPoint& point = (*load.points)[static_cast<std::size_t>(kind)];
  const Kelvins warmer = of.network->die(device) - point.die;
  const double growth = power.leakage_growth() * warmer;
  const double capped = load.phase == JobPhase::Training
                            ? load.step->kind_energy[static_cast<std::size_t>(kind)].capped
                            : 0.0;
  const Watts cap = point.cap > Watts(0) ? point.cap : power.limit();
  const Watts drawn = board.total() + board.leakage * (std::expm1(growth) * (1.0 - capped));
  return min(drawn, max(cap, board.total()));
}

void Fleet::power(const Load& load) {
  boards_.clear();
  for (std::size_t kind = 0; kind < platform_.kinds().size(); ++kind) {
    boards_.push_back(board(static_cast<int>(kind), load));
  }
  boards_.push_back(board(-1, load));
  const ServerPower& server = platform_.power().server;
  const bool trains = load.phase == JobPhase::Training;
  activity_ = trains ? platform_.activity(load.step->resource_activity) : MachineActivity{};
  if (trains) activity_.host = server.host_activity;
  for (ServerClass& one : classes_) {
    one.devices = Watts(0);
    for (std::size_t i = 0; i < one.device.size(); ++i) {
      one.device[i] = device_power(one, static_cast<int>(i), load);
      one.devices += one.device[i];
    }
    one.others = server.others(activity_);
    one.fans = cooling_ == nullptr ? Watts(0) : cooling_->mover_power(one.speed) * one.fans_left;
    one.wall = server.wall(one.devices + one.others + one.fans);
  }
  const FabricPower& fabric = platform_.power().fabric;
  const double share = static_cast<double>(servers_) / platform_.servers();
  network_ = fabric.at(activity_) * share;
}

thermal::ServerHeat Fleet::heat_of(const ServerClass& of) const {
  thermal::ServerHeat heat;
  for (std::size_t i = 0; i < of.device.size(); ++i) {
    const int kind = of.kinds[i];
    const BoardPower& board = kind < 0 ? boards_.back() : boards_[static_cast<std::size_t>(kind)];
    const PowerModel& power =
        *platform_.kinds()[static_cast<std::size_t>(std::max(0, kind))].accelerator->power();
    const Watts memory = min(of.device[i], board.memory + power.memory_at_rest());
    heat.memory.push_back(memory);
    heat.die.push_back(of.device[i] - memory);
  }
  heat.others = of.wall - of.devices;  // what is lost in conversion too
  return heat;
}

void Fleet::control(ServerClass& of, Temperature inlet, Seconds interval) const {
  of.speed = cooling_->control(of.speed, {.die = of.network->hottest_die(),
                                          .memory = of.network->hottest_memory(),
                                          .inlet = inlet,
                                          .heat = of.wall,
                                          .interval = interval});
}

void Fleet::settle(Temperature inlet) {
  if (cooling_ == nullptr) return;
  const ServerPower& server = platform_.power().server;
  for (ServerClass& one : classes_) {
    for (int round = 0; round < kControlRounds; ++round) {
      one.network->settle(heat_of(one), {.speed = one.flow(), .inlet = inlet});
      const double before = one.speed;
      control(one, inlet, kLong);
      // Half way: a steep controller against a quick network would swing.
      one.speed = 0.5 * (before + one.speed);
      one.fans = cooling_->mover_power(one.speed) * one.fans_left;
      one.wall = server.wall(one.devices + one.others + one.fans);
      if (std::abs(one.speed - before) < kSpeedAtRest) break;
    }
    one.network->settle(heat_of(one), {.speed = one.flow(), .inlet = inlet});
  }
}

void Fleet::advance(Temperature inlet, Seconds interval) {
  for (ServerClass& one : classes_) {
    one.exchange =
        one.network->advance(heat_of(one), {.speed = one.flow(), .inlet = inlet}, interval);
    control(one, inlet, interval);
  }
}

PlantLoad Fleet::plant_load(Seconds interval, Temperature inlet) const {
  PlantLoad load;
  for (const ServerClass& one : classes_) {
    const double count = one.count;
    const bool at_rest = interval <= Seconds(0);
    if (cooling_ == nullptr) {
      load.air_heat += one.wall * count;
      continue;
    }
    const double captured = cooling_->captured_share();
    const Watts others = one.wall - one.devices;
    const Watts stream = at_rest ? one.devices + others * captured : one.exchange.stream / interval;
    const Watts room = at_rest ? others * (1.0 - captured) : one.exchange.room / interval;
    const WattsPerKelvin rate = cooling_->whole_stream(one.flow(), inlet) * count;
    if (cooling_->medium() == ServerCooling::Medium::Air) {
      load.air_heat += (stream + room) * count;
      load.air_stream += rate;
    } else {
      load.liquid_heat += stream * count;
      load.liquid_stream += rate;
      load.air_heat += room * count;
    }
  }
  load.air_heat += network_;
  if (load.air_stream <= WattsPerKelvin(0)) load.air_stream = load.air_heat / kUsualRise;
  return load;
}

Temperature Fleet::hottest_die(int kind) const {
  if (cooling_ == nullptr) return OperatingPoint{}.temperature;
  Temperature hottest;
  for (const ServerClass& one : classes_) {
    for (std::size_t i = 0; i < one.kinds.size(); ++i) {
      if (one.kinds[i] == kind) hottest = max(hottest, one.network->die(static_cast<int>(i)));
    }
  }
  return hottest > Temperature() ? hottest : OperatingPoint{}.temperature;
}

Temperature Fleet::hottest_memory(int kind) const {
  if (cooling_ == nullptr) return OperatingPoint{}.temperature;
  Temperature hottest;
  for (const ServerClass& one : classes_) {
    for (std::size_t i = 0; i < one.kinds.size(); ++i) {
      if (one.kinds[i] == kind) hottest = max(hottest, one.network->memory(static_cast<int>(i)));
    }
  }
  return hottest > Temperature() ? hottest : OperatingPoint{}.temperature;
}

Watts Fleet::servers_power() const {
  Watts sum{};
  for (const ServerClass& one : classes_) sum += one.wall * static_cast<double>(one.count);
  return sum;
}

std::string Fleet::device_name(const ServerClass& of, int device) const {
  return platform_.device_name(of.first * platform_.devices_per_server() + device);
}

}  // namespace orrery
