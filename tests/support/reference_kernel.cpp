#include "support/reference_kernel.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <orrery/error.hpp>

namespace orrery::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Progressive filling, in SI doubles.
class Filling {
 public:
  Filling(const std::vector<BytesPerSecond>& capacities, const std::vector<Sharer>& flows)
      : capacities_(capacities), flows_(flows), rates_(flows.size()), fixed_(flows.size()) {
    for (const Sharer& flow : flows) {
      alone_.push_back(flow.bound.si());
      for (const auto& [resource, amount] : flow.demands) {
        alone_.back() = std::min(alone_.back(), capacity(resource) / amount);
      }
    }
    find_contended();
    for (const Sharer& flow : flows) growth_.push_back(growth(flow));
  }

  std::vector<BytesPerSecond> run() {
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      if (growth_[i] == 0) fix(i, alone_[i]);
    }
    while (std::find(fixed_.begin(), fixed_.end(), false) != fixed_.end()) raise();
    std::vector<BytesPerSecond> rates;
    for (const double rate : rates_) rates.emplace_back(rate);
    return rates;
  }

 private:
  [[nodiscard]] double capacity(std::size_t resource) const { return capacities_[resource].si(); }

  void fix(std::size_t flow, double rate) {
    rates_[flow] = rate;
    fixed_[flow] = true;
  }

  [[nodiscard]] double sum(std::size_t resource, const std::vector<double>& of,
                           bool fixed_ones) const {
    double total = 0;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      if (fixed_[i] != fixed_ones) continue;
      for (const Demand& demand : flows_[i].demands) {
        if (demand.resource == resource) total += demand.amount * of[i];
      }
    }
    return total;
  }

  void find_contended() {
    for (std::size_t r = 0; r < capacities_.size(); ++r) {
      contended_.push_back(sum(r, alone_, false) > capacity(r) * (1 + 1e-12));
      weights_.push_back(0);
      for (const Sharer& flow : flows_) {
        for (const Demand& demand : flow.demands) {
          if (demand.resource == r) weights_[r] += flow.weight;
        }
      }
    }
  }

  // w_i / A_i; 0 for a flow without a contended resource.
  [[nodiscard]] double growth(const Sharer& flow) const {
    double narrowest = 0;
    double reference = kInfinity;
    for (const auto& [resource, amount] : flow.demands) {
      const double narrow = amount * weights_[resource] / capacity(resource);
      if (!contended_[resource] || narrow <= narrowest * (1 + 1e-9)) continue;
      narrowest = narrow;
      reference = amount;
    }
    return flow.weight / reference;
  }

  // Raises the level to where the next flow or resource stops growing.
  void raise() {
    double level = kInfinity;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      if (!fixed_[i]) level = std::min(level, alone_[i] / growth_[i]);
    }
    std::vector<double> full_at;
    for (std::size_t r = 0; r < capacities_.size(); ++r) {
      const double left = capacity(r) - sum(r, rates_, true);
      const double grows = sum(r, growth_, false);
      full_at.push_back(grows > 0 ? std::max(0.0, left) / grows : kInfinity);
      level = std::min(level, full_at.back());
    }
    const double reached = level * (1 + 4 * std::numeric_limits<double>::epsilon());
    std::vector<std::size_t> stop;
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      if (fixed_[i]) continue;
      const auto& demands = flows_[i].demands;
      const bool full = std::any_of(demands.begin(), demands.end(), [&](const Demand& demand) {
        return full_at[demand.resource] <= reached;
      });
      if (full || alone_[i] / growth_[i] <= reached) stop.push_back(i);
    }
    for (const std::size_t i : stop) fix(i, std::min(alone_[i], growth_[i] * level));
  }

  const std::vector<BytesPerSecond>& capacities_;
  const std::vector<Sharer>& flows_;
  std::vector<double> alone_, growth_;
  std::vector<double> rates_;
  std::vector<bool> fixed_;
  std::vector<bool> contended_;
  std::vector<double> weights_;
};

class ReferenceKernel final : public Kernel {
 public:
  [[nodiscard]] Seconds now() const override { return now_; }
  [[nodiscard]] std::uint64_t events() const override { return events_; }
  [[nodiscard]] std::uint64_t flows() const override { return started_; }
  [[nodiscard]] std::uint64_t shared_flows() const override { return slowed_; }

  Resource add_resource(BytesPerSecond capacity) override {
    ORRERY_CHECK(capacity.si() > 0);
    capacities_.push_back(capacity);
    return static_cast<Resource>(capacities_.size() - 1);
  }

  Timer start_timer(Seconds delay, Token token) override {
    ORRERY_CHECK(delay.si() >= 0);
    timers_.push_back({now_ + delay, sequence_, token});
    return sequence_++;
  }

  void cancel_timer(Timer timer) override {
    ORRERY_CHECK(std::erase_if(timers_, [=](const Waiting& w) { return w.sequence == timer; }) ==
                 1);
  }

  void start_flow(const Flow& flow, Token token) override {
    ORRERY_CHECK(flow.size.si() > 0 && flow.bound.si() > 0 && flow.weight > 0);
    Sharer sharer{.demands = {}, .bound = flow.bound, .weight = flow.weight};
    for (const Demand& demand : flow.demands) {
      ORRERY_CHECK(demand.resource < capacities_.size() && demand.amount > 0);
      const auto same =
          std::find_if(sharer.demands.begin(), sharer.demands.end(),
                       [&](const Demand& d) { return d.resource == demand.resource; });
      if (same == sharer.demands.end()) {
        sharer.demands.push_back(demand);
      } else {
        same->amount += demand.amount;
      }
    }
    flows_.push_back({flow.size, {}, sequence_++, token, false});
    sharers_.push_back(std::move(sharer));
    ++started_;
  }

  void run(CompletionHandler& handler) override {
    while (!timers_.empty() || !flows_.empty()) {
      share();
      const Seconds date = next_date();
      std::vector<Ended> ended = advance(date);
      std::sort(ended.begin(), ended.end(),
                [](auto& a, auto& b) { return a.sequence < b.sequence; });
      std::vector<Token> tokens;
      for (const Ended& one : ended) tokens.push_back(one.token);
      events_ += tokens.size();
      handler.completed(tokens);
    }
  }

 private:
  struct Waiting {
    Seconds date;
    std::uint64_t sequence;
    Token token;
  };
  struct Moving {
    Bytes left;
    BytesPerSecond rate;
    std::uint64_t sequence;
    Token token;
    bool slowed;
  };
  struct Ended {
    std::uint64_t sequence;
    Token token;
  };

  void share() {
    const auto rates = fair_rates(capacities_, sharers_);
    for (std::size_t i = 0; i < flows_.size(); ++i) {
      flows_[i].rate = rates[i];
      const BytesPerSecond alone = fair_rates(capacities_, {sharers_[i]}).front();
      if (rates[i] < alone * (1 - 1e-12) && !std::exchange(flows_[i].slowed, true)) ++slowed_;
    }
  }

  [[nodiscard]] Seconds next_date() const {
    Seconds date(kInfinity);
    for (const Waiting& timer : timers_) date = min(date, timer.date);
    for (const Moving& flow : flows_) date = min(date, now_ + flow.left / flow.rate);
    return date;
  }

  std::vector<Ended> advance(Seconds date) {
    constexpr double kRounding = 4 * std::numeric_limits<double>::epsilon();
    const Seconds together = date + kRounding * date;
    std::vector<Ended> ended;
    std::erase_if(timers_, [&](const Waiting& timer) {
      if (timer.date > together) return false;
      ended.push_back({timer.sequence, timer.token});
      return true;
    });
    for (std::size_t i = flows_.size(); i-- > 0;) {
      Moving& flow = flows_[i];
      if (now_ + flow.left / flow.rate <= together) {
        ended.push_back({flow.sequence, flow.token});
        flows_.erase(flows_.begin() + static_cast<std::ptrdiff_t>(i));
        sharers_.erase(sharers_.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        flow.left -= flow.rate * (date - now_);
      }
    }
    now_ = date;
    return ended;
  }

  Seconds now_{};
  std::vector<BytesPerSecond> capacities_;
  std::vector<Waiting> timers_;
  std::vector<Moving> flows_;
  std::vector<Sharer> sharers_;  // of flows_
  std::uint64_t sequence_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t started_ = 0;
  std::uint64_t slowed_ = 0;
};

}  // namespace

std::vector<BytesPerSecond> fair_rates(const std::vector<BytesPerSecond>& capacities,
                                       const std::vector<Sharer>& flows) {
  return Filling(capacities, flows).run();
}

std::unique_ptr<Kernel> make_reference_kernel() { return std::make_unique<ReferenceKernel>(); }

}  // namespace orrery::test
