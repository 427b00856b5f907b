#include "job/ledger.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {
namespace {

// Arrhenius: how much faster than at the reference a part wears out.
constexpr double kActivation = 0.7;         // eV
constexpr double kBoltzmann = 8.617333e-5;  // eV/K
constexpr Temperature kReference = Temperature::celsius(65);

double wear_rate(Temperature die) {
  return std::exp(kActivation / kBoltzmann * (1.0 / kReference.kelvin() - 1.0 / die.kelvin()));
}

// How much warmer the air of a server leaves, from the heat and the stream of the plant's load.
Kelvins air_rise(const PlantLoad& load) {
  return load.air_stream > WattsPerKelvin(0) ? load.air_heat / load.air_stream : Kelvins(0);
}

}  // namespace

Ledger::Ledger(const JobEnvironment& environment) {
  for (const ServerClass& one : environment.fleet().classes())
    sums_.emplace_back(one.device.size());
}

void Ledger::add(JobEnvironment& environment, JobPhase phase, Seconds time) {
  const Fleet& fleet = environment.fleet();
  time_ += time;
  if (phase == JobPhase::Training) training_ += time;
  for (const ServerClass& one : fleet.classes()) {
    const double count = one.count;
    devices_ += one.devices * count * time;
    for (std::size_t i = 0; i < one.device.size(); ++i) {
      (one.kinds[i] < 0 ? idle_ : working_) += one.device[i] * count * time;
    }
    others_ += one.others * count * time;
    fans_ += one.fans * count * time;
    servers_ += one.wall * count * time;
    server_peak_ = max(server_peak_, one.wall);
    speed_ += one.speed * count * time.si();
  }
  network_ += fleet.network() * time;
  distribution_ += environment.distribution_loss() * time;
  plant_ += environment.plant_power() * time;
  const PlantLoad load = fleet.plant_load(Seconds(0), environment.inlet());
  const bool liquid = load.liquid_stream > WattsPerKelvin(0);
  const Temperature exhaust = environment.room() + air_rise(load);
  const Temperature outlet =
      liquid ? environment.inlet() + load.liquid_heat / load.liquid_stream : exhaust;
  inlet_ += environment.inlet().kelvin() * time.si();
  outlet_ += outlet.kelvin() * time.si();
  room_ += environment.room().kelvin() * time.si();
  exhaust_ += exhaust.kelvin() * time.si();
  add_devices(environment, phase, time);
}

void Ledger::add_devices(JobEnvironment& environment, JobPhase phase, Seconds time) {
  const StepResult& step = environment.step();
  const auto& classes = environment.fleet().classes();
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const ServerClass& one = classes[c];
    for (std::size_t i = 0; i < one.device.size(); ++i) {
      DeviceSum& sum = sums_[c][i];
      sum.energy += one.device[i] * time;
      if (one.network) {
        const Temperature die = one.network->die(static_cast<int>(i));
        sum.kelvin_seconds += die.kelvin() * time.si();
        sum.highest = max(sum.highest, die);
        sum.memory_highest = max(sum.memory_highest, one.network->memory(static_cast<int>(i)));
        sum.wear += wear_rate(die) * time.si();
      }
      if (one.kinds[i] < 0 || phase != JobPhase::Training) continue;
      const auto kind = static_cast<std::size_t>(one.kinds[i]);
      const RankEnergy& energy = step.kind_energy[kind];
      // The step was simulated at a whole kelvin: a device that is warmer leaks more all the time.
      // And kernels and traffic side by side draw together what neither draws alone.
      device_peak_ = max(device_peak_, max(energy.peak, one.device[i]));
      sum.cycles += energy.clock * time;
      sum.capped += energy.capped * time;
      if (environment.held(kind)) sum.throttled += time;
    }
  }
}

void Ledger::fill(const JobEnvironment& environment, OperationReport& report) const {
  fill_power(environment, report.power);
  if (environment.fleet().cooling() == nullptr) return;
  report.thermal.emplace();
  fill_thermal(environment, *report.thermal);
}

void Ledger::fill_power(const JobEnvironment& environment, PowerReport& power) const {
  const Fleet& fleet = environment.fleet();
  const double servers = fleet.servers();
  const int idle = fleet.servers() * fleet.platform().devices_per_server() - fleet.devices();
  power.machine = fleet.platform().power().server.known;
  power.servers = fleet.servers();
  power.device_mean = working_ / time_ / static_cast<double>(fleet.devices());
  power.device_peak = device_peak_;
  power.idle_devices = idle;
  if (idle > 0) power.idle_mean = idle_ / time_ / static_cast<double>(idle);
  power.devices = devices_ / time_ / servers;
  power.others = others_ / time_ / servers;
  power.fans = fans_ / time_ / servers;
  power.server_mean = servers_ / time_ / servers;
  power.server_peak = max(server_peak_, power.server_mean);
  power.supply_loss = power.server_mean - power.devices - power.others - power.fans;
  power.network = network_ / time_;
  power.it_mean = (servers_ + network_) / time_;
  power.distribution_loss = distribution_ / time_;
  power.plant = plant_ / time_;
  power.facility_mean = power.it_mean + power.distribution_loss + power.plant;
  if (environment.plant_state() != nullptr) power.pue = power.facility_mean / power.it_mean;
}

void Ledger::fill_thermal(const JobEnvironment& environment, ThermalReport& thermal) const {
  const double time = time_.si();
  const Fleet& fleet = environment.fleet();
  thermal.liquid = fleet.cooling()->medium() == ServerCooling::Medium::Liquid;
  thermal.inlet = Temperature::kelvin(inlet_ / time);
  thermal.outlet = Temperature::kelvin(outlet_ / time);
  thermal.room = Temperature::kelvin(room_ / time);
  thermal.exhaust = Temperature::kelvin(exhaust_ / time);
  thermal.fan_speed = speed_ / time / fleet.servers();
  double most_wear = 0;
  const auto& classes = fleet.classes();
  for (std::size_t c = 0; c < classes.size(); ++c) {
    for (std::size_t i = 0; i < sums_[c].size(); ++i) {
      const DeviceSum& sum = sums_[c][i];
      most_wear = std::max(most_wear, sum.wear / time);
      DeviceThermal device;
      device.name = fleet.device_name(classes[c], static_cast<int>(i));
      device.count = classes[c].count;
      device.mean = Temperature::kelvin(sum.kelvin_seconds / time);
      device.highest = sum.highest;
      device.memory_highest = sum.memory_highest;
      device.power = sum.energy / time_;
      if (training_ > Seconds(0)) {
        device.clock_mean = Hertz(sum.cycles / training_.si());
        device.throttled_fraction = sum.throttled / training_;
        device.capped_fraction = sum.capped / training_;
      }
      thermal.devices.push_back(std::move(device));
    }
  }
  thermal.lifetime_factor = most_wear > 0 ? 1.0 / most_wear : 0.0;
}

}  // namespace orrery
