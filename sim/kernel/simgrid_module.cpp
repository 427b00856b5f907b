// Loads what runs on SimGrid when flows compete first: SimGrid draws in some thirty shared
// libraries, 20 ms of every process that links it. SimGrid 3.32 keeps its state by thread and
// completes nothing on another than the one that used it first, so it gets a thread of its own.
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include <orrery/error.hpp>

#include "install/module.hpp"
#include "kernel/shared_flows.hpp"

namespace orrery {
namespace {

class SimgridThread {
 public:
  // Never ends, as SimGrid's engine does not.
  static SimgridThread& instance() {
    static auto* const thread = new SimgridThread;
    return *thread;
  }

  // Runs `work` there and waits for it. One caller at a time; `work` may call again.
  void run(const std::function<void()>& work) {
    if (std::this_thread::get_id() == id_) return work();
    std::unique_lock lock(mutex_);
    work_ = &work;
    changed_.notify_all();
    changed_.wait(lock, [this] { return work_ == nullptr; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  SimgridThread() {
    std::thread thread([this] { loop(); });
    id_ = thread.get_id();
    thread.detach();
  }

  void loop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return work_ != nullptr; });
      const std::function<void()>& work = *work_;
      lock.unlock();
      try {
        work();
      } catch (...) {
        failure_ = std::current_exception();
      }
      lock.lock();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::thread::id id_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  std::exception_ptr failure_;
};

// The right to use SimGrid, which one kernel has at a time.
class Turn {
 public:
  Turn() {
    State& state = shared();
    std::unique_lock lock(state.mutex);
    ORRERY_CHECK(state.owner != std::this_thread::get_id());
    state.changed.wait(lock, [&] { return state.owner == std::thread::id(); });
    state.owner = std::this_thread::get_id();
  }
  ~Turn() {
    State& state = shared();
    const std::lock_guard lock(state.mutex);
    state.owner = {};
    state.changed.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::thread::id owner;
  };
  static State& shared() {
    static auto* const state = new State;  // as long as SimGrid's thread
    return *state;
  }
};

// Flows that live on SimGrid's thread. What listens to them is called there while the caller of
// run() waits.
class FlowsElsewhere final : public SharedFlows {
 public:
  FlowsElsewhere() {
    using Make = SharedFlows*();
    static void* const make = module_function("simgrid.so", "orrery_make_shared_flows");
    there([&] { flows_.reset(reinterpret_cast<Make*>(make)()); });
  }
  ~FlowsElsewhere() override {
    there([&] { flows_.reset(); });
  }
  FlowsElsewhere(const FlowsElsewhere&) = delete;
  FlowsElsewhere& operator=(const FlowsElsewhere&) = delete;

  void start(std::uint32_t id, const SharedFlow& flow) override {
    there([&] { flows_->start(id, flow); });
  }
  Bytes stop(std::uint32_t id) override {
    Bytes left{};
    there([&] { left = flows_->stop(id); });
    return left;
  }
  void set_reference(std::uint32_t id, double reference) override {
    there([&] { flows_->set_reference(id, reference); });
  }
  [[nodiscard]] std::size_t in_flight() const override { return flows_->in_flight(); }
  void wake_at(Seconds date) override {
    there([&] { flows_->wake_at(date); });
  }
  void run(Seconds now, SharedFlowsListener& listener) override {
    there([&] { flows_->run(now, listener); });
  }

 private:
  static void there(const std::function<void()>& work) { SimgridThread::instance().run(work); }

  Turn turn_;
  std::unique_ptr<SharedFlows> flows_;
};

}  // namespace

std::unique_ptr<SharedFlows> make_simgrid_shared_flows() {
  return std::make_unique<FlowsElsewhere>();
}

}  // namespace orrery
