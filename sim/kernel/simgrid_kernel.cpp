// The only file that includes SimGrid. What it has to know about SimGrid 3.32:
// - the clock, the signals and the hosts are process-wide and outlive an Engine, so one Engine
// serves
//   the process, hosts are pooled, and time is counted from the start of each kernel;
// - a port is a host of speed 1 and a flow an execution on it: host-to-host Comms ignore
// set_rate(), while
//   executions share max-min with an exact bound and take a double, not whole bytes;
// - an activity must be created only when it starts: waiting ones are scanned at every completion;
// - simultaneous completions come in reverse order: they are collected by a zero-delay timer and
// sorted;
// - an exception must not cross a SimGrid callback: it is kept and thrown again after run().
#include <algorithm>
#include <compare>
#include <exception>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/s4u.hpp>

#include <orrery/error.hpp>

#include "kernel/kernel.hpp"

namespace orrery {
namespace {

namespace sg4 = simgrid::s4u;
using SimgridTimer = simgrid::kernel::timer::Timer;

class SimgridKernel;
SimgridKernel* running_kernel = nullptr;  // SimGrid's completion signal has no user data

// The process's Engine and its pool of ports. SimGrid allows one Engine a process.
class World {
 public:
  static World& instance() {
    static World world;
    return world;
  }
  sg4::Host* port(std::size_t index) const {
    ORRERY_CHECK(index < ports_.size());
    return ports_[index];
  }
  void run() { engine_->run(); }

 private:
  World() {
    static char name[] = "orrery";
    static char quiet[] = "--log=root.thres:critical";
    static char* arguments[] = {name, quiet, nullptr};
    int count = 2;
    engine_ = new sg4::Engine(&count, arguments);  // lives until the process ends
    sg4::Engine::set_config("surf/precision:1e-15");
    make_ports();
  }
  // SimGrid seals the platform at the first run: all ports that any run may need are made before it
  // (10 ms).
  void make_ports() {
    auto* zone = sg4::create_star_zone("ports");
    for (std::size_t i = 0; i < Kernel::kMostPorts; ++i) {
      ports_.push_back(zone->create_host("port" + std::to_string(i), 1.0));
    }
    zone->seal();
  }

  sg4::Engine* engine_ = nullptr;
  std::vector<sg4::Host*> ports_;
};

class SimgridKernel final : public Kernel {
 public:
  SimgridKernel() {
    ORRERY_CHECK(running_kernel == nullptr);
    World::instance();
    static const bool subscribed = [] {
      sg4::Activity::on_completion_cb([](const sg4::Activity& activity) { flow_ended(activity); });
      return true;
    }();
    ORRERY_CHECK(subscribed);
    start_ = sg4::Engine::get_clock();
    running_kernel = this;
  }
  ~SimgridKernel() override { running_kernel = nullptr; }
  SimgridKernel(const SimgridKernel&) = delete;
  SimgridKernel& operator=(const SimgridKernel&) = delete;

  Seconds now() const override { return now_; }

  Port add_port(BytesPerSecond capacity) override {
    ORRERY_CHECK(capacity.si() > 0);
    ports_.push_back({World::instance().port(ports_.size()), capacity});
    return static_cast<Port>(ports_.size() - 1);
  }

  Timer start_timer(Seconds delay, Token token) override {
    ORRERY_CHECK(delay.si() >= 0);
    // Dates are local, so that times do not depend on what the process simulated before.
    const Timer id = sequence_++;
    const Seconds date = now_ + delay;
    dates_.emplace(id, date);
    timers_.emplace(Due{date, id}, token);
    arm(timers_.begin()->first.date);
    return id;
  }

  void cancel_timer(Timer timer) override {
    const auto found = dates_.find(timer);
    ORRERY_CHECK(found != dates_.end());
    timers_.erase({found->second, timer});
    dates_.erase(found);
  }

  void start_flow(Port port, Bytes bytes, BytesPerSecond rate_limit, Token token) override {
    ORRERY_CHECK(bytes.si() > 0 && rate_limit.si() > 0);
    const SharedPort& shared = ports_.at(port);
    auto exec = sg4::Exec::init();
    exec->set_flops_amount(bytes.si() / shared.capacity.si());
    exec->set_bound(rate_limit.si() / shared.capacity.si());
    exec->set_host(shared.host);
    flows_.emplace(exec.get(), Flow{exec, sequence_++, token});
    exec->start();
  }

  void run(CompletionHandler& handler) override {
    handler_ = &handler;
    World::instance().run();
    if (failure_) std::rethrow_exception(failure_);
    ORRERY_CHECK(flows_.empty() && timers_.empty());
  }

  std::uint64_t events() const override { return events_; }

 private:
  struct SharedPort {
    sg4::Host* host;
    BytesPerSecond capacity;
  };
  struct Flow {
    sg4::ExecPtr exec;
    std::uint64_t sequence;
    Token token;
  };
  struct Completion {
    std::uint64_t sequence;
    Token token;
  };

  struct Due {
    Seconds date;
    Timer id;
    friend auto operator<=>(const Due&, const Due&) = default;
  };

  static void flow_ended(const sg4::Activity& activity) {
    if (running_kernel == nullptr) return;
    running_kernel->collect_flow(activity);
  }

  void collect_flow(const sg4::Activity& activity) {
    const auto found = flows_.find(&activity);
    if (found == flows_.end()) return;
    if (batch_.empty()) SimgridTimer::set(sg4::Engine::get_clock(), [this] { wake(); });
    batch_.push_back({found->second.sequence, found->second.token});
    now_ = max(now_, Seconds(sg4::Engine::get_clock() - start_));
    // The activity is still in use by its caller: release it with the delivery.
    ended_.push_back(std::move(found->second.exec));
    flows_.erase(found);
  }

  // Makes SimGrid wake us at `date` unless it will anyway, earlier.
  void arm(Seconds date) {
    if (armed_ && *armed_ <= date) return;
    armed_ = date;
    SimgridTimer::set(start_ + date.si(), [this, date] {
      if (armed_ == date) armed_.reset();
      if (!timers_.empty() && timers_.begin()->first.date <= date) now_ = max(now_, date);
      wake();
    });
  }

  // Delivers all flows that ended and all timers that are due at this instant, then waits for the
  // next timer.
  void wake() {
    while (!timers_.empty() && timers_.begin()->first.date <= now_) {
      const auto first = timers_.begin();
      batch_.push_back({first->first.id, first->second});
      dates_.erase(first->first.id);
      timers_.erase(first);
    }
    if (!batch_.empty()) deliver();
    if (!timers_.empty()) arm(timers_.begin()->first.date);
  }

  void deliver() {
    std::sort(batch_.begin(), batch_.end(),
              [](const Completion& a, const Completion& b) { return a.sequence < b.sequence; });
    tokens_.clear();
    for (const Completion& completion : batch_) tokens_.push_back(completion.token);
    events_ += batch_.size();
    batch_.clear();
    ended_.clear();
    if (failure_) return;
    try {
      handler_->completed(tokens_);
    } catch (...) {
      // What is under way runs out unheard; nothing new starts.
      failure_ = std::current_exception();
      timers_.clear();
      dates_.clear();
    }
  }

  Seconds now_{};
  double start_ = 0;  // SimGrid's clock when this kernel was made, in s
  CompletionHandler* handler_ = nullptr;
  std::vector<SharedPort> ports_;
  std::map<Due, Token> timers_;
  std::unordered_map<Timer, Seconds> dates_;  // of every timer, for cancelling
  std::optional<Seconds> armed_;              // when SimGrid wakes us next
  std::unordered_map<const sg4::Activity*, Flow> flows_;
  std::vector<sg4::ExecPtr> ended_;
  std::vector<Completion> batch_;
  std::vector<Token> tokens_;
  std::uint64_t sequence_ = 0;
  std::uint64_t events_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

// What the module offers (install/module.hpp).
extern "C" {
[[gnu::visibility("default")]] extern const char orrery_module_version[] = ORRERY_VERSION;
[[gnu::visibility("default")]] Kernel* orrery_make_simgrid_kernel() { return new SimgridKernel; }
}

}  // namespace orrery
