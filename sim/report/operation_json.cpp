// Power, energy, temperatures and job of a report as JSON; json.cpp calls it.
#include <nlohmann/json.hpp>

#include <orrery/operation_report.hpp>

namespace orrery {
namespace {

using Json = nlohmann::ordered_json;

Json power_json(const PowerReport& p) {
  Json json = {{"device_mean_w", p.device_mean.si()}, {"device_peak_w", p.device_peak.si()}};
  if (p.idle_devices > 0) {
    json["idle_devices"] = p.idle_devices;
    json["idle_device_mean_w"] = p.idle_mean.si();
  }
  if (!p.machine) return json;
  json["servers"] = p.servers;
  json["server_mean_w"] = p.server_mean.si();
  json["server_peak_w"] = p.server_peak.si();
  json["server_devices_w"] = p.devices.si();
  json["server_others_w"] = p.others.si();
  json["server_fans_w"] = p.fans.si();
  json["server_supply_loss_w"] = p.supply_loss.si();
  json["network_w"] = p.network.si();
  json["it_mean_w"] = p.it_mean.si();
  if (p.pue <= 0) return json;
  json["distribution_loss_w"] = p.distribution_loss.si();
  json["plant_w"] = p.plant.si();
  json["facility_mean_w"] = p.facility_mean.si();
  json["pue"] = p.pue;
  return json;
}

Json energy_json(const EnergyReport& e, bool job) {
  Json phases = Json::object();
  for (int i = 0; i < kTileCount; ++i) {
    phases[to_text(static_cast<Tile>(i))] =
        e.device_step_by_phase[static_cast<std::size_t>(i)].si();
  }
  const BoardEnergy& board = e.device_step;
  Json json = {{"step_j", e.step.si()},
               {"token_j", e.token.si()},
               {"device_step_j",
                {{"total", board.total().si()},
                 {"fixed", board.fixed.si()},
                 {"leakage", board.leakage.si()},
                 {"clock", board.clock.si()},
                 {"compute", board.compute.si()},
                 {"memory", board.memory.si()},
                 {"link", board.link.si()}}},
               {"device_step_by_phase_j", phases}};
  if (!job) return json;
  json["total_j"] = e.total.si();
  json["rejected_j"] = e.rejected.si();
  json["stored_j"] = e.stored.si();
  json["balance_error"] = e.balance_error;
  return json;
}

Json thermal_json(const ThermalReport& t) {
  Json devices = Json::array();
  Temperature hottest;
  for (const DeviceThermal& d : t.devices) {
    hottest = max(hottest, d.highest);
    devices.push_back({{"name", d.name},
                       {"count", d.count},
                       {"mean_c", d.mean.celsius()},
                       {"max_c", d.highest.celsius()},
                       {"memory_max_c", d.memory_highest.celsius()},
                       {"power_w", d.power.si()},
                       {"clock_mean_hz", d.clock_mean.si()},
                       {"throttled_fraction", d.throttled_fraction},
                       {"capped_fraction", d.capped_fraction}});
  }
  return {{"hottest_c", hottest.celsius()},
          {"medium", t.liquid ? "liquid" : "air"},
          {"inlet_c", t.inlet.celsius()},
          {t.liquid ? "coolant_return_c" : "outlet_c", t.outlet.celsius()},
          {"room_c", t.room.celsius()},
          {"exhaust_c", t.exhaust.celsius()},
          {"fan_speed", t.fan_speed},
          {"lifetime_factor", t.lifetime_factor},
          {"devices", devices}};
}

Json job_json(const JobReport& j) {
  return {{"horizon_s", j.horizon.si()},
          {"duration_s", j.duration.si()},
          {"steps", j.steps},
          {"tokens", j.tokens},
          {"step_time_mean_s", j.step_time_mean.si()},
          {"checkpoint_s", j.checkpoint.si()},
          {"capped_s", j.capped.si()},
          {"throttled_s", j.throttled.si()},
          {"slowed_s", j.slowed.si()},
          {"throttle_cause", j.throttle_cause},
          {"stopped", j.stopped},
          {"evaluations", j.evaluations}};
}

}  // namespace

void add_operation(const OperationReport& report, Json& json) {
  json["power"] = power_json(report.power);
  json["energy"] = energy_json(report.energy, report.job.has_value());
  if (report.thermal) json["thermal"] = thermal_json(*report.thermal);
  if (report.job) json["job"] = job_json(*report.job);
}

}  // namespace orrery
