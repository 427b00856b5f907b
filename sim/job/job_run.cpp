#include "job/job_run.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "job/job_rows.hpp"

namespace orrery {
namespace {

constexpr double kRoundingShare = 1e-9;  // of an interval: what is shorter is rounding

std::optional<PlantFault> fault_of(JobEvent::What what) {
  switch (what) {
    case JobEvent::What::Chiller:
      return PlantFault::Chiller;
    case JobEvent::What::CoolantPump:
      return PlantFault::CoolantPump;
    case JobEvent::What::RoomFans:
      return PlantFault::RoomFans;
    case JobEvent::What::Fans:
    case JobEvent::What::Cap:
    case JobEvent::What::Clock:
      break;
  }
  return std::nullopt;
}

class JobRun {
 public:
  JobRun(const OperationInputs& inputs, JobEnvironment& environment, OperationReport& report)
      : inputs_(inputs),
        spec_(*inputs.spec.job),
        environment_(environment),
        report_(report),
        ledger_(environment),
        rows_(environment, report.job_series) {
    if (spec_.duration) horizon_ = *spec_.duration;
    if (spec_.steps) most_steps_ = *spec_.steps;
    if (spec_.tokens) most_steps_ = *spec_.tokens / std::max(1.0, inputs.work.tokens);
    report.job.emplace();
    check_faults();
  }

  void run() {
    const Seconds expected = min(horizon_, environment_.step().step_time * most_steps_);
    row_every_ = inputs_.spec.record.interval > Seconds(0) ? inputs_.spec.record.interval
                                                           : max(spec_.interval, expected / kRows);
    next_row_ = row_every_;
    if (spec_.cold) environment_.settle(JobPhase::Idle);
    while (report_.job->stopped.empty() && !done()) go_on();
    finish();
  }

 private:
  static constexpr double kRows = 2000;

  // Before anything runs: whether the building has what it is to lose.
  void check_faults() {
    for (const JobEvent& event : spec_.events) {
      const std::optional<PlantFault> fault = fault_of(event.what);
      if (!fault) continue;
      try {
        environment_.plant()->set_fault(*fault, true);
        environment_.plant()->set_fault(*fault, false);
      } catch (const ConfigError& problem) {
        throw ConfigError(fmt::format("{}: what: {}", event.where.text(), problem.what()));
      }
    }
  }

  [[nodiscard]] bool done() const {
    return now_ >= horizon_ * (1 - kRoundingShare) || steps_ >= most_steps_ * (1 - kRoundingShare);
  }
  [[nodiscard]] bool pausing() const { return pause_left_ > Seconds(0); }

  // Up to the next thing that happens, or an interval.
  [[nodiscard]] Seconds next_interval() {
    Seconds interval = min(spec_.interval, horizon_ - now_);
    for (const JobEvent& event : spec_.events) {
      for (const Seconds when : {event.at, event.until.value_or(event.at)}) {
        if (when > now_) interval = min(interval, when - now_);
      }
    }
    if (pausing()) return min(interval, pause_left_);
    const Seconds step = environment_.step().step_time;
    interval = min(interval, step * (most_steps_ - steps_));
    if (spec_.checkpoint.every > 0) {
      interval = min(interval, step * (spec_.checkpoint.every - since_checkpoint_));
    }
    return interval;
  }

  void go_on() {
    apply_events();
    const WeatherSeries& weather = inputs_.spec.environment.weather;
    if (now_ > weather.duration()) {
      report_.job->stopped = fmt::format("the weather of {} ends after {}", weather.where().text(),
                                         to_text(weather.duration()));
      return;
    }
    const JobPhase phase = pausing() ? JobPhase::Checkpoint : JobPhase::Training;
    const Seconds interval = next_interval();
    environment_.advance(phase, weather.at(now_), interval);
    note(phase, interval);
    now_ += interval;
    ledger_.add(environment_, phase, interval);
    if (now_ >= next_row_ * (1 - kRoundingShare)) {
      rows_.add(environment_, now_, phase, weather.at(now_));
      next_row_ += row_every_;
    }
    look_for_heat();
  }

  void note(JobPhase phase, Seconds interval) {
    JobReport& job = *report_.job;
    const StepResult& step = environment_.step();
    if (phase == JobPhase::Checkpoint) {
      pause_left_ -= interval;
      job.checkpoint += interval;
      if (pause_left_ < spec_.interval * kRoundingShare) pause_left_ = Seconds(0);
    } else {
      const double steps = interval / step.step_time;
      steps_ += steps;
      since_checkpoint_ += steps;
      double capped = 0;
      for (const RankEnergy& kind : step.kind_energy) capped = std::max(capped, kind.capped);
      job.capped += interval * capped;
      note_heat(interval);
      if (spec_.checkpoint.every > 0 &&
          since_checkpoint_ >= spec_.checkpoint.every * (1 - kRoundingShare)) {
        since_checkpoint_ = 0;
        pause_left_ = spec_.checkpoint.takes;
      }
    }
    book_energy(interval);
  }

  void note_heat(Seconds interval) {
    bool ramped = false, slowed = false;
    for (const Governor& governor : environment_.governors()) {
      ramped = ramped || governor.state() == Governor::State::Ramped;
      slowed = slowed || governor.state() == Governor::State::Slowed;
    }
    if (slowed) {
      report_.job->slowed += interval;
    } else if (ramped) {
      report_.job->throttled += interval;
    }
  }

  // What crossed the boundary of the facility, each from where it is known.
  void book_energy(Seconds interval) {
    const Fleet& fleet = environment_.fleet();
    const Joules lost = environment_.distribution_loss() * interval;
    ledger_.electricity += (fleet.servers_power() + fleet.network()) * interval + lost;
    ledger_.rejected += lost;
    for (const ServerClass& one : fleet.classes()) {
      ledger_.stored += one.exchange.stored * static_cast<double>(one.count);
    }
    if (const PlantState* plant = environment_.plant_state()) {
      ledger_.electricity += plant->electricity;
      ledger_.rejected += plant->rejected;
      ledger_.stored += plant->stored;
    } else {
      const PlantLoad load = fleet.plant_load(interval, environment_.inlet());
      ledger_.rejected += (load.air_heat + load.liquid_heat) * interval;
    }
  }

  void apply_events() {
    for (const JobEvent& event : spec_.events) {
      if (event.at <= now_ && event.at > applied_) apply(event, true);
      if (event.until && *event.until <= now_ && *event.until > applied_) apply(event, false);
    }
    applied_ = now_;
  }

  void apply(const JobEvent& event, bool begins) {
    using What = JobEvent::What;
    switch (event.what) {
      case What::Fans:
        for (ServerClass& one : environment_.fleet().classes()) {
          const bool hit = std::find(event.servers.begin(), event.servers.end(), one.first) !=
                           event.servers.end();
          if (hit) one.fans_left = begins ? event.left : 1.0;
        }
        break;
      case What::Chiller:
      case What::CoolantPump:
      case What::RoomFans:
        environment_.plant()->set_fault(*fault_of(event.what), begins);
        break;
      case What::Cap:
        environment_.set_cap(begins ? event.cap : inputs_.spec.limits.cap);
        break;
      case What::Clock:
        environment_.set_clock(begins ? event.clock : inputs_.spec.limits.clock);
        break;
    }
  }

  void look_for_heat() {
    const auto& governors = environment_.governors();
    for (std::size_t kind = 0; kind < governors.size(); ++kind) {
      const Governor::State state = governors[kind].state();
      if (state == Governor::State::Free) continue;
      JobReport& job = *report_.job;
      if (job.throttle_cause.empty()) {
        job.throttle_cause = hottest(kind, &ThermalLimits::operating, "limit");
      }
      if (state == Governor::State::ShutDown) {
        job.stopped = fmt::format("{} after {}: devices shut down{}",
                                  hottest(kind, &ThermalLimits::shutdown, "shutdown temperature"),
                                  to_text(now_), what_happened());
        return;
      }
    }
  }

  // "server0.gpu7 die at 88.1 degC, its limit 87.0 degC": what is furthest above that limit.
  [[nodiscard]] std::string hottest(std::size_t kind, Temperature ThermalLimits::* which,
                                    const char* name) const {
    const Fleet& fleet = environment_.fleet();
    const PowerModel& power = *inputs_.platform.kinds()[kind].accelerator->power();
    Kelvins most(-1e9);
    std::string text;
    for (const ServerClass& one : fleet.classes()) {
      for (std::size_t i = 0; i < one.kinds.size(); ++i) {
        if (one.kinds[i] != static_cast<int>(kind) || !one.network) continue;
        const int device = static_cast<int>(i);
        const Temperature die = one.network->die(device);
        const Temperature memory = one.network->memory(device);
        for (const auto& [part, at, limit] :
             {std::tuple{"die", die, power.die_limits().*which},
              std::tuple{"memory", memory, power.memory_limits().*which}}) {
          if (at - limit <= most) continue;
          most = at - limit;
          text = fmt::format("{} {} at {}, its {} {}", fleet.device_name(one, device), part,
                             to_text(at), name, to_text(limit));
        }
      }
    }
    return text;
  }

  // What the scenario did to the machine that is still so.
  [[nodiscard]] std::string what_happened() const {
    static constexpr const char* names[] = {
        "its fans", "the chiller", "the coolant pump", "the room's fans", "", ""};
    std::string text;
    for (const JobEvent& event : spec_.events) {
      const std::string name = names[static_cast<std::size_t>(event.what)];
      const bool lasts = event.at <= now_ && (!event.until || *event.until > now_);
      if (!lasts || name.empty()) continue;
      text +=
          fmt::format("{} {} failed at {}", text.empty() ? ";" : " and", name, to_text(event.at));
    }
    return text;
  }

  void finish() {
    JobReport& job = *report_.job;
    job.duration = now_;
    job.horizon = std::isfinite(horizon_.si()) ? horizon_ : now_;
    job.steps = steps_;
    job.tokens = steps_ * inputs_.work.tokens;
    if (steps_ > 0) job.step_time_mean = (now_ - job.checkpoint) / steps_;
    job.evaluations = environment_.step_cache().evaluations();
    if (now_ <= Seconds(0)) return;
    ledger_.fill(environment_, report_);
    EnergyReport& energy = report_.energy;
    energy.total = ledger_.electricity;
    energy.rejected = ledger_.rejected;
    energy.stored = ledger_.stored;
    energy.balance_error = (energy.total - energy.rejected - energy.stored) / energy.total;
    energy.step = steps_ > 0 ? energy.total / steps_ : Joules(0);
    energy.token = job.tokens > 0 ? energy.total / job.tokens : Joules(0);
  }

  const OperationInputs& inputs_;
  const JobSpec& spec_;
  JobEnvironment& environment_;
  OperationReport& report_;
  Ledger ledger_;
  JobRows rows_;
  Seconds horizon_{std::numeric_limits<double>::infinity()};
  double most_steps_ = std::numeric_limits<double>::infinity();
  Seconds now_{}, applied_{-1}, pause_left_{}, next_row_{}, row_every_{1};
  double steps_ = 0, since_checkpoint_ = 0;
};

}  // namespace

void run_job(const OperationInputs& inputs, JobEnvironment& environment, OperationReport& report) {
  JobRun(inputs, environment, report).run();
}

}  // namespace orrery
