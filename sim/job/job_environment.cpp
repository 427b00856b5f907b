#include "job/job_environment.hpp"

#include <algorithm>
#include <cmath>

#include <orrery/error.hpp>

namespace orrery {
namespace {

constexpr int kRounds = 60;
constexpr Kelvins kAtRest(0.05);
constexpr int kHalvings = 12;

}  // namespace

JobEnvironment::JobEnvironment(const OperationInputs& inputs)
    : inputs_(inputs),
      fleet_(inputs.platform, inputs.cooling, inputs.work),
      steps_(inputs.step),
      cap_(inputs.spec.limits.cap),
      clock_(inputs.spec.limits.clock) {
  const int each = inputs.platform.devices_per_server();
  const Spread spread = spread_of(fleet_.servers(), each, inputs.spec.limits.seed);
  const int slowest =
      spread.slowest_server < 0 ? -1 : inputs.platform.kind(spread.slowest_server * each);
  for (std::size_t kind = 0; kind < inputs.platform.kinds().size(); ++kind) {
    governors_.emplace_back(*inputs.platform.kinds()[kind].accelerator->power());
    deviations_.push_back(static_cast<int>(kind) == slowest ? spread.slowest : spread.others);
  }
}

KindPoints JobEnvironment::points() const {
  KindPoints points;
  for (std::size_t kind = 0; kind < governors_.size(); ++kind) {
    Hertz limit = clock_;
    for (const Hertz other : {governors_[kind].limit(), held_}) {
      if (other > Hertz(0)) limit = limit > Hertz(0) ? min(limit, other) : other;
    }
    // Whole megahertz: a limit between two steps of a ladder is no new operating point.
    limit = Hertz(std::round(limit.si() * 1e-6) * 1e6);
    points.push_back({.die = fleet_.hottest_die(static_cast<int>(kind)),
                      .cap = cap_,
                      .clock_limit = limit,
                      .deviations = deviations_[kind]});
  }
  return points;
}

const StepResult& JobEnvironment::step() { return steps_.at(points()); }

Load JobEnvironment::load(JobPhase phase) {
  const StepResult& result = step();
  return {.phase = phase, .step = &result, .points = &steps_.points()};
}

bool JobEnvironment::liquid() const {
  const ServerCooling* cooling = fleet_.cooling();
  return cooling != nullptr && cooling->medium() == ServerCooling::Medium::Liquid;
}

const PlantState* JobEnvironment::plant_state() const {
  return plant_ ? &plant_->state() : nullptr;
}

Temperature JobEnvironment::inlet() const {
  if (!plant_) return inputs_.spec.environment.inlet;
  return liquid() ? plant_->state().supply_liquid : plant_->state().supply_air;
}

Temperature JobEnvironment::room() const {
  return plant_ ? plant_->state().supply_air : inputs_.spec.environment.inlet;
}

Watts JobEnvironment::distribution_loss() const {
  const Plant* plant = inputs_.spec.environment.plant.get();
  if (plant == nullptr) return Watts(0);
  return (fleet_.servers_power() + fleet_.network()) * plant->distribution_loss();
}

Watts JobEnvironment::plant_power() const { return plant_ ? plant_->state().power : Watts(0); }

void JobEnvironment::set_cap(Watts cap) { cap_ = cap; }
void JobEnvironment::set_clock(Hertz clock) { clock_ = clock; }

// Once around the loop; whether nothing moved.
bool JobEnvironment::settle_once(JobPhase phase) {
  std::vector<Temperature> before;
  for (std::size_t kind = 0; kind < governors_.size(); ++kind) {
    before.push_back(fleet_.hottest_die(static_cast<int>(kind)));
  }
  const double speed = fleet_.classes().front().speed;
  fleet_.power(load(phase));
  const Environment& environment = inputs_.spec.environment;
  if (environment.plant != nullptr) {
    plant_ = environment.plant->start(fleet_.plant_load(Seconds(0), inlet()),
                                      environment.weather.at(Seconds(0)));
  }
  fleet_.settle(inlet());
  for (std::size_t kind = 0; kind < before.size(); ++kind) {
    const Kelvins moved = fleet_.hottest_die(static_cast<int>(kind)) - before[kind];
    if (std::abs(moved.si()) > kAtRest.si()) return false;
  }
  return std::abs(fleet_.classes().front().speed - speed) < 1e-3;
}

void JobEnvironment::settle(JobPhase phase) {
  for (int round = 0; round < kRounds; ++round) {
    if (settle_once(phase)) break;
  }
  if (phase == JobPhase::Training) hold_temperature(phase);
}

// Devices that would settle above their operating temperature slow down until they do not: the
// highest clock at which they hold it.
void JobEnvironment::hold_temperature(JobPhase phase) {
  const auto above = [&] {
    Kelvins most(-1000);
    for (std::size_t kind = 0; kind < governors_.size(); ++kind) {
      const PowerModel& power = *inputs_.platform.kinds()[kind].accelerator->power();
      const int index = static_cast<int>(kind);
      most = max(most, fleet_.hottest_die(index) - power.die_limits().operating);
      most = max(most, fleet_.hottest_memory(index) - power.memory_limits().operating);
    }
    return most;
  };
  if (inputs_.cooling == nullptr || above() <= Kelvins(0)) return;
  const PowerModel& power = *inputs_.platform.kinds().front().accelerator->power();
  Hertz low = power.lowest_clock();
  Hertz high = power.highest_clock();
  for (int i = 0; i < kHalvings; ++i) {
    held_ = 0.5 * (low + high);
    for (int round = 0; round < kRounds; ++round) {
      if (settle_once(phase)) break;
    }
    (above() <= Kelvins(0) ? low : high) = held_;
  }
  held_ = low;
  for (int round = 0; round < kRounds; ++round) {
    if (settle_once(phase)) break;
  }
}

void JobEnvironment::update(Seconds interval) {
  if (inputs_.cooling == nullptr) return;
  for (std::size_t kind = 0; kind < governors_.size(); ++kind) {
    const int index = static_cast<int>(kind);
    const RankEnergy& energy = step().kind_energy[kind];
    governors_[kind].update(fleet_.hottest_die(index), fleet_.hottest_memory(index), energy.clock,
                            interval);
  }
}

void JobEnvironment::advance(JobPhase phase, const Weather& weather, Seconds interval) {
  held_ = Hertz(0);  // the governors' business from here
  update(interval);
  fleet_.power(load(phase));
  if (inputs_.cooling != nullptr) fleet_.advance(inlet(), interval);
  if (plant_) plant_->advance(fleet_.plant_load(interval, inlet()), weather, interval);
}

}  // namespace orrery
