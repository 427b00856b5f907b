#include "engine/rank_traffic.hpp"

#include <algorithm>

#include <orrery/error.hpp>

namespace orrery {

void RankTraffic::hold(Stream stream, const CollectiveCost& cost) {
  Transfer& transfer = at(stream);
  transfer.cost = &cost;
  transfer.phase = Phase::Held;
  ++busy_;
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
  --busy_;
  add_memory();
}

void RankTraffic::withdraw(Stream stream) {
  release(stream);
  find_next();
}

// Summed anew, in the order of streams: equal sets take equal shares, to the last digit.
void RankTraffic::add_memory() {
  memory_ = BytesPerSecond(0);
  for (const Transfer& transfer : transfers_) {
    const bool moves = transfer.phase == Phase::Moving || transfer.phase == Phase::Moved;
    if (transfer.cost != nullptr && moves) memory_ += transfer.cost->memory;
  }
}

void RankTraffic::advance(Seconds now) {
  for (Transfer& transfer : transfers_) {
    if (transfer.cost == nullptr) continue;
    if (transfer.phase == Phase::Latency && transfer.begins <= now) start_flows(transfer, now);
    if (transfer.phase == Phase::Moving) end_flows(transfer, now);
  }
  find_next();
}

void RankTraffic::start_flows(Transfer& transfer, Seconds now) {
  const CollectiveCost& cost = *transfer.cost;
  transfer.phase = Phase::Moving;
  add_memory();
  if (cost.transfer <= Seconds(0) || cost.loads.empty()) {
    transfer.flows = 1;
    transfer.flow[0] = {.end = now + max(cost.transfer, Seconds(0))};
    return;
  }
  transfer.flows = cost.loads.size();
  ORRERY_CHECK(transfer.flows <= transfer.flow.size());
  for (std::size_t i = 0; i < transfer.flows; ++i) {
    const LinkLoad& load = cost.loads[i];
    const BytesPerSecond alone = load.bytes / cost.transfer;
    transfer.flow[i] = {.link = static_cast<int>(load.link),
                        .left = load.bytes,
                        .since = now,
                        .end = now + cost.transfer,
                        .alone = alone,
                        .rate = alone};
  }
  for (const LinkLoad& load : cost.loads) share(static_cast<int>(load.link), now);
}

void RankTraffic::end_flows(Transfer& transfer, Seconds now) {
  for (std::size_t i = 0; i < transfer.flows;) {
    if (transfer.flow[i].end > now) {
      ++i;
      continue;
    }
    const int link = transfer.flow[i].link;
    transfer.flow[i] = transfer.flow[--transfer.flows];
    if (link >= 0) share(link, now);
  }
  if (transfer.flows == 0) transfer.phase = Phase::Moved;
}

// Water-filling: in the order of what they would take alone, each flow gets at most an equal part
// of what is left.
void RankTraffic::share(int link, Seconds now) {
  std::array<Flow*, std::size_t{2} * kStreamCount> on{};
  std::size_t count = 0;
  for (Transfer& transfer : transfers_) {
    if (transfer.cost == nullptr || transfer.phase != Phase::Moving) continue;
    for (std::size_t i = 0; i < transfer.flows; ++i) {
      if (transfer.flow[i].link == link) on[count++] = &transfer.flow[i];
    }
  }
  const auto end = on.begin() + static_cast<std::ptrdiff_t>(count);
  std::sort(on.begin(), end, [](const Flow* a, const Flow* b) { return a->alone < b->alone; });
  BytesPerSecond left = ports_[static_cast<std::size_t>(link)];
  if (left <= BytesPerSecond(0)) left = BytesPerSecond(1e300);
  for (std::size_t i = 0; i < count; ++i) {
    Flow& flow = *on[i];
    const BytesPerSecond rate = min(flow.alone, left / static_cast<double>(count - i));
    left -= rate;
    if (rate == flow.rate) continue;
    flow.left = max(Bytes(0), flow.left - flow.rate * (now - flow.since));
    flow.since = now;
    flow.rate = rate;
    flow.end = now + flow.left / rate;
  }
}

void RankTraffic::find_next() {
  next_ = kNever;
  for (const Transfer& transfer : transfers_) {
    if (transfer.cost == nullptr) continue;
    if (transfer.phase == Phase::Latency) next_ = min(next_, transfer.begins);
    if (transfer.phase != Phase::Moving) continue;
    for (std::size_t i = 0; i < transfer.flows; ++i) next_ = min(next_, transfer.flow[i].end);
  }
}

}  // namespace orrery
