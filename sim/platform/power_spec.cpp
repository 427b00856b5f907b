#include "platform/power_spec.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "platform/platform_spec.hpp"

namespace orrery {
namespace {

using Driver = PartPower::Driver;
using Point = ConversionCurve::Point;

// Training leaves most cores of its host alone: data loading, launches, and threads that poll.
constexpr double kHostActivity = 0.3;
constexpr double kLeast = 0.001;  // of a load or an efficiency
constexpr double kMostLoad = 10;  // supplies that run over their rating for a moment

void add_part(ServerPower& power, const char* name, int count, const std::optional<DrawSpec>& draw,
              Driver driver) {
  if (count == 0) return;
  if (!draw) {
    power.missing.emplace_back(name);
    return;
  }
  power.parts.push_back(
      {.name = name, .count = count, .idle = draw->idle, .busy = draw->busy, .driver = driver});
}

void read_board(Reader& server, ServerPower& power) {
  std::optional<DrawSpec> draw;
  if (server.has("board")) {
    const auto watts = server.quantity<Watts>("board");
    draw = {.idle = watts, .busy = watts};
  }
  server.ignore("board");
  add_part(power, "board", 1, draw, Driver::Constant);
}

// What is wrong with `point` after `before`; reported at its key.
bool follows(Reader& reader, const Point& before, const Point& point) {
  if (point.load <= before.load) {
    reader.error("load", fmt::format("load: expected more than the {} of the point before; got {}",
                                     before.load, point.load));
    return false;
  }
  if (point.load / point.efficiency > before.load / before.efficiency) return true;
  reader.error(
      "efficiency",
      fmt::format("efficiency: {} at load {} takes no more input than {} at load {}; expected less",
                  point.efficiency, point.load, before.efficiency, before.load));
  return false;
}

ConversionCurve read_curve(Reader& supplies) {
  std::vector<Point> points;
  bool right = true;
  for (Reader& reader : supplies.children("curve")) {
    Point point;
    point.load = reader.ratio("load", kLeast, kMostLoad);
    point.efficiency = reader.ratio("efficiency", kLeast, 1);
    reader.finish();
    const bool legal = point.load >= kLeast && point.efficiency >= kLeast && point.efficiency <= 1;
    right = right && legal && (points.empty() || follows(reader, points.back(), point));
    points.push_back(point);
  }
  if (points.empty() && supplies.has("curve")) {
    supplies.error("curve",
                   "curve: expected points such as {load: 0.5, efficiency: 0.96}; got none");
  }
  return right && !points.empty() ? ConversionCurve(points) : ConversionCurve();
}

PowerSupplies read_supplies(Reader reader) {
  PowerSupplies supplies;
  supplies.count = read_count(reader, "count");
  supplies.redundant = read_count(reader, "redundant", 0, 0);
  if (supplies.redundant >= supplies.count) {
    reader.error("redundant",
                 fmt::format("redundant: expected fewer than the {} supplies of the server; got {}",
                             supplies.count, supplies.redundant));
    supplies.redundant = 0;
  }
  supplies.rating = reader.positive<Watts>("rating");
  supplies.curve = read_curve(reader);
  reader.text_or("name", "");
  ignore_prose(reader);
  reader.finish();
  return supplies;
}

}  // namespace

std::optional<DrawSpec> read_draw(Reader& part) {
  if (!part.has("power")) {
    part.ignore("power");
    return std::nullopt;
  }
  Reader reader = part.child("power");
  DrawSpec draw;
  draw.idle = reader.quantity<Watts>("idle");
  draw.busy = reader.quantity<Watts>("busy");
  if (draw.busy < draw.idle && reader.has("busy")) {
    reader.error("busy", fmt::format("busy: expected at least the {} at rest; got {}",
                                     to_text(draw.idle), to_text(draw.busy)));
  }
  ignore_prose(reader);
  reader.finish();
  return draw;
}

ServerPower read_server_power(Reader& server, const ServerSpec& spec) {
  ServerPower power;
  power.host_activity = server.ratio_or("host_activity", kHostActivity, 0, 1);
  add_part(power, "cpu", spec.sockets, spec.cpu_power, Driver::Host);
  add_part(power, "memory", spec.memory.count, spec.memory.power, Driver::Host);
  add_part(power, "storage", spec.storage.count, spec.storage.power, Driver::Host);
  add_part(power, "scale_up", spec.scale_up.switches, spec.switch_power, Driver::ScaleUp);
  add_part(power, "nic", spec.nics, spec.nic_power, Driver::Nic);
  read_board(server, power);
  power.known = server.has("supplies");
  if (power.known) power.supplies = read_supplies(server.child("supplies"));
  server.ignore("supplies");
  return power;
}

}  // namespace orrery
