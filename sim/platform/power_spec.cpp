#include "platform/power_spec.hpp"

#include <fmt/format.h>

#include "platform/platform_spec.hpp"
#include "platform/server_keys.hpp"

namespace orrery {
namespace {

using Driver = PartPower::Driver;
using Point = ConversionCurve::Point;

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

// A curve that was read with mistakes is not.
bool legal(const std::vector<Point>& curve) {
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const Point &before = curve[i - 1], &point = curve[i];
    if (point.load <= before.load) return false;
    if (point.load / point.efficiency <= before.load / before.efficiency) return false;
  }
  return !curve.empty();
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

void check_supplies(Reader& reader, const SuppliesKeys& supplies) {
  if (supplies.redundant >= supplies.count) {
    reader.error("redundant",
                 fmt::format("redundant: expected fewer than the {} supplies of the server; got {}",
                             supplies.count, supplies.redundant));
  }
  if (supplies.curve.empty() && reader.has("curve")) {
    reader.error("curve", "curve: expected points such as {load: 0.5, efficiency: 0.96}; got none");
  }
  if (!reader.diagnostics().empty()) return;
  std::vector<Reader> points = reader.children("curve");
  for (std::size_t i = 1; i < points.size(); ++i) {
    if (!follows(points[i], supplies.curve[i - 1], supplies.curve[i])) return;
  }
}

const Schema<Point>& point_schema() {
  using namespace schema;
  static const Schema<Point> result(
      "point", {required("load", &Point::load, schema::between(kLeast, kMostLoad),
                         "output of one by its `rating`; rises from point to point"),
                required("efficiency", &Point::efficiency, schema::between(kLeast, 1),
                         "output by input; more output takes more input")});
  return result;
}

const Schema<SuppliesKeys>& supplies_schema() {
  using namespace schema;
  using S = SuppliesKeys;
  static const Schema<S> result(
      "supplies",
      {label<S>(),
       required("count", &S::count, parts(1), "of a server; they share its load evenly"),
       optional("redundant", &S::redundant, parts(0),
                "that may fail without the server going down"),
       required("rating", &S::rating, positive, "output of one"),
       required("curve", &S::curve, &point_schema(),
                "linear between points, held beyond the last; below the first the loss in watts "
                "stays what it is there")},
      check_supplies);
  return result;
}

}  // namespace

const Schema<DrawSpec>& draw_schema() {
  using namespace schema;
  using D = DrawSpec;
  static const Schema<D> result(
      "power",
      {required("idle", &D::idle, "at rest"),
       required("busy", &D::busy, "at full activity, at least `idle`; linear in between")},
      [](Reader& reader, const D& draw) {
        if (draw.busy >= draw.idle || !reader.has("busy")) return;
        reader.error("busy", fmt::format("busy: expected at least the {} at rest; got {}",
                                         to_text(draw.idle), to_text(draw.busy)));
      });
  return result;
}

std::vector<Binding<PowerKeys>> power_fields() {
  using namespace schema;
  using P = PowerKeys;
  return {optional("board", &P::board,
                   "of all other parts: PCIe switches, management, regulators; constant, no fans"),
          entry("supplies", optional("supplies", &P::supplies, &supplies_schema(),
                                     "power supplies; without them the server's power is not "
                                     "known")),
          optional("host_activity", &P::host_activity, schema::between(0, 1),
                   "how busy training keeps CPUs, memory and drives (estimate)")};
}

ServerPower server_power(const PowerKeys& keys, const ServerSpec& spec) {
  ServerPower power;
  power.host_activity = keys.host_activity;
  add_part(power, "cpu", spec.sockets, spec.cpu_power, Driver::Host);
  add_part(power, "memory", spec.memory.count, spec.memory.power, Driver::Host);
  add_part(power, "storage", spec.storage.count, spec.storage.power, Driver::Host);
  add_part(power, "scale_up", spec.scale_up.switches, spec.switch_power, Driver::ScaleUp);
  add_part(power, "nic", spec.nics, spec.nic_power, Driver::Nic);
  std::optional<DrawSpec> board;
  if (keys.board) board = {.idle = *keys.board, .busy = *keys.board};
  add_part(power, "board", 1, board, Driver::Constant);
  power.known = keys.supplies.has_value();
  if (!power.known) return power;
  const SuppliesKeys& supplies = *keys.supplies;
  power.supplies.count = supplies.count;
  power.supplies.redundant = supplies.redundant;
  power.supplies.rating = supplies.rating;
  if (legal(supplies.curve)) power.supplies.curve = ConversionCurve(supplies.curve);
  return power;
}

}  // namespace orrery
