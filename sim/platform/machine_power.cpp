#include <orrery/machine_power.hpp>

#include <algorithm>
#include <limits>
#include <numeric>

#include <orrery/error.hpp>

namespace orrery {
namespace {

double activity_of(PartPower::Driver driver, const MachineActivity& activity) {
  switch (driver) {
    case PartPower::Driver::Constant:
      return 0;
    case PartPower::Driver::Host:
      return activity.host;
    case PartPower::Driver::ScaleUp:
      return activity.scale_up;
    case PartPower::Driver::Nic:
      return activity.nic;
  }
  return 0;
}

Watts between(Watts idle, Watts busy, double activity) {
  return idle + (busy - idle) * std::clamp(activity, 0.0, 1.0);
}

}  // namespace

Watts PartPower::at(const MachineActivity& activity) const {
  return between(idle, busy, activity_of(driver, activity)) * static_cast<double>(count);
}

ConversionCurve::ConversionCurve(std::vector<Point> points) : points_(std::move(points)) {
  for (std::size_t i = 0; i < points_.size(); ++i) {
    const Point& point = points_[i];
    ORRERY_CHECK(point.load > 0 && point.efficiency > 0 && point.efficiency <= 1);
    ORRERY_CHECK(i == 0 ||
                 (points_[i - 1].load < point.load &&
                  points_[i - 1].load / points_[i - 1].efficiency < point.load / point.efficiency));
  }
}

double ConversionCurve::input(double load) const {
  if (points_.empty()) return load;
  const Point& first = points_.front();
  if (load <= first.load) return load + first.load * (1 / first.efficiency - 1);
  return load / efficiency(load);
}

double ConversionCurve::efficiency(double load) const {
  if (points_.empty()) return 1;
  if (load <= points_.front().load) return load / input(load);
  const auto above = std::find_if(points_.begin(), points_.end(),
                                  [&](const Point& point) { return point.load >= load; });
  if (above == points_.end()) return points_.back().efficiency;
  const Point& below = *std::prev(above);
  const double share = (load - below.load) / (above->load - below.load);
  return below.efficiency + share * (above->efficiency - below.efficiency);
}

Watts PowerSupplies::capacity() const {
  if (count == 0) return Watts(std::numeric_limits<double>::infinity());
  return rating * static_cast<double>(count - redundant);
}

Watts PowerSupplies::input(Watts output) const {
  if (count == 0) return output;
  const Watts all = rating * static_cast<double>(count);
  return all * curve.input(output / all);
}

Watts ServerPower::others(const MachineActivity& activity) const {
  Watts sum{};
  for (const PartPower& part : parts) sum += part.at(activity);
  return sum;
}

std::int64_t FabricPower::Tier::ports() const {
  return std::accumulate(link_ports.begin(), link_ports.end(), nic_ports);
}

double FabricPower::Tier::activity(const MachineActivity& of) const {
  double sum = static_cast<double>(nic_ports) * std::clamp(of.nic, 0.0, 1.0);
  for (std::size_t i = 0; i < link_ports.size(); ++i) {
    sum += static_cast<double>(link_ports[i]) * std::clamp(of.fabric[i], 0.0, 1.0);
  }
  return ports() == 0 ? 0.0 : sum / static_cast<double>(ports());
}

Watts FabricPower::Tier::at(const MachineActivity& of) const {
  return between(idle, busy, activity(of)) * static_cast<double>(switches) +
         optics * static_cast<double>(ports());
}

Watts FabricPower::at(const MachineActivity& activity) const {
  Watts sum{};
  for (const Tier& tier : tiers) sum += tier.at(activity);
  return sum;
}

}  // namespace orrery
