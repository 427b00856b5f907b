#include "job/job_rows.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace orrery {

JobRows::JobRows(const JobEnvironment& environment, TimeSeries& series) : series_(series) {
  series_.columns = {"time_s",        "training",  "step_time_s", "facility_power_w", "it_power_w",
                     "plant_power_w", "outdoor_c", "room_c",      "device_inlet_c"};
  for (const ServerClass& one : environment.fleet().classes()) {
    for (const char* what : {"power_w", "devices_w", "fans_w", "die_max_c", "memory_max_c",
                             "clock_hz", "fan_speed_ratio"}) {
      series_.columns.push_back(fmt::format("server{}_{}", one.first, what));
    }
  }
}

void JobRows::add(JobEnvironment& environment, Seconds now, JobPhase phase,
                  const Weather& weather) {
  const Fleet& fleet = environment.fleet();
  const StepResult& step = environment.step();
  const Watts it = fleet.servers_power() + fleet.network();
  const Watts facility = it + environment.distribution_loss() + environment.plant_power();
  const bool trains = phase == JobPhase::Training;
  std::vector<double> row = {now.si(),
                             trains ? 1.0 : 0.0,
                             trains ? step.step_time.si() : 0.0,
                             facility.si(),
                             it.si(),
                             environment.plant_power().si(),
                             weather.dry_bulb.celsius(),
                             environment.room().celsius(),
                             environment.inlet().celsius()};
  for (const ServerClass& one : fleet.classes()) {
    Hertz clock{};
    for (const int kind : one.kinds) {
      if (kind >= 0 && trains) clock = step.kind_energy[static_cast<std::size_t>(kind)].clock;
    }
    const Temperature die = one.network ? one.network->hottest_die() : OperatingPoint{}.temperature;
    const Temperature memory =
        one.network ? one.network->hottest_memory() : OperatingPoint{}.temperature;
    for (const double value : {one.wall.si(), one.devices.si(), one.fans.si(), die.celsius(),
                               memory.celsius(), clock.si(), one.speed}) {
      row.push_back(value);
    }
  }
  series_.rows.push_back(std::move(row));
}

namespace {

// "stage 0, rank 1" as "stage_0_rank_1": a comma would be a column.
std::string column_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (plain) name += c;
    if (!plain && !name.empty() && name.back() != '_') name += '_';
  }
  return name;
}

}  // namespace

TimeSeries step_rows(const StepResult& step, const std::vector<std::string>& rank_names) {
  TimeSeries series;
  if (step.power.empty()) return series;
  series.columns = {"time_s"};
  std::vector<Seconds> times;
  for (std::size_t rank = 0; rank < step.power.size(); ++rank) {
    series.columns.push_back(column_name(rank_names[rank]) + "_power_w");
    for (const PowerStep& change : step.power[rank]) times.push_back(change.time);
  }
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  std::vector<std::size_t> at(step.power.size());
  for (const Seconds time : times) {
    std::vector<double> row = {time.si()};
    for (std::size_t rank = 0; rank < step.power.size(); ++rank) {
      const PowerTrace& trace = step.power[rank];
      while (at[rank] + 1 < trace.size() && trace[at[rank] + 1].time <= time) ++at[rank];
      row.push_back(trace[at[rank]].power.si());
    }
    series.rows.push_back(std::move(row));
  }
  return series;
}

}  // namespace orrery
