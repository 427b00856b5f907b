#include <algorithm>
#include <numeric>

#include "sdk/findings.hpp"

namespace orrery {
namespace {

constexpr double kCollectiveRounding = 1e-9;
constexpr CollectiveKind kKinds[] = {CollectiveKind::AllReduce,     CollectiveKind::AllGather,
                                     CollectiveKind::ReduceScatter, CollectiveKind::AllToAll,
                                     CollectiveKind::Broadcast,     CollectiveKind::SendRecv};

bool equal(const CollectiveCost& a, const CollectiveCost& b) {
  const bool flows = std::equal(a.flows.begin(), a.flows.end(), b.flows.begin(), b.flows.end(),
                                [](const LinkFlow& one, const LinkFlow& other) {
                                  return one.bytes == other.bytes && one.uses == other.uses;
                                });
  return flows && a.latency == b.latency && a.transfer == b.transfer &&
         a.algorithm == b.algorithm && a.protocol == b.protocol &&
         a.multiprocessors == b.multiprocessors && a.memory == b.memory;
}

// All links at half their bandwidth.
GroupLayout halved(GroupLayout layout) {
  LinksWithin& within = layout.within;
  LinksBetween& between = layout.between;
  for (GroupLinks* links :
       {&within.ring, &within.to_next, &within.to_all, &between.ring, &between.to_all}) {
    links->bandwidth = links->bandwidth * 0.5;
  }
  between.alone = between.alone * 0.5;
  if (layout.torus) layout.torus->link = layout.torus->link * 0.5;
  return layout;
}

// What a flow can carry: of the group's links with its resources, or of these resources.
BytesPerSecond most_of(const LinkFlow& flow, const CollectiveRequest& asked) {
  const LinksBetween& between = asked.layout.between;
  if (flow.uses == asked.within().uses) return asked.within().bandwidth;
  // One device alone may use more of its server's NICs than its share.
  if (flow.uses == asked.between().uses) return max(asked.between().bandwidth, between.alone);
  BytesPerSecond most{1e300};
  for (const ResourceUse& use : flow.uses) most = min(most, use.capacity / use.per_byte);
  return most;
}

class CollectiveCheck {
 public:
  explicit CollectiveCheck(const CollectiveModel& model) : model_(model) {}

  void group(const std::string& name, const GroupLayout& layout) {
    for (const CollectiveKind kind : kKinds) {
      for (const double bytes : {1e3, 1e6, 1e9}) {
        const std::string what = fmt::format("{} of {} bytes among {}", to_text(kind), bytes, name);
        check_.guard(
            what, [&] { request(what, {.kind = kind, .bytes = Bytes(bytes), .layout = layout}); });
      }
    }
  }
  [[nodiscard]] Findings take() { return check_.take(); }

 private:
  void request(const std::string& what, const CollectiveRequest& asked) {
    const CollectiveCost cost = model_.cost(asked);
    check_.expect(equal(cost, model_.cost(asked)), "{}: two equal calls of cost() differ", what);
    const bool finite = sound(cost.latency.si()) && sound(cost.transfer.si());
    check_.expect(finite, "{}: latency {} s and transfer {} s are not finite and positive or zero",
                  what, cost.latency.si(), cost.transfer.si());
    check_.expect(cost.multiprocessors >= 0 && sound(cost.memory.si()),
                  "{}: multiprocessors or memory traffic are negative", what);
    if (asked.layout.ranks == 1) {
      check_.expect(cost.flows.empty() || cost.transfer == Seconds(0), "{}: one rank loads links",
                    what);
      return;
    }
    check_.expect(cost.time() > Seconds(0), "{}: it takes no time", what);
    flows(what, asked, cost);
    slower(what, asked, cost.time());
  }

  void flows(const std::string& what, const CollectiveRequest& asked, const CollectiveCost& cost) {
    const bool known = !asked.within().uses.empty() || !asked.between().uses.empty();
    for (const LinkFlow& flow : cost.flows) {
      check_.expect(sound(flow.bytes.si()), "{}: a flow of {} bytes is negative", what,
                    flow.bytes.si());
      check_.expect(!known || !flow.uses.empty(),
                    "{}: a flow of {} names no resources, though the group's links do", what,
                    to_text(flow.bytes));
      if (flow.uses.empty()) continue;
      const BytesPerSecond most = most_of(flow, asked);
      check_.expect(flow.bytes <= most * cost.transfer * (1 + kCollectiveRounding),
                    "{}: links carry {} in {}, above their {}", what, to_text(flow.bytes),
                    to_text(cost.transfer), to_text(most));
    }
  }

  void slower(const std::string& what, CollectiveRequest asked, Seconds time) {
    const GroupLayout layout = asked.layout;
    asked.layout = halved(layout);
    const Seconds slow = model_.cost(asked).time();
    check_.expect(slow >= time * (1 - kCollectiveRounding),
                  "{}: over links of half the rate it takes {}, "
                  "less than {}",
                  what, to_text(slow), to_text(time));
    asked.layout = layout;
    asked.bytes *= 2;
    const Seconds more = model_.cost(asked).time();
    check_.expect(more >= time * (1 - kCollectiveRounding),
                  "{}: twice the bytes take {}, less than {}", what, to_text(more), to_text(time));
  }

  const CollectiveModel& model_;
  Check check_;
};

}  // namespace

Findings check_collectives(const CollectiveModel& model, const Platform& platform) {
  CollectiveCheck check(model);
  for (const int size : {1, 2, platform.devices_per_server(), platform.devices()}) {
    if (size > platform.devices()) continue;
    std::vector<int> devices(static_cast<std::size_t>(size));
    std::iota(devices.begin(), devices.end(), 0);
    check.group(fmt::format("{} devices", size), platform.layout(devices));
  }
  return check.take();
}

}  // namespace orrery
