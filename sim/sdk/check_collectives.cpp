#include <numeric>

#include "sdk/findings.hpp"

namespace orrery {
namespace {

constexpr double kCollectiveRounding = 1e-9;
constexpr CollectiveKind kKinds[] = {CollectiveKind::AllReduce,     CollectiveKind::AllGather,
                                     CollectiveKind::ReduceScatter, CollectiveKind::AllToAll,
                                     CollectiveKind::Broadcast,     CollectiveKind::SendRecv};

bool equal(const CollectiveCost& a, const CollectiveCost& b) {
  if (a.loads.size() != b.loads.size()) return false;
  for (std::size_t i = 0; i < a.loads.size(); ++i) {
    if (a.loads[i].link != b.loads[i].link || a.loads[i].bytes != b.loads[i].bytes) return false;
  }
  return a.latency == b.latency && a.transfer == b.transfer && a.algorithm == b.algorithm &&
         a.protocol == b.protocol && a.multiprocessors == b.multiprocessors && a.memory == b.memory;
}

// All links at half their bandwidth.
GroupLayout halved(GroupLayout layout) {
  for (BytesPerSecond GroupLayout::* const rate :
       {&GroupLayout::scale_up, &GroupLayout::torus_link, &GroupLayout::scale_out,
        &GroupLayout::scale_out_all_to_all, &GroupLayout::scale_out_alone}) {
    layout.*rate = layout.*rate * 0.5;
  }
  return layout;
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
      check_.expect(cost.loads.empty() || cost.transfer == Seconds(0), "{}: one rank loads links",
                    what);
      return;
    }
    check_.expect(cost.time() > Seconds(0), "{}: it takes no time", what);
    loads(what, asked, cost);
    slower(what, asked, cost.time());
  }

  void loads(const std::string& what, const CollectiveRequest& asked, const CollectiveCost& cost) {
    for (const LinkLoad& load : cost.loads) {
      const bool up = load.link == LinkClass::ScaleUp;
      const char* where = up ? "links in the server" : "links between servers";
      check_.expect(sound(load.bytes.si()), "{}: the load of the {} is negative", what, where);
      // One device alone may use more of its server's NICs than its share.
      const BytesPerSecond most =
          up ? asked.layout.scale_up : max(asked.layout.scale_out, asked.layout.scale_out_alone);
      check_.expect(load.bytes <= most * cost.transfer * (1 + kCollectiveRounding),
                    "{}: the {} carry {} in {}, above their {}", what, where, to_text(load.bytes),
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
