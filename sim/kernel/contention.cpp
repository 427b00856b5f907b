#include "kernel/contention.hpp"

#include <algorithm>
#include <utility>

#include <orrery/error.hpp>

namespace orrery {
namespace {

// Flows that fill a resource to rounding do not compete.
constexpr double kFull = 1 + 1e-12;
// Resources that are as narrow to rounding: the first of the flow's demands counts.
constexpr double kNarrower = 1 + 1e-9;

}  // namespace

Kernel::Resource Contention::add_resource(BytesPerSecond capacity) {
  ORRERY_CHECK(capacity.si() > 0);
  resources_.emplace_back().capacity = capacity;
  return static_cast<Kernel::Resource>(resources_.size() - 1);
}

void Contention::add(Slot slot, const Flow& flow) {
  if (slot >= flows_.size()) flows_.resize(slot + 1);
  InFlight& added = flows_[slot];
  added.uses.clear();
  added.fastest = flow.bound;
  added.weight = flow.weight;
  for (const Demand& demand : flow.demands) {
    ORRERY_CHECK(demand.resource < resources_.size() && demand.amount > 0);
    const auto same = std::find_if(added.uses.begin(), added.uses.end(),
                                   [&](const Use& use) { return use.resource == demand.resource; });
    if (same != added.uses.end()) {
      same->amount += demand.amount;
    } else {
      added.uses.push_back({demand.resource, 0, demand.amount, false});
    }
  }
  for (const Use& use : added.uses) {
    added.fastest = min(added.fastest, resources_[use.resource].capacity / use.amount);
  }
  for (std::uint32_t use = 0; use < added.uses.size(); ++use) join(slot, use);
}

void Contention::join(Slot slot, std::uint32_t index) {
  const InFlight& flow = flows_[slot];
  Use& use = flows_[slot].uses[index];
  Shared& resource = resources_[use.resource];
  use.position = static_cast<std::uint32_t>(resource.flows.size());
  resource.flows.push_back({slot, index});
  resource.load += use.amount * flow.fastest.si();
  resource.weight += flow.weight;
  if (resource.contended) {
    affect(slot);
  } else if (resource.flows.size() > 1 && resource.load > resource.capacity.si() * kFull) {
    resource.contended = true;
    for (const Member& member : resource.flows) affect(member.slot);
  }
}

void Contention::affect(Slot slot) {
  if (std::exchange(flows_[slot].affected, true)) return;
  affected_.push_back(slot);
}

void Contention::remove(Slot slot) {
  for (const Use& use : flows_[slot].uses) leave(flows_[slot], use);
  flows_[slot].uses.clear();
}

void Contention::leave(const InFlight& flow, const Use& use) {
  Shared& resource = resources_[use.resource];
  const Member moved = resource.flows.back();
  resource.flows[use.position] = moved;
  flows_[moved.slot].uses[moved.use].position = use.position;
  resource.flows.pop_back();
  resource.load -= use.amount * flow.fastest.si();
  resource.weight -= flow.weight;
  if (resource.flows.empty()) resource.load = resource.weight = 0;  // without rounding
  resource.contended = resource.flows.size() > 1 && resource.load > resource.capacity.si() * kFull;
}

bool Contention::competes(Slot slot) const {
  const auto& uses = flows_[slot].uses;
  return std::any_of(uses.begin(), uses.end(),
                     [this](const Use& use) { return resources_[use.resource].contended; });
}

double Contention::reference(Slot slot) const {
  double narrowest = 0;
  double amount = 0;
  for (const Use& use : flows_[slot].uses) {
    const Shared& resource = resources_[use.resource];
    if (!resource.contended) continue;
    const double narrow = use.amount * resource.weight / resource.capacity.si();
    if (narrow <= narrowest * kNarrower) continue;
    narrowest = narrow;
    amount = use.amount;
  }
  return amount;
}

bool Contention::mixed(Slot slot) const {
  double first = 0;
  for (const Use& use : flows_[slot].uses) {
    if (!resources_[use.resource].contended) continue;
    if (first > 0 && use.amount != first) return true;
    first = use.amount;
  }
  return false;
}

std::vector<Contention::Slot> Contention::take_affected() {
  for (const Slot slot : affected_) flows_[slot].affected = false;
  return std::exchange(affected_, {});
}

bool Contention::outdated(Slot slot) const {
  const auto& uses = flows_[slot].uses;
  return std::any_of(uses.begin(), uses.end(), [this](const Use& use) {
    return resources_[use.resource].contended && !use.listed;
  });
}

std::span<const SharedDemand> Contention::list_demands(Slot slot) {
  listed_.clear();
  for (Use& use : flows_[slot].uses) {
    const Shared& resource = resources_[use.resource];
    use.listed = resource.contended;
    if (use.listed) listed_.push_back({use.resource, resource.capacity, use.amount});
  }
  return listed_;
}

}  // namespace orrery
