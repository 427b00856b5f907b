#include "engine/power_trace.hpp"

#include <algorithm>

namespace orrery {
namespace {

struct Change {
  Seconds time{};
  Watts by{};
};

PowerTrace summed(Watts base, const std::vector<PowerUse>& uses, Seconds step) {
  std::vector<Change> changes;
  changes.reserve(2 * uses.size());
  for (const PowerUse& use : uses) {
    changes.push_back({.time = use.start, .by = use.added});
    changes.push_back({.time = use.end, .by = -use.added});
  }
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

bool PowerTraces::known() const {
  return std::all_of(costs_.kinds().begin(), costs_.kinds().end(),
                     [](const DevicePoint& kind) { return kind.accelerator->power() != nullptr; });
}

PowerUse PowerTraces::use(std::uint32_t rank, const Op& op, Seconds start, Seconds end) const {
  PowerUse result = {.start = start, .end = end};
  const Seconds took = end - start;
  if (took <= Seconds(0)) return result;
  const DevicePoint& point = device(rank);
  const PowerModel& power = *point.accelerator->power();
  const BoardPower waiting = power.communicating(point.point, {}, {});
  if (op.kind == Op::Kind::Host) {
    result.added = power.held(point.point).total() - waiting.total();
  } else if (op.kind == Op::Kind::Compute) {
    result.added = costs_.block(op.work, ranks_[rank].kind).energy.total() / took - waiting.total();
  } else if (const CollectiveCost& cost = costs_.collective(op.work); cost.transfer > Seconds(0)) {
    Bytes bytes{};
    for (const LinkFlow& flow : cost.flows) bytes += flow.bytes;
    const BoardPower busy = power.communicating(point.point, bytes / cost.transfer, cost.memory);
    result.added = (busy.total() - waiting.total()) * (cost.transfer / took);
  }
  return result;
}

std::vector<PowerTrace> PowerTraces::finish(Seconds step) {
  std::vector<PowerTrace> traces;
  for (std::uint32_t rank = 0; rank < uses_.size(); ++rank) {
    const DevicePoint& point = device(rank);
    const Watts base = point.accelerator->power()->communicating(point.point, {}, {}).total();
    traces.push_back(summed(base, uses_[rank], step));
    uses_[rank] = {};
  }
  return traces;
}

}  // namespace orrery
