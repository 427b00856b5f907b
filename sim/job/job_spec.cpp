#include "job/job_spec.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery {
namespace {

Environment read_environment(Reader reader, const Registry& registry, bool stated) {
  Environment environment;
  environment.stated = stated;
  environment.inlet = reader.temperature("inlet", environment.inlet);
  if (reader.has("facility")) {
    if (reader.has("inlet")) {
      reader.error("inlet", "inlet: a facility sets it; expected one of 'inlet' and 'facility'");
    }
    Reader facility = reader.child("facility");
    environment.plant = registry.plants.make(facility, "model");
  }
  if (reader.has("weather")) environment.weather = WeatherSeries::read(reader.child("weather"));
  reader.ignore("source");
  reader.ignore("notes");
  reader.finish();
  return environment;
}

JobEvent read_event(Reader& reader) {
  using What = JobEvent::What;
  JobEvent event;
  event.where = reader.where();
  event.at = reader.quantity<Seconds>("at", Seconds(0));
  if (reader.has("until")) {
    event.until = reader.quantity<Seconds>("until");
    if (*event.until <= event.at) {
      reader.error("until", fmt::format("until: expected after {}; got {}", to_text(event.at),
                                        to_text(*event.until)));
    }
  }
  // The first one stands in for what is misspelt: it reads no further key.
  event.what = reader.choice<What>("what", {{"chiller", What::Chiller},
                                            {"fans", What::Fans},
                                            {"coolant_pump", What::CoolantPump},
                                            {"room_fans", What::RoomFans},
                                            {"cap", What::Cap},
                                            {"clock", What::Clock}});
  if (event.what == What::Fans) {
    for (const std::int64_t server : reader.integers("servers")) {
      event.servers.push_back(static_cast<int>(server));
    }
    event.left = reader.ratio_or("left", 0.0, 0.0, 1.0);
  }
  if (event.what == What::Cap) event.cap = reader.positive<Watts>("cap");
  if (event.what == What::Clock) event.clock = reader.positive<Hertz>("clock");
  // What a misspelt `what` would read is not known.
  const Node what = reader.raw("what");
  if (event.what == What::Chiller && what.text() != "chiller") {
    for (const char* key : {"servers", "left", "cap", "clock"}) reader.ignore(key);
  }
  reader.ignore("notes");
  reader.finish();
  return event;
}

CheckpointSpec read_checkpoint(Reader reader) {
  CheckpointSpec checkpoint;
  checkpoint.every = static_cast<double>(reader.integer("every"));
  checkpoint.takes = reader.positive<Seconds>("takes");
  reader.ignore("source");
  reader.finish();
  return checkpoint;
}

void read_horizon(Reader& reader, JobSpec& job) {
  int given = 0;
  if (reader.has("duration")) job.duration = reader.positive<Seconds>("duration"), ++given;
  if (reader.has("steps")) job.steps = static_cast<double>(reader.integer("steps")), ++given;
  if (reader.has("tokens")) job.tokens = static_cast<double>(reader.integer("tokens")), ++given;
  for (const char* key : {"duration", "steps", "tokens"}) reader.ignore(key);
  if (given == 1) return;
  reader.diagnostics().error(
      reader.where(), fmt::format("{}: expected one of 'duration', 'steps' and 'tokens'; got {}",
                                  reader.name(), given == 0 ? "none" : "several"));
}

JobSpec read_job(Reader reader) {
  JobSpec job;
  read_horizon(reader, job);
  if (reader.has("interval")) job.interval = reader.positive<Seconds>("interval");
  job.cold = reader.choice<bool>("start", {{"cold", true}, {"settled", false}}, true);
  if (reader.has("checkpoint")) job.checkpoint = read_checkpoint(reader.child("checkpoint"));
  for (Reader& event : reader.children("events", false)) job.events.push_back(read_event(event));
  std::stable_sort(job.events.begin(), job.events.end(),
                   [](const JobEvent& a, const JobEvent& b) { return a.at < b.at; });
  reader.ignore("source");
  reader.ignore("notes");
  reader.finish();
  return job;
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

OperationSpec read_operation(const OperationNodes& nodes, const Registry& registry,
                             Diagnostics& diagnostics) {
  OperationSpec spec;
  if (nodes.environment.kind() != Node::Kind::Null) {
    spec.environment =
        read_environment(Reader(nodes.environment, "environment", diagnostics), registry, true);
  }
  if (nodes.job.kind() != Node::Kind::Null) {
    spec.job = read_job(Reader(nodes.job, "job", diagnostics));
  }
  if (nodes.record.kind() != Node::Kind::Null) {
    Reader record(nodes.record, "record", diagnostics);
    if (record.has("interval")) spec.record.interval = record.positive<Seconds>("interval");
    spec.record.step = record.boolean_or("step", false);
    record.finish();
  }
  return spec;
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
