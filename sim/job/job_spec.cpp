#include "job/job_spec.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery {
namespace {

using namespace schema;

// Keys of `environment`; who knows the models makes the building.
struct Surroundings {
  Temperature inlet = Environment{}.inlet;
  Node facility;
  WeatherSeries weather;
};

const Schema<Surroundings>& environment_schema() {
  using S = Surroundings;
  static const Schema<S> result(
      "environment",
      {optional("inlet", &S::inlet, "of air and coolant, whatever the load; not with `facility`"),
       entry("plant.air, plant.liquid or plant.constant",
             optional("facility", &S::facility, "a building; without one there is no PUE")),
       custom<S>(
           {.key = "weather",
            .kind = Field::Kind::Map,
            .required = false,
            .doc = "outdoors; constant, or hourly from a table"},
           [](Reader& reader, S& spec) {
             if (reader.has("weather")) {
               spec.weather = WeatherSeries::read(reader.child("weather"));
             }
           },
           &WeatherSeries::table)});
  return result;
}

Environment read_environment(Reader reader, const Models<Plant>& plants) {
  Environment environment;
  environment.stated = true;
  const Surroundings spec = environment_schema().read(reader);
  environment.inlet = spec.inlet;
  environment.weather = spec.weather;
  if (!reader.has("facility")) return environment;
  if (reader.has("inlet")) {
    reader.error("inlet", "inlet: a facility sets it; expected one of 'inlet' and 'facility'");
  }
  Reader facility = reader.child("facility");
  environment.plant = plants.make(facility, "model");
  return environment;
}

void check_event(Reader& reader, JobEvent& event) {
  using What = JobEvent::What;
  event.where = reader.where();
  if (event.until && *event.until <= event.at) {
    reader.error("until", fmt::format("until: expected after {}; got {}", to_text(event.at),
                                      to_text(*event.until)));
  }
  // What a misspelt `what` would read is not known; the first choice stands in for it.
  if (event.what != What::Chiller || reader.raw("what").text() == "chiller") return;
  for (const char* key : {"servers", "left", "cap", "clock"}) reader.ignore(key);
}

const Schema<JobEvent>& event_schema() {
  using E = JobEvent;
  using What = E::What;
  const auto of = [](const char* words, What what, Binding<E> field) {
    return when<E>(words, [what](const E& event) { return event.what == what; }, field);
  };
  static const Schema<E> result(
      "event",
      {optional("at", &E::at, "since the start of the job"),
       otherwise("for good", optional("until", &E::until, "later than `at`")),
       required("what", &E::what,
                Choices<What>{{"chiller", What::Chiller},
                              {"fans", What::Fans},
                              {"coolant_pump", What::CoolantPump},
                              {"room_fans", What::RoomFans},
                              {"cap", What::Cap},
                              {"clock", What::Clock}},
                "the first four are lost, of servers or of the facility; the others are set"),
       of("what: fans", What::Fans,
          required("servers", &E::servers, whole(0), "whose fans, counted from 0")),
       of("what: fans", What::Fans, optional("left", &E::left, between(0.0, 1.0), "of their flow")),
       of("what: cap", What::Cap, required("cap", &E::cap, positive, "of every device")),
       of("what: clock", What::Clock,
          required("clock", &E::clock, positive, "that no device goes above"))},
      check_event);
  return result;
}

const Schema<CheckpointSpec>& checkpoint_schema() {
  using C = CheckpointSpec;
  static const Schema<C> result(
      "checkpoint",
      {required("every", &C::every, whole(1, kMostExact), "steps from one to the next"),
       required("takes", &C::takes, positive, "all devices wait so long")});
  return result;
}

void complete_job(Reader& reader, JobSpec& job) {
  std::stable_sort(job.events.begin(), job.events.end(),
                   [](const JobEvent& a, const JobEvent& b) { return a.at < b.at; });
  const int given = reader.has("duration") + reader.has("steps") + reader.has("tokens");
  if (given == 1) return;
  reader.diagnostics().error(
      reader.where(), fmt::format("{}: expected one of 'duration', 'steps' and 'tokens'; got {}",
                                  reader.name(), given == 0 ? "none" : "several"));
}

const Schema<JobSpec>& job_schema() {
  using J = JobSpec;
  static const Schema<J> result(
      "job",
      {optional("duration", &J::duration, positive, "how long; one of it and the next two"),
       optional("steps", &J::steps, whole(1, kMostExact), "likewise"),
       optional("tokens", &J::tokens, whole(1, kMostExact), "likewise"),
       optional("interval", &J::interval, positive,
                "of control, and at which servers and building exchange heat"),
       optional("start", &J::cold, Choices<bool>{{"cold", true}, {"settled", false}},
                "from idle machines, or from the steady state"),
       optional("checkpoint", &J::checkpoint, &checkpoint_schema(), "pauses of training"),
       optional("events", &J::events, &event_schema(), "what happens")},
      complete_job);
  return result;
}

const Schema<RecordSpec>& record_schema() {
  using R = RecordSpec;
  static const Schema<R> result(
      "record",
      {otherwise("some 2,000 rows",
                 optional("interval", &R::interval, positive, "between rows of job.csv")),
       optional("step", &R::step, "keep the power within the step (step.csv); `--csv` sets it")});
  return result;
}

void check_cap(const PowerModel& power, Watts cap, const Location& where) {
  if (cap <= Watts(0) || (cap >= power.lowest_cap() && cap <= power.limit())) return;
  throw ConfigError(fmt::format("{}: cap: the device takes caps from {} to {}; got {}",
                                where.text(), to_text(power.lowest_cap()), to_text(power.limit()),
                                to_text(cap)));
}

void check_clock(const PowerModel& power, Hertz clock, const Location& where) {
  if (clock <= Hertz(0) || (clock >= power.lowest_clock() && clock <= power.highest_clock())) {
    return;
  }
  throw ConfigError(fmt::format("{}: clock: the device takes clocks from {} to {}; got {}",
                                where.text(), to_text(power.lowest_clock()),
                                to_text(power.highest_clock()), to_text(clock)));
}

}  // namespace

OperationSpec read_operation(const OperationNodes& nodes, const Models<Plant>& plants,
                             Diagnostics& diagnostics) {
  OperationSpec spec;
  if (nodes.environment.kind() != Node::Kind::Null) {
    spec.environment =
        read_environment(Reader(nodes.environment, "environment", diagnostics), plants);
  }
  if (nodes.job.kind() != Node::Kind::Null) {
    spec.job = job_schema().read(Reader(nodes.job, "job", diagnostics));
  }
  if (nodes.record.kind() != Node::Kind::Null) {
    spec.record = record_schema().read(Reader(nodes.record, "record", diagnostics));
  }
  return spec;
}

std::vector<Table> operation_tables() {
  return {environment_schema().table(), job_schema().table(), record_schema().table()};
}

std::vector<int> servers_apart(const OperationSpec& spec) {
  std::set<int> servers;
  if (spec.job) {
    for (const JobEvent& event : spec.job->events) {
      servers.insert(event.servers.begin(), event.servers.end());
    }
  }
  return {servers.begin(), servers.end()};
}

void check_operation(const OperationSpec& spec, const Accelerator& accelerator, int servers) {
  const PowerModel* power = accelerator.power();
  if (power != nullptr) {
    check_cap(*power, spec.limits.cap, spec.limits.cap_at);
    check_clock(*power, spec.limits.clock, spec.limits.clock_at);
  }
  if (!spec.job) return;
  const WeatherSeries& weather = spec.environment.weather;
  if (spec.job->duration && *spec.job->duration > weather.duration()) {
    throw ConfigError(fmt::format("{}: the weather ends after {}; expected as long as the job, {}",
                                  weather.where().text(), to_text(weather.duration()),
                                  to_text(*spec.job->duration)));
  }
  for (const JobEvent& event : spec.job->events) {
    if (power != nullptr) {
      check_cap(*power, event.cap, event.where);
      check_clock(*power, event.clock, event.where);
    }
    for (const int server : event.servers) {
      if (server < servers) continue;
      throw ConfigError(fmt::format("{}: servers: the job runs on servers 0 to {}; got {}",
                                    event.where.text(), servers - 1, server));
    }
    using What = JobEvent::What;
    const bool plant = event.what == What::Chiller || event.what == What::CoolantPump ||
                       event.what == What::RoomFans;
    if (plant && spec.environment.plant == nullptr) {
      throw ConfigError(
          fmt::format("{}: what: there is no building to lose a part of; expected "
                      "environment.facility",
                      event.where.text()));
    }
  }
}

}  // namespace orrery
