#include "support/reference_kernel.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include <orrery/error.hpp>

namespace orrery::test {

std::vector<BytesPerSecond> fair_rates(BytesPerSecond capacity,
                                       const std::vector<BytesPerSecond>& limits) {
  std::vector<std::size_t> order(limits.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return limits[a] < limits[b]; });
  std::vector<BytesPerSecond> rates(limits.size());
  BytesPerSecond left = capacity;
  for (std::size_t i = 0; i < order.size(); ++i) {
    // What the slower ones leave is shared evenly.
    rates[order[i]] = min(limits[order[i]], left / static_cast<double>(order.size() - i));
    left -= rates[order[i]];
  }
  return rates;
}

namespace {

class ReferenceKernel final : public Kernel {
 public:
  [[nodiscard]] Seconds now() const override { return now_; }
  [[nodiscard]] std::uint64_t events() const override { return events_; }

  Port add_port(BytesPerSecond capacity) override {
    ORRERY_CHECK(capacity.si() > 0);
    ports_.push_back(capacity);
    return static_cast<Port>(ports_.size() - 1);
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

  void start_flow(Port port, Bytes bytes, BytesPerSecond rate_limit, Token token) override {
    ORRERY_CHECK(bytes.si() > 0 && rate_limit.si() > 0 && port < ports_.size());
    flows_.push_back({port, bytes, rate_limit, {}, sequence_++, token});
  }

  void run(CompletionHandler& handler) override {
    while (!timers_.empty() || !flows_.empty()) {
      share_ports();
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
  struct Flow {
    Port port;
    Bytes left;
    BytesPerSecond limit, rate;
    std::uint64_t sequence;
    Token token;
  };
  struct Ended {
    std::uint64_t sequence;
    Token token;
  };

  void share_ports() {
    for (Port port = 0; port < ports_.size(); ++port) {
      std::vector<Flow*> here;
      std::vector<BytesPerSecond> limits;
      for (Flow& flow : flows_) {
        if (flow.port != port) continue;
        here.push_back(&flow);
        limits.push_back(flow.limit);
      }
      const auto rates = fair_rates(ports_[port], limits);
      for (std::size_t i = 0; i < here.size(); ++i) here[i]->rate = rates[i];
    }
  }

  [[nodiscard]] Seconds next_date() const {
    Seconds date(std::numeric_limits<double>::infinity());
    for (const Waiting& timer : timers_) date = min(date, timer.date);
    for (const Flow& flow : flows_) date = min(date, now_ + flow.left / flow.rate);
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
    std::erase_if(flows_, [&](Flow& flow) {
      if (now_ + flow.left / flow.rate <= together) {
        ended.push_back({flow.sequence, flow.token});
        return true;
      }
      flow.left -= flow.rate * (date - now_);
      return false;
    });
    now_ = date;
    return ended;
  }

  Seconds now_{};
  std::vector<BytesPerSecond> ports_;
  std::vector<Waiting> timers_;
  std::vector<Flow> flows_;
  std::uint64_t sequence_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make_reference_kernel() { return std::make_unique<ReferenceKernel>(); }

}  // namespace orrery::test
