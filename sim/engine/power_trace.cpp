#include "engine/power_trace.hpp"

#include <algorithm>

namespace orrery {
namespace {

struct Change {
  Seconds time{};
  Watts by{};
};

const DevicePoint& device(const Program& program, const CostTable& costs, std::uint32_t rank) {
  return costs.kinds()[static_cast<std::size_t>(program.kind(rank))];
}

// What an operation adds to a device that waits for communication.
Watts added(const Program& program, const CostTable& costs, const Op& op, Seconds took) {
  const DevicePoint& point = device(program, costs, op.rank);
  const PowerModel& power = *point.accelerator->power();
  const BoardPower waiting = power.communicating(point.point, {}, {});
  if (op.kind == Op::Kind::Host) return power.held(point.point).total() - waiting.total();
  if (op.kind == Op::Kind::Compute) {
    return costs.block(op.work, program.kind(op.rank)).energy.total() / took - waiting.total();
  }
  const CollectiveCost& cost = costs.collective(op.work);
  if (cost.transfer <= Seconds(0)) return Watts(0);
  Bytes bytes{};
  for (const LinkLoad& load : cost.loads) bytes += load.bytes;
  const BoardPower busy = power.communicating(point.point, bytes / cost.transfer, cost.memory);
  return (busy.total() - waiting.total()) * (cost.transfer / took);
}

PowerTrace summed(Watts base, std::vector<Change> changes, Seconds step) {
  std::sort(changes.begin(), changes.end(),
            [](const Change& a, const Change& b) { return a.time < b.time; });
  PowerTrace trace = {{.time = Seconds(0), .power = base}};
  Watts power = base;
  for (const Change& change : changes) {
    power += change.by;
    if (change.time <= trace.back().time) {
      trace.back().power = power;
    } else {
      trace.push_back({.time = change.time, .power = power});
    }
  }
  // Rounding leaves a trace of a watt where nothing is left.
  trace.push_back({.time = step, .power = base});
  return trace;
}

}  // namespace

std::vector<PowerTrace> power_traces(const Program& program, const std::vector<OpTime>& times,
                                     const CostTable& costs, Seconds step) {
  for (const DevicePoint& kind : costs.kinds()) {
    if (kind.accelerator->power() == nullptr) return {};
  }
  std::vector<std::vector<Change>> changes(program.ranks);
  for (std::uint32_t i = 0; i < program.ops().size(); ++i) {
    const Op& op = program.ops()[i];
    const Seconds took = times[i].end - times[i].start;
    if (took <= Seconds(0)) continue;
    const Watts by = added(program, costs, op, took);
    changes[op.rank].push_back({.time = times[i].start, .by = by});
    changes[op.rank].push_back({.time = times[i].end, .by = -by});
  }
  std::vector<PowerTrace> traces;
  for (std::uint32_t rank = 0; rank < program.ranks; ++rank) {
    const DevicePoint& point = device(program, costs, rank);
    const Watts base = point.accelerator->power()->communicating(point.point, {}, {}).total();
    traces.push_back(summed(base, std::move(changes[rank]), step));
  }
  return traces;
}

}  // namespace orrery
