// The only file that includes SimGrid. What it has to know about SimGrid 3.32:
// - the clock and the signals are process-wide and outlive an Engine, so one Engine serves the
//   process, links are pooled, and time is counted from where the caller stands;
// - CM02 without its corrections is a fluid model: a resource is a link, a flow a transfer over the
//   links of its resources. A link that is listed n times is taken n times;
// - a flow's own link gives it its bound by its bandwidth and, by its latency, the penalty that its
//   rate is inverse to. set_rate() of a host-to-host Comm is ignored, and a latency that the Comm
//   starts with would delay it, so it is set just after the start;
// - payloads are whole bytes: every flow has 2^50 of them, and the factor between its rate and the
//   bandwidth that it takes, which the model asks a callback for, is exact;
// - the first run seals the zones of the root; a zone outside that tree stays open, so links can be
//   made at any time. A zone of one's own gives each transfer the route that it starts with;
// - an activity must be created only when it starts: waiting ones are scanned at every completion;
// - simultaneous completions come in no useful order: a zero-delay timer collects them;
// - bad input aborts: everything is checked before.
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <simgrid/kernel/routing/NetZoneImpl.hpp>
#include <simgrid/s4u.hpp>

#include <orrery/error.hpp>

#include "kernel/shared_flows.hpp"
#include "kernel/whole_amounts.hpp"

namespace orrery {
namespace {

namespace sg4 = simgrid::s4u;
namespace routing = simgrid::kernel::routing;
using SimgridTimer = simgrid::kernel::timer::Timer;

constexpr std::uint64_t kPayload = 1ULL << 50;

// Two hosts, and between them whatever route the transfer that starts shall have.
class OpenZone final : public routing::NetZoneImpl {
 public:
  explicit OpenZone(const std::string& name) : NetZoneImpl(name) {}
  void set_route(std::vector<sg4::LinkInRoute> route) { route_ = std::move(route); }

  void get_local_route(const routing::NetPoint*, const routing::NetPoint*, routing::Route* into,
                       double*) override {
    into->link_list_ = get_link_list_impl(route_, false);
  }

 private:
  std::vector<sg4::LinkInRoute> route_;
};

// The process's Engine, and links, which are made when they are needed first.
class World {
 public:
  static World& instance() {
    static World world;
    return world;
  }
  sg4::Link* link(std::size_t index) {
    while (links_.size() <= index) {
      sg4::Link* made = zone_->create_link("link" + std::to_string(links_.size()), {1.0});
      links_.push_back(made->seal());
    }
    return links_[index];
  }
  // A transfer over `route`, whose rate is `factor` times the bandwidth that it takes.
  sg4::CommPtr start(std::vector<sg4::LinkInRoute> route, double factor) {
    zone_->set_route(std::move(route));
    rate_factor_ = factor;
    sg4::CommPtr comm = sg4::Comm::sendto_init(from_, to_);
    comm->set_payload_size(kPayload);
    comm->start();
    return comm;
  }
  void run() { engine_->run(); }

 private:
  World() {
    static char name[] = "orrery";
    static char quiet[] = "--log=root.thres:critical";
    static char* arguments[] = {name, quiet, nullptr};
    int count = 2;
    engine_ = new sg4::Engine(&count, arguments);  // lives until the process ends
    for (const char* setting :
         {"network/model:CM02", "network/TCP-gamma:0", "network/crosstraffic:0",
          "network/weight-S:0", "surf/precision:1e-15", "maxmin/precision:1e-12"}) {
      sg4::Engine::set_config(setting);
    }
    make_zone(*sg4::create_empty_zone("root")->get_impl());
  }

  void make_zone(const routing::NetZoneImpl& root) {
    zone_ = new OpenZone("flows");  // SimGrid's, as all zones
    zone_->set_network_model(root.get_network_model());
    zone_->set_cpu_pm_model(root.get_cpu_pm_model());
    zone_->set_cpu_vm_model(root.get_cpu_vm_model());
    zone_->set_disk_model(root.get_disk_model());
    zone_->set_host_model(root.get_host_model());
    from_ = zone_->create_host("from", {1.0});
    to_ = zone_->create_host("to", {1.0});
    from_->seal();
    to_->seal();
    auto* model = zone_->get_iface()->get_network_model();
    model->set_bw_factor_cb(
        [this](double, const sg4::Host*, const sg4::Host*, const std::vector<sg4::Link*>&,
               const std::unordered_set<sg4::NetZone*>&) { return rate_factor_; });
    model->set_lat_factor_cb([](double, const sg4::Host*, const sg4::Host*,
                                const std::vector<sg4::Link*>&,
                                const std::unordered_set<sg4::NetZone*>&) { return 0.0; });
  }

  sg4::Engine* engine_ = nullptr;
  OpenZone* zone_ = nullptr;
  sg4::Host* from_ = nullptr;
  sg4::Host* to_ = nullptr;
  std::vector<sg4::Link*> links_;
  double rate_factor_ = 1;
};

class SimgridSharedFlows;
SimgridSharedFlows* in_use = nullptr;  // SimGrid's completion signal has no user data

class SimgridSharedFlows final : public SharedFlows {
 public:
  SimgridSharedFlows() {
    ORRERY_CHECK(in_use == nullptr);
    World::instance();
    static const bool subscribed = [] {
      sg4::Activity::on_completion_cb([](const sg4::Activity& activity) {
        if (in_use != nullptr) in_use->collect(activity);
      });
      return true;
    }();
    ORRERY_CHECK(subscribed);
    in_use = this;
  }
  ~SimgridSharedFlows() override { in_use = nullptr; }
  SimgridSharedFlows(const SimgridSharedFlows&) = delete;
  SimgridSharedFlows& operator=(const SimgridSharedFlows&) = delete;

  void start(std::uint32_t id, const SharedFlow& flow) override {
    if (id >= flows_.size()) flows_.resize(id + 1);
    Transfer& transfer = flows_[id];
    ORRERY_CHECK(transfer.comm == nullptr);
    amounts_.clear();
    for (const SharedDemand& demand : flow.demands) amounts_.push_back(demand.amount);
    const WholeAmounts whole = whole_amounts(amounts_);
    transfer.own = take_link();
    transfer.unit = whole.unit;
    transfer.weight = flow.weight;
    transfer.left = flow.left;
    sg4::Link* own = World::instance().link(transfer.own);
    own->set_bandwidth(flow.fastest.si() * whole.unit);
    own->set_latency(0);
    transfer.comm = World::instance().start(
        route(own, flow, whole), static_cast<double>(kPayload) / (flow.left.si() * whole.unit));
    ids_.emplace(transfer.comm.get(), id);
    set_reference(id, flow.reference);
  }

  Bytes stop(std::uint32_t id) override {
    Transfer& transfer = flows_.at(id);
    ORRERY_CHECK(transfer.comm != nullptr);
    const double share = transfer.comm->get_remaining() / static_cast<double>(kPayload);
    ids_.erase(transfer.comm.get());
    finished_.push_back({std::exchange(transfer.comm, nullptr), transfer.own});
    finished_.back().comm->cancel();
    return transfer.left * share;
  }

  void set_reference(std::uint32_t id, double reference) override {
    const Transfer& transfer = flows_.at(id);
    World::instance()
        .link(transfer.own)
        ->set_latency(reference / (transfer.weight * transfer.unit));
  }

  std::size_t in_flight() const override { return ids_.size(); }

  void wake_at(Seconds date) override {
    if (alarm_ != nullptr) {
      if (alarm_date_ <= date) return;
      std::exchange(alarm_, nullptr)->remove();
    }
    alarm_date_ = date;
    alarm_ = SimgridTimer::set(offset_ + date.si(), [this] {
      alarm_ = nullptr;
      wake(max(now_, alarm_date_));
    });
  }

  void run(Seconds now, SharedFlowsListener& listener) override {
    listener_ = &listener;
    now_ = now;
    offset_ = sg4::Engine::get_clock() - now.si();
    listener.wake(now, {});
    World::instance().run();
    ORRERY_CHECK(ids_.empty() && alarm_ == nullptr);
  }

 private:
  struct Transfer {
    sg4::CommPtr comm;
    std::size_t own = 0;  // link
    double unit = 1;      // bytes of a resource for each time that its link is listed
    double weight = 1;
    Bytes left{};  // at its start
  };

  // Ended or cancelled. SimGrid still asks about it when it next takes stock, so it is kept until
  // the next wake.
  struct Finished {
    sg4::CommPtr comm;
    std::size_t own;
  };

  std::size_t take_link() {
    if (free_links_.empty()) return links_taken_++;
    const std::size_t link = free_links_.back();
    free_links_.pop_back();
    return link;
  }

  sg4::Link* resource(const SharedDemand& demand) {
    const auto [found, added] = resources_.emplace(demand.resource, links_taken_);
    if (added) {
      ++links_taken_;
      World::instance().link(found->second)->set_bandwidth(demand.capacity.si())->set_latency(0);
    }
    return World::instance().link(found->second);
  }

  std::vector<sg4::LinkInRoute> route(sg4::Link* own, const SharedFlow& flow,
                                      const WholeAmounts& whole) {
    std::vector<sg4::LinkInRoute> links;
    links.emplace_back(own);
    for (std::size_t i = 0; i < flow.demands.size(); ++i) {
      links.insert(links.end(), whole.times[i], sg4::LinkInRoute(resource(flow.demands[i])));
    }
    return links;
  }

  void collect(const sg4::Activity& activity) {
    const auto found = ids_.find(&activity);
    if (found == ids_.end()) return;
    if (ended_.empty()) SimgridTimer::set(sg4::Engine::get_clock(), [this] { wake(clock()); });
    Transfer& transfer = flows_[found->second];
    finished_.push_back({std::exchange(transfer.comm, nullptr), transfer.own});
    ended_.push_back(found->second);
    ids_.erase(found);
  }

  [[nodiscard]] Seconds clock() const {
    return max(now_, Seconds(sg4::Engine::get_clock() - offset_));
  }

  void wake(Seconds now) {
    now_ = now;
    const std::vector<std::uint32_t> ended = std::exchange(ended_, {});
    for (const Finished& one : finished_) free_links_.push_back(one.own);
    finished_.clear();
    listener_->wake(now, ended);
    // SimGrid would go on to the alarm by itself.
    if (ids_.empty() && alarm_ != nullptr) std::exchange(alarm_, nullptr)->remove();
  }

  SharedFlowsListener* listener_ = nullptr;
  Seconds now_{};
  double offset_ = 0;  // from the caller's time to SimGrid's clock, in s
  SimgridTimer* alarm_ = nullptr;
  Seconds alarm_date_{};
  std::vector<Transfer> flows_;  // by id
  std::unordered_map<const sg4::Activity*, std::uint32_t> ids_;
  std::unordered_map<std::uint32_t, std::size_t> resources_;  // links of
  std::vector<std::size_t> free_links_;                       // of flows
  std::size_t links_taken_ = 0;
  std::vector<std::uint32_t> ended_;
  std::vector<Finished> finished_;
  std::vector<double> amounts_;
};

}  // namespace

// What the module offers (install/module.hpp).
extern "C" {
[[gnu::visibility("default")]] extern const char orrery_module_version[] = ORRERY_VERSION;
[[gnu::visibility("default")]] SharedFlows* orrery_make_shared_flows() {
  return new SimgridSharedFlows;
}
}

}  // namespace orrery
