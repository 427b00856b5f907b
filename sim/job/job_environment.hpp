#pragma once
/// Servers, plant and governors of a job: what its time loop moves and its report reads.

#include <memory>
#include <optional>
#include <vector>

#include "job/fleet.hpp"
#include "job/governor.hpp"
#include "job/operation.hpp"

namespace orrery {

class JobEnvironment {
 public:
  explicit JobEnvironment(const OperationInputs& inputs);

  /// Lets temperatures, fans, plant, clocks and step come to rest in a phase of the job, under the
  /// weather of the start.
  void settle(JobPhase phase);
  /// One interval of a phase.
  void advance(JobPhase phase, const Weather& weather, Seconds interval);
  /// The step at the present operating point.
  const StepResult& step();
  [[nodiscard]] Load load(JobPhase phase);

  [[nodiscard]] Fleet& fleet() { return fleet_; }
  [[nodiscard]] const Fleet& fleet() const { return fleet_; }
  [[nodiscard]] StepCache& step_cache() { return steps_; }
  [[nodiscard]] const std::vector<Governor>& governors() const { return governors_; }
  [[nodiscard]] PlantRun* plant() { return plant_.get(); }
  /// Of the devices' medium, and of the air that the servers draw in.
  [[nodiscard]] Temperature inlet() const;
  [[nodiscard]] Temperature room() const;
  /// Lost in the building before the servers, and drawn by its cooling.
  [[nodiscard]] Watts distribution_loss() const;
  [[nodiscard]] Watts plant_power() const;
  [[nodiscard]] const PlantState* plant_state() const;

  /// Whether heat holds the clock of a kind down.
  [[nodiscard]] bool held(std::size_t kind) const {
    return held_ > Hertz(0) || governors_[kind].limit() > Hertz(0);
  }
  void set_cap(Watts cap);
  void set_clock(Hertz clock);

 private:
  [[nodiscard]] KindPoints points() const;
  [[nodiscard]] bool liquid() const;
  void update(Seconds interval);
  bool settle_once(JobPhase phase);
  void hold_temperature(JobPhase phase);

  const OperationInputs& inputs_;
  Fleet fleet_;
  StepCache steps_;
  std::vector<Governor> governors_;  // by kind
  std::vector<double> deviations_;   // by kind
  std::unique_ptr<PlantRun> plant_;
  Watts cap_{};
  Hertz clock_{};
  Hertz held_{};  // at rest: the clock that holds the operating temperature; zero: none
};

}  // namespace orrery
