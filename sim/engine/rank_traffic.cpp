#include "engine/rank_traffic.hpp"

#include <algorithm>

#include <orrery/error.hpp>

namespace orrery {
namespace {

constexpr double kRounding = 1e-12;

}  // namespace

void RankTraffic::hold(Stream stream, std::uint32_t index, const CollectiveCost& cost) {
  Transfer& transfer = at(stream);
  transfer.cost = &cost;
  transfer.index = index;
  transfer.phase = Phase::Held;
  under_way_ |= bit(stream);
  multiprocessors_ += cost.multiprocessors;
}

void RankTraffic::begin(Stream stream, Seconds now) {
  Transfer& transfer = at(stream);
  transfer.phase = Phase::Latency;
  transfer.begins = now + transfer.cost->latency;
  next_ = min(next_, transfer.begins);
}

void RankTraffic::release(Stream stream) {
  Transfer& transfer = at(stream);
  multiprocessors_ -= transfer.cost->multiprocessors;
  transfer.cost = nullptr;
  under_way_ &= ~bit(stream);
  add_memory();
}

void RankTraffic::withdraw(Stream stream) {
  release(stream);
  find_next();
}

// Summed anew, in the order of streams: equal sets take equal shares, to the last digit.
void RankTraffic::add_memory() {
  memory_ = BytesPerSecond(0);
  for_each([this](const Transfer& transfer) {
    const bool moves = transfer.phase == Phase::Moving || transfer.phase == Phase::Moved;
    if (moves) memory_ += transfer.cost->memory;
  });
}

void RankTraffic::advance(Seconds now) {
  bool changed = false;
  for_each([&](Transfer& transfer) {
    if (transfer.phase == Phase::Latency && transfer.begins <= now) {
      start_flows(transfer, now);
      changed = true;
    }
    if (transfer.phase == Phase::Moving && end_flows(transfer, now)) changed = true;
  });
  if (changed) share(now);
  find_next();
}

void RankTraffic::start_flows(Transfer& transfer, Seconds now) {
  const CollectiveCost& cost = *transfer.cost;
  transfer.phase = Phase::Moving;
  add_memory();
  if (cost.transfer <= Seconds(0) || cost.flows.empty()) {
    transfer.flows = 1;
    transfer.flow[0] = {.end = now + max(cost.transfer, Seconds(0))};
    return;
  }
  transfer.flows = cost.flows.size();
  ORRERY_CHECK(transfer.flows <= transfer.flow.size());
  for (std::size_t i = 0; i < transfer.flows; ++i) {
    const LinkFlow& flow = cost.flows[i];
    const BytesPerSecond alone = flow.bytes / cost.transfer;
    transfer.flow[i] = {.number = static_cast<int>(i),
                        .collective = transfer.index,
                        .left = flow.bytes,
                        .since = now,
                        .end = now + cost.transfer,
                        .alone = alone,
                        .rate = alone};
  }
}

bool RankTraffic::end_flows(Transfer& transfer, Seconds now) {
  const std::size_t before = transfer.flows;
  for (std::size_t i = 0; i < transfer.flows;) {
    if (transfer.flow[i].end > now) {
      ++i;
    } else {
      transfer.flow[i] = transfer.flow[--transfer.flows];
    }
  }
  if (transfer.flows == 0) transfer.phase = Phase::Moved;
  return transfer.flows < before;
}

void RankTraffic::share(Seconds now) {
  std::array<Flow*, std::size_t{2} * kStreamCount> on{};
  std::size_t count = 0;
  for_each([&](Transfer& transfer) {
    if (transfer.phase != Phase::Moving) return;
    for (std::size_t i = 0; i < transfer.flows; ++i) {
      if (transfer.flow[i].number >= 0) on[count++] = &transfer.flow[i];
    }
  });
  const std::span<Flow* const> flows(on.data(), count);
  if (count == 1 || all_fit(flows)) {
    for (Flow* flow : flows) flow->share = flow->alone;
  } else {
    fill(flows);
  }
  for (Flow* flow : flows) {
    if (flow->share == flow->rate) continue;
    flow->left = max(Bytes(0), flow->left - flow->rate * (now - flow->since));
    flow->since = now;
    flow->rate = flow->share;
    flow->end = now + flow->left / flow->rate;
  }
}

// Whether no slot is too full when each is as fast as alone.
bool RankTraffic::all_fit(std::span<Flow* const> flows) {
  left_ = links_.capacity();
  return std::all_of(flows.begin(), flows.end(),
                     [this](const Flow* flow) { return take(needs(*flow), flow->alone); });
}

// Off what is left; false where that is not enough.
bool RankTraffic::take(std::span<const LinkSlots::Need> needs, BytesPerSecond rate) {
  bool enough = true;
  for (const LinkSlots::Need& need : needs) {
    left_[need.slot] -= rate * need.per_byte;
    enough = enough && left_[need.slot] >= BytesPerSecond(0);
  }
  return enough;
}

bool RankTraffic::fits_beside(Stream stream, std::uint32_t index, const CollectiveCost& cost) {
  left_ = links_.capacity();
  const auto fits = [this](std::uint32_t of, const CollectiveCost& one) {
    bool enough = true;
    for (std::size_t i = 0; one.transfer > Seconds(0) && i < one.flows.size(); ++i) {
      enough = take(links_.of(of, i), one.flows[i].bytes / one.transfer) && enough;
    }
    return enough;
  };
  return fits(at(stream).index, *at(stream).cost) && fits(index, cost);
}

RankTraffic::Course RankTraffic::course(Stream stream) const {
  const Transfer& transfer = at(stream);
  if (transfer.phase == Phase::Latency) {
    return {.begins = transfer.begins,
            .ends = transfer.begins + max(transfer.cost->transfer, Seconds(0))};
  }
  Course course{.begins = transfer.begins, .ends = transfer.begins};
  for (std::size_t i = 0; i < transfer.flows; ++i) {
    course.ends = max(course.ends, transfer.flow[i].end);
  }
  return course;
}

// Water-filling: all rise together; those that are as fast as alone stop there, and where there are
// none, those that a full slot holds.
void RankTraffic::fill(std::span<Flow* const> flows) {
  left_ = links_.capacity();
  for (Flow* flow : flows) flow->share = kOpen;
  for (std::size_t open = flows.size(); open > 0;) {
    const BytesPerSecond level = find_level(flows);
    const bool alone = std::any_of(flows.begin(), flows.end(), [&](const Flow* flow) {
      return flow->share == kOpen && flow->alone <= level;
    });
    for (Flow* flow : flows) {
      if (flow->share != kOpen || !(alone ? flow->alone <= level : held(*flow))) continue;
      flow->share = min(flow->alone, level);
      for (const LinkSlots::Need& need : needs(*flow)) {
        left_[need.slot] = max(BytesPerSecond(0), left_[need.slot] - flow->share * need.per_byte);
      }
      --open;
    }
  }
}

// How far open flows rise until the first slot is full; notes which are then.
BytesPerSecond RankTraffic::find_level(std::span<Flow* const> flows) {
  taken_.assign(left_.size(), 0.0);
  full_.assign(left_.size(), false);
  for (const Flow* flow : flows) {
    if (flow->share != kOpen) continue;
    for (const LinkSlots::Need& need : needs(*flow)) taken_[need.slot] += need.per_byte;
  }
  BytesPerSecond level{1e300};
  for (std::size_t slot = 0; slot < left_.size(); ++slot) {
    if (taken_[slot] > 0) level = min(level, left_[slot] / taken_[slot]);
  }
  for (std::size_t slot = 0; slot < left_.size(); ++slot) {
    full_[slot] = taken_[slot] > 0 && left_[slot] / taken_[slot] <= level * (1 + kRounding);
  }
  return level;
}

std::span<const LinkSlots::Need> RankTraffic::needs(const Flow& flow) const {
  return links_.of(flow.collective, static_cast<std::size_t>(flow.number));
}

bool RankTraffic::held(const Flow& flow) const {
  const auto of_flow = needs(flow);
  return std::any_of(of_flow.begin(), of_flow.end(),
                     [this](const LinkSlots::Need& need) { return full_[need.slot]; });
}

void RankTraffic::find_next() {
  next_ = kNever;
  for_each([this](const Transfer& transfer) {
    if (transfer.phase == Phase::Latency) next_ = min(next_, transfer.begins);
    if (transfer.phase != Phase::Moving) return;
    for (std::size_t i = 0; i < transfer.flows; ++i) next_ = min(next_, transfer.flow[i].end);
  });
}

}  // namespace orrery
