// Sections Power, Temperature and Job of a summary.
#include <algorithm>

#include "report/summary_text.hpp"

namespace orrery {
namespace {

constexpr double kJoulesPerKilowattHour = 3.6e6;

std::string kilowatt_hours(Joules energy) {
  const double kwh = energy.si() / kJoulesPerKilowattHour;
  if (kwh >= 1e4) return fmt::format("{} MWh", grouped(kwh / 1e3));
  return fmt::format("{:.4g} kWh", kwh);
}

std::string duration(Seconds time) {
  return time.si() >= 120 || time.si() == 0 ? to_text(time) : fmt::format("{:.4g} s", time.si());
}

void add_devices(const PowerReport& p, SummaryText& text) {
  text.line("  a device      {} mean, {} peak", to_text(p.device_mean), to_text(p.device_peak));
  if (p.idle_devices > 0) {
    text.line("  left idle     {} device{} of the servers, {} each", p.idle_devices,
              p.idle_devices == 1 ? "" : "s", to_text(p.idle_mean));
  }
}

void add_shares(const PowerReport& p, SummaryText& text) {
  const double servers = p.servers;
  const Watts all = p.pue > 0 ? p.facility_mean : p.it_mean;
  const auto item = [&](const char* name, Watts power) {
    if (power <= Watts(0)) return;
    text.line("  {:<22}{} {:>5.1f} %  {}", name, text.bar(power / all), power / all * 100,
              to_text(power));
  };
  item("accelerators", p.devices * servers);
  item("rest of the servers", p.others * servers);
  item("server fans", p.fans * servers);
  item("power supplies", p.supply_loss * servers);
  item("network", p.network);
  item("distribution", p.distribution_loss);
  item("cooling plant", p.plant);
  text.line("  {} server{}: {} each{}; IT {}", p.servers, p.servers == 1 ? "" : "s",
            to_text(p.server_mean), p.servers == 1 ? "" : " on average", to_text(p.it_mean));
  if (p.pue > 0) {
    text.line("  facility      {}, PUE {:.3f}", to_text(p.facility_mean), p.pue);
  }
}

// Whose energy a report has.
std::string owner_of(const PowerReport& power, int devices) {
  if (power.machine) return power.pue > 0 ? "the facility" : "all IT";
  return devices == 1 ? "the device" : fmt::format("all {} devices", devices);
}

void add_power(const OperationReport& report, int devices, SummaryText& text) {
  text.section("Power");
  add_devices(report.power, text);
  if (report.power.machine) add_shares(report.power, text);
  const EnergyReport& e = report.energy;
  text.line("  energy        {} a step{} ({})", to_text(e.step),
            e.token > Joules(0)
                ? fmt::format(", {} a million tokens", kilowatt_hours(e.token * 1e6))
                : "",
            owner_of(report.power, devices));
}

void add_device(const char* what, const DeviceThermal& d, SummaryText& text) {
  text.line("  {:<9} {:<16} die {:.1f} (max {:.1f}), HBM max {:.1f} degC, {}, {}", what, d.name,
            d.mean.celsius(), d.highest.celsius(), d.memory_highest.celsius(), to_text(d.power),
            d.clock_mean > Hertz(0) ? to_text(d.clock_mean) : "idle");
  if (d.throttled_fraction > 0) {
    text.line("  {:<26} {}clock held down by heat {:.1f} % of the time{}", "", text.style(kRed),
              d.throttled_fraction * 100, text.style(kReset));
  }
}

void add_temperature(const ThermalReport& t, SummaryText& text) {
  text.section("Temperature");
  const auto [coolest, hottest] = std::minmax_element(
      t.devices.begin(), t.devices.end(),
      [](const DeviceThermal& a, const DeviceThermal& b) { return a.highest < b.highest; });
  if (coolest == t.devices.end()) return;
  if (coolest->highest == hottest->highest) {
    add_device("devices", *hottest, text);
  } else {
    add_device("coolest", *coolest, text);
    add_device("hottest", *hottest, text);
  }
  text.line("  clocks        held by the power cap {:.0f} % of the time",
            hottest->capped_fraction * 100);
  if (t.liquid) {
    text.line("  coolant       {} in, {} out; air {} in, {} out", to_text(t.inlet),
              to_text(t.outlet), to_text(t.room), to_text(t.exhaust));
  } else {
    text.line("  air           {} in, {} out; fans at {:.0f} %", to_text(t.inlet),
              to_text(t.outlet), t.fan_speed * 100);
  }
  text.line("  lifetime      {:.2f} of that at 65 degC (Arrhenius, relative wear-out)",
            t.lifetime_factor);
}

void add_job(const OperationReport& report, SummaryText& text) {
  const JobReport& j = *report.job;
  text.section("Job");
  text.line("  {} of {}: {:.6g} steps{}, {} a step", duration(j.duration), duration(j.horizon),
            j.steps, j.tokens > 0 ? fmt::format(", {} tokens", grouped(j.tokens)) : "",
            to_text(j.step_time_mean));
  if (j.checkpoint > Seconds(0)) text.line("  checkpoints   {}", duration(j.checkpoint));
  text.line("  clocks held   {} by the power cap, {} by heat{}", duration(j.capped),
            duration(j.throttled + j.slowed),
            j.slowed > Seconds(0) ? fmt::format(" ({} of it halved)", duration(j.slowed)) : "");
  if (!j.throttle_cause.empty()) {
    text.line("  {}throttled{}     first: {}", text.style(kRed), text.style(kReset),
              j.throttle_cause);
  }
  text.line("  energy        {}", kilowatt_hours(report.energy.total));
  if (!j.stopped.empty()) {
    text.line("  {}stopped{}       {}", text.style(kRed), text.style(kReset), j.stopped);
  }
}

}  // namespace

void add_operation(const Report& report, SummaryText& text) {
  const OperationReport& operation = *report.operation;
  add_power(operation, report.devices, text);
  if (operation.thermal) add_temperature(*operation.thermal, text);
  if (operation.job) add_job(operation, text);
}

}  // namespace orrery
