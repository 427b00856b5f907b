// The kernel: a queue of its own for timers and flows that share nothing. Flows that compete run in
// SharedFlows; while they do, its clock leads and wakes the queue.
#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include <orrery/error.hpp>

#include "kernel/contention.hpp"
#include "kernel/kernel.hpp"
#include "kernel/shared_flows.hpp"
#include "kernel/timer_queue.hpp"

namespace orrery {
namespace {

// What of a flow may be left to rounding when its end is due.
constexpr double kRounding = 1e-14;

class EventKernel final : public Kernel, SharedFlowsListener {
 public:
  [[nodiscard]] Seconds now() const override { return now_; }
  [[nodiscard]] std::uint64_t events() const override { return events_; }
  [[nodiscard]] std::uint64_t flows() const override { return flows_started_; }
  [[nodiscard]] std::uint64_t shared_flows() const override { return flows_shared_; }

  Resource add_resource(BytesPerSecond capacity) override {
    return contention_.add_resource(capacity);
  }

  Timer start_timer(Seconds delay, Token token) override {
    ORRERY_CHECK(delay.si() >= 0);
    const Slot slot = take_slot(Kind::Timer, token);
    queue_.push(slot, now_ + delay);
    return activities_[slot].uses << 32 | slot;
  }

  void cancel_timer(Timer timer) override {
    const auto slot = static_cast<Slot>(timer & 0xffffffffU);
    ORRERY_CHECK(slot < activities_.size() && activities_[slot].kind == Kind::Timer &&
                 activities_[slot].uses == timer >> 32);
    queue_.remove(slot);
    release(slot);
  }

  void start_flow(const Flow& flow, Token token) override {
    ORRERY_CHECK(flow.size.si() > 0 && flow.bound.si() > 0 && flow.weight > 0);
    const Slot slot = take_slot(Kind::Alone, token);
    ++flows_started_;
    contention_.add(slot, flow);
    Activity& activity = activities_[slot];
    activity.left = flow.size;
    activity.since = now_;
    if (contention_.competes(slot)) {
      activity.kind = Kind::Competing;  // from the end of this instant
    } else {
      queue_.push(slot, now_ + flow.size / contention_.fastest(slot));
    }
  }

  void run(CompletionHandler& handler) override {
    handler_ = &handler;
    share();
    while (!failure_) {
      if (shared_ != nullptr && shared_->in_flight() > 0) {
        shared_->run(now_, *this);
      } else if (!queue_.empty()) {
        now_ = queue_.date();
        deliver();
      } else {
        break;
      }
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  using Slot = std::uint32_t;
  enum class Kind : std::uint8_t { Free, Timer, Alone, Competing, Shared };
  struct Activity {
    Token token = 0;
    std::uint64_t sequence = 0;
    std::uint64_t uses = 0;  // of the slot so far
    Bytes left{};            // of a flow, at `since`
    Seconds since{};
    double reference = 0;  // of a shared flow
    Kind kind = Kind::Free;
  };
  struct Completion {
    std::uint64_t sequence;
    Token token;
  };

  Slot take_slot(Kind kind, Token token) {
    if (free_slots_.empty()) {
      free_slots_.push_back(static_cast<Slot>(activities_.size()));
      activities_.emplace_back();
    }
    const Slot slot = free_slots_.back();
    free_slots_.pop_back();
    Activity& activity = activities_[slot];
    activity.token = token;
    activity.sequence = sequence_++;
    activity.kind = kind;
    ++activity.uses;
    return slot;
  }

  void release(Slot slot) {
    activities_[slot].kind = Kind::Free;
    free_slots_.push_back(slot);
  }

  void end(Slot slot) {
    const Activity& activity = activities_[slot];
    batch_.push_back({activity.sequence, activity.token});
    if (activity.kind != Kind::Timer) contention_.remove(slot);
    if (activity.kind == Kind::Shared && !mixed_.empty()) std::erase(mixed_, slot);
    release(slot);
  }

  // Time has come to now_ by SimGrid's clock.
  void wake(Seconds now, std::span<const std::uint32_t> ended) override {
    now_ = max(now_, now);
    for (const Slot slot : ended) end(slot);
    deliver();
    if (!failure_ && !queue_.empty()) shared_->wake_at(queue_.date());
  }

  // Everything that is due at this instant, in the order in which it was started.
  void deliver() {
    while (!queue_.empty() && queue_.date() <= now_) {
      const Slot slot = queue_.top();
      queue_.remove(slot);
      end(slot);
    }
    if (batch_.empty()) return;
    const auto earlier = [](const Completion& a, const Completion& b) {
      return a.sequence < b.sequence;
    };
    if (!std::is_sorted(batch_.begin(), batch_.end(), earlier)) {
      std::sort(batch_.begin(), batch_.end(), earlier);
    }
    tokens_.clear();
    for (const Completion& completion : batch_) tokens_.push_back(completion.token);
    events_ += batch_.size();
    batch_.clear();
    hand_over();
  }

  // No exception may cross SimGrid. After one, what is under way there runs out unheard and nothing
  // new starts.
  void hand_over() {
    if (failure_) return;
    try {
      handler_->completed(tokens_);
      share();
    } catch (...) {
      failure_ = std::current_exception();
      queue_.clear();
    }
  }

  // Flows that compete from this instant on enter SimGrid with what they have left.
  void share() {
    if (contention_.any_affected()) {
      for (const Slot slot : contention_.take_affected()) share(slot);
    }
    for (const Slot slot : mixed_) update_reference(slot);
  }

  void share(Slot slot) {
    Activity& activity = activities_[slot];
    const bool in_flight = activity.kind == Kind::Alone || activity.kind == Kind::Competing ||
                           activity.kind == Kind::Shared;
    if (!in_flight || !contention_.outdated(slot)) return;
    if (shared_ == nullptr) shared_ = make_simgrid_shared_flows();
    if (activity.kind == Kind::Alone) {
      const Bytes left = activity.left - contention_.fastest(slot) * (now_ - activity.since);
      if (left <= kRounding * activity.left) return;  // it ends now
      activity.left = left;
      queue_.remove(slot);
    }
    if (activity.kind == Kind::Shared) {
      activity.left = shared_->stop(slot);
      std::erase(mixed_, slot);
    } else {
      ++flows_shared_;
    }
    enter(slot);
  }

  void enter(Slot slot) {
    Activity& activity = activities_[slot];
    activity.kind = Kind::Shared;
    activity.reference = contention_.reference(slot);
    shared_->start(slot, {.demands = contention_.list_demands(slot),
                          .left = activity.left,
                          .fastest = contention_.fastest(slot),
                          .weight = contention_.weight(slot),
                          .reference = activity.reference});
    if (contention_.mixed(slot)) mixed_.push_back(slot);
  }

  void update_reference(Slot slot) {
    if (!contention_.competes(slot)) return;  // as fast as alone, whatever it is
    const double reference = contention_.reference(slot);
    if (std::exchange(activities_[slot].reference, reference) == reference) return;
    shared_->set_reference(slot, reference);
  }

  Seconds now_{};
  CompletionHandler* handler_ = nullptr;
  TimerQueue queue_;
  Contention contention_;
  std::unique_ptr<SharedFlows> shared_;  // from the first time that flows compete
  std::vector<Activity> activities_;
  std::vector<Slot> free_slots_;
  std::vector<Slot> mixed_;  // shared flows whose reference may change
  std::vector<Completion> batch_;
  std::vector<Token> tokens_;
  std::uint64_t sequence_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t flows_started_ = 0;
  std::uint64_t flows_shared_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

std::unique_ptr<Kernel> make_kernel() { return std::make_unique<EventKernel>(); }

}  // namespace orrery
