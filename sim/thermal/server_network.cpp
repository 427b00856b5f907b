#include "thermal/server_network.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <orrery/error.hpp>

#include "thermal/network.hpp"

namespace orrery::thermal {
namespace {

constexpr double kSpeedSteps = 200;  // in a whole: 0.5 %
constexpr std::size_t kMostPoints = 64;
const Temperature kStart = Temperature::celsius(25);

struct PartNodes {
  int die = 0, memory = 0, sink = 0;
};

// `alike` devices as one.
PartNodes add_device(Layout& layout, const HeatPath& path, double alike) {
  PartNodes nodes;
  nodes.die = layout.state(path.die_capacity * alike);
  nodes.memory = layout.state(path.memory_capacity * alike);
  nodes.sink = layout.state(path.sink_capacity * alike);
  layout.conduct(nodes.die, nodes.sink, alike / path.die_to_sink);
  layout.conduct(nodes.memory, nodes.sink, alike / path.memory_to_sink);
  return nodes;
}

Layout layout_of_rows(const HeatPath& path, WattsPerKelvin rate, WattsPerKelvin whole,
                      const std::vector<double>& in_row) {
  Layout layout;
  const int inlet = layout.boundary();
  std::vector<int> sinks;
  for (const double devices : in_row) sinks.push_back(add_device(layout, path, devices).sink);
  int upstream = layout.junction();
  layout.stream(inlet, upstream, rate);
  for (std::size_t row = 0; row < in_row.size(); ++row) {
    const int downstream = layout.junction();
    layout.stream(upstream, downstream, rate);
    layout.exchange(sinks[row], upstream, downstream, in_row[row] / path.sink_to_stream);
    upstream = downstream;
  }
  const int outlet = layout.junction();
  layout.stream(upstream, outlet, rate);
  layout.stream(inlet, outlet, whole - rate);
  return layout;
}

Layout layout_of_device(const HeatPath& path) {
  Layout layout;
  const int sink = add_device(layout, path, 1).sink;
  layout.conduct(sink, layout.boundary(), 1 / path.sink_to_stream);
  return layout;
}

std::vector<double> count_rows(const std::vector<int>& row) {
  std::vector<double> in_row;
  for (const int r : row) {
    ORRERY_CHECK(r >= 0);
    in_row.resize(std::max(in_row.size(), static_cast<std::size_t>(r) + 1), 0.0);
    in_row[static_cast<std::size_t>(r)] += 1;
  }
  ORRERY_CHECK(std::all_of(in_row.begin(), in_row.end(), [](double n) { return n > 0; }));
  return in_row;
}

void check_path(const HeatPath& path, WattsPerKelvin rate, WattsPerKelvin whole) {
  ORRERY_CHECK(path.die_to_sink.si() > 0 && path.memory_to_sink.si() > 0);
  ORRERY_CHECK(path.sink_to_stream.si() > 0 && rate.si() > 0 && whole >= rate);
}

}  // namespace

struct ServerNetwork::Point {
  Point(const HeatPath& heat_path, WattsPerKelvin rate, WattsPerKelvin whole_rate,
        const std::vector<double>& in_row)
      : path(heat_path),
        whole(whole_rate),
        rows(layout_of_rows(heat_path, rate, whole_rate, in_row)),
        device(layout_of_device(heat_path)) {}
  HeatPath path;
  WattsPerKelvin whole;
  Network rows;
  Network device;
};

struct ServerNetwork::Points {
  std::map<std::pair<int, int>, std::unique_ptr<Point>> all;  // by step of speed, of inlet
  std::vector<std::pair<int, int>> age;                       // the oldest first
  std::pair<int, int> latest_key{-1, -1};
  const Point* latest = nullptr;
};

ServerNetwork::ServerNetwork(const ServerCooling& cooling, int devices)
    : cooling_(&cooling),
      row_(cooling.rows(devices)),
      in_row_(count_rows(row_)),
      points_(std::make_shared<Points>()),
      temperature_(row_.size() * kParts, kStart) {
  ORRERY_CHECK(static_cast<int>(row_.size()) == devices);
  const std::size_t nodes = 1 + in_row_.size() * (kParts + 1) + 2;
  row_heat_.resize(nodes);
  row_temperature_.resize(nodes);
  row_mean_.resize(nodes);
  apart_heat_.resize(kParts + 1);
  apart_.resize(kParts + 1);
  apart_mean_.resize(kParts + 1);
  device_heat_.resize(temperature_.size());
}

Temperature ServerNetwork::at(int device, Part part) const {
  return temperature_[static_cast<std::size_t>(device) * kParts + part];
}

Temperature ServerNetwork::hottest(Part part) const {
  Temperature result;
  for (int device = 0; device < devices(); ++device) result = max(result, at(device, part));
  return result;
}

const ServerNetwork::Point& ServerNetwork::point(const ServerFlow& flow) {
  // Below least_speed() too: fans can fail.
  constexpr double least = 1 / kSpeedSteps;
  ORRERY_CHECK(flow.speed > 0 && flow.speed <= 1 + 1e-9);
  const std::pair key{static_cast<int>(std::lround(flow.speed * kSpeedSteps)),
                      static_cast<int>(std::lround(flow.inlet.celsius()))};
  Points& points = *points_;
  if (points.latest != nullptr && points.latest_key == key) return *points.latest;
  const auto found = points.all.find(key);
  if (found == points.all.end()) {
    const double speed = std::clamp(key.first / kSpeedSteps, least, 1.0);
    const Temperature inlet = Temperature::celsius(key.second);
    const HeatPath path = cooling_->path(speed, inlet);
    const WattsPerKelvin rate = cooling_->stream(speed, inlet);
    const WattsPerKelvin whole = cooling_->whole_stream(speed, inlet);
    check_path(path, rate, whole);
    if (points.age.size() == kMostPoints) {
      points.all.erase(points.age.front());
      points.age.erase(points.age.begin());
    }
    points.age.push_back(key);
    points.all[key] = std::make_unique<Point>(path, rate, whole, in_row_);
  }
  points.latest_key = key;
  points.latest = points.all[key].get();
  return *points.latest;
}

// Node numbers follow layout_of_rows().
void ServerNetwork::load(const ServerHeat& heat, const ServerFlow& flow) {
  ORRERY_CHECK(heat.die.size() == row_.size() && heat.memory.size() == row_.size());
  for (std::size_t device = 0; device < row_.size(); ++device) {
    device_heat_[device * kParts + kDie] = heat.die[device];
    device_heat_[device * kParts + kMemory] = heat.memory[device];
  }
  std::fill(row_heat_.begin(), row_heat_.end(), Watts{});
  for (std::size_t device = 0; device < row_.size(); ++device) {
    const auto first = 1 + static_cast<std::size_t>(row_[device]) * kParts;
    for (std::size_t part = 0; part < kParts; ++part)
      row_heat_[first + part] += device_heat_[device * kParts + part];
  }
  const double upstream = cooling_->upstream_share(), captured = cooling_->captured_share();
  row_heat_[1 + in_row_.size() * kParts] = heat.others * upstream;
  row_heat_.back() = heat.others * (captured - upstream);
  row_temperature_.front() = flow.inlet;
}

// Rows' temperatures from the devices'.
void ServerNetwork::average() {
  std::fill(row_temperature_.begin() + 1, row_temperature_.end(), Temperature());
  for (std::size_t device = 0; device < row_.size(); ++device) {
    const auto row = static_cast<std::size_t>(row_[device]);
    for (std::size_t part = 0; part < kParts; ++part) {
      Temperature& mean = row_temperature_[1 + row * kParts + part];
      const Temperature& own = temperature_[device * kParts + part];
      mean = mean + Kelvins(own.kelvin() / in_row_[row]);
    }
  }
}

// A device's distance from its row: temperatures and heat.
void ServerNetwork::spread(int device) {
  const auto own = static_cast<std::size_t>(device) * kParts;
  const auto row = static_cast<std::size_t>(row_[static_cast<std::size_t>(device)]);
  for (std::size_t part = 0; part < kParts; ++part) {
    const std::size_t mean = 1 + row * kParts + part;
    apart_[part] = Temperature::kelvin((temperature_[own + part] - row_temperature_[mean]).si());
    apart_heat_[part] = device_heat_[own + part] - row_heat_[mean] / in_row_[row];
  }
}

// Keeps a device's distance until rejoin() adds its row.
void ServerNetwork::keep(int device) {
  std::copy_n(apart_.begin(), kParts,
              temperature_.begin() + static_cast<std::ptrdiff_t>(device) * std::ptrdiff_t{kParts});
}

void ServerNetwork::rejoin() {
  for (std::size_t device = 0; device < row_.size(); ++device) {
    const auto first = 1 + static_cast<std::size_t>(row_[device]) * kParts;
    for (std::size_t part = 0; part < kParts; ++part) {
      Temperature& own = temperature_[device * kParts + part];
      own = row_temperature_[first + part] + Kelvins(own.kelvin());
    }
  }
}

void ServerNetwork::settle(const ServerHeat& heat, const ServerFlow& flow) {
  const Point& now = point(flow);
  load(heat, flow);
  for (int device = 0; device < devices(); ++device) {
    spread(device);
    now.device.settle(apart_heat_, apart_);
    keep(device);
  }
  now.rows.settle(row_heat_, row_temperature_);
  rejoin();
}

// What the capacities hold above an arbitrary zero.
Joules ServerNetwork::held(const Point& point) const {
  Kelvins die{}, memory{}, sink{};
  for (std::size_t first = 0; first < temperature_.size(); first += kParts) {
    die += temperature_[first + kDie] - kStart;
    memory += temperature_[first + kMemory] - kStart;
    sink += temperature_[first + kSink] - kStart;
  }
  return point.path.die_capacity * die + point.path.memory_capacity * memory +
         point.path.sink_capacity * sink;
}

ServerExchange ServerNetwork::advance(const ServerHeat& heat, const ServerFlow& flow,
                                      Seconds interval) {
  const Point& now = point(flow);
  load(heat, flow);
  const Joules before = held(now);
  average();
  for (int device = 0; device < devices(); ++device) {
    spread(device);
    now.device.advance(apart_heat_, interval, apart_, apart_mean_);
    keep(device);
  }
  now.rows.advance(row_heat_, interval, row_temperature_, row_mean_);
  rejoin();
  const Temperature outlet = row_mean_.back();
  return {.stream = now.whole * (outlet - flow.inlet) * interval,
          .room = heat.others * (1 - cooling_->captured_share()) * interval,
          .stored = held(now) - before,
          .outlet = outlet};
}

}  // namespace orrery::thermal
