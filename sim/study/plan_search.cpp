#include "study/plan_search.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "scenario/evaluate.hpp"
#include "study/limit_bounds.hpp"
#include "study/strategy_evaluator.hpp"

namespace orrery {

bool better(const Found& a, const Found& b) {
  return a.time != b.time ? a.time < b.time : a.index < b.index;
}

namespace {

constexpr std::size_t kBatch = 256;  // strategies that a thread weighs at a time
constexpr const char* kMemory = "does not fit in memory";

// A strategy that fits, and what no evaluation of it is below.
struct Candidate {
  std::size_t index = 0;
  Seconds bound{};
  Bytes memory{};
  const Limit* out_of_reach = nullptr;  // that it is known not to keep
};

// What one thread has weighed.
struct Weighed {
  std::vector<Candidate> fit;
  std::map<std::string, std::size_t> rejected;
  std::optional<Found> nearest;  // to fitting
  std::size_t fitted = 0;
  std::size_t refused = 0;                  // by model or machine
  std::optional<std::size_t> out_of_reach;  // that fits, the first: for a look at the limits
};

// Why a candidate that was evaluated is none.
struct Rejection {
  Seconds bound{};
  std::string reason;
  bool refused = false;
};

class Search {
 public:
  Search(const Machine& machine, const StrategySpace& space, const PlanSpec& spec,
         const PlanOptions& options)
      : machine_(machine),
        space_(space),
        spec_(spec),
        options_(options),
        most_(std::max(spec.show, spec.confirm)),
        bounds_(machine, spec.limits) {
    const unsigned threads = options.threads > 0
                                 ? static_cast<unsigned>(options.threads)
                                 : std::max(1U, std::thread::hardware_concurrency());
    const DeviceState state = spec.limits.empty() ? DeviceState::Warm : DeviceState::Settled;
    weighed_.resize(threads);
    for (unsigned i = 0; i < threads; ++i) evaluators_.emplace_back(machine, space, state);
  }

  SearchResult run() {
    in_parallel([this](std::size_t thread) { weigh(thread); });
    for (Weighed& weighed : weighed_) merge(weighed);
    std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
      return a.bound != b.bound ? a.bound < b.bound : a.index < b.index;
    });
    check_limits();
    in_parallel([this](std::size_t thread) { evaluate_candidates(thread); });
    finish();
    return std::move(result_);
  }

 private:
  template <class Part>
  void in_parallel(const Part& part) {
    std::vector<std::thread> workers;
    for (std::size_t thread = 0; thread < evaluators_.size(); ++thread) {
      workers.emplace_back([this, &part, thread] {
        try {
          part(thread);
        } catch (...) {
          const std::lock_guard lock(mutex_);
          if (!failure_) failure_ = std::current_exception();
          stopped_ = true;
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
    if (failure_) std::rethrow_exception(failure_);
  }

  void report(std::size_t more) {
    const std::lock_guard lock(mutex_);
    done_ += more;
    if (options_.progress) options_.progress(done_, space_.size());
    if (options_.stop && options_.stop()) stopped_ = true;
  }

  void weigh(std::size_t thread) {
    Weighed& weighed = weighed_[thread];
    while (!stopped_) {
      const std::size_t first = next_weighed_.fetch_add(kBatch);
      if (first >= space_.size()) return;
      const std::size_t last = std::min(space_.size(), first + kBatch);
      const std::size_t fit = weighed.fit.size();
      for (std::size_t i = first; i < last; ++i) weigh_one(i, evaluators_[thread], weighed);
      report(last - first - (weighed.fit.size() - fit));
    }
  }

  void weigh_one(std::size_t index, const StrategyEvaluator& evaluator, Weighed& weighed) const {
    Candidate candidate{.index = index, .bound = {}, .memory = {}, .out_of_reach = {}};
    try {
      const std::optional<Bytes> memory = evaluator.memory(index);
      if (memory) candidate.memory = *memory;
      if (candidate.memory > machine_.platform->memory_capacity() * spec_.memory_share) {
        ++weighed.rejected[kMemory];
        note_nearest({.index = index, .memory = candidate.memory}, weighed.nearest);
        return;
      }
      const bool bounded = spec_.prune || !spec_.limits.empty();
      const Seconds least = bounded ? evaluator.least_time(index) : Seconds(0);
      if (spec_.prune) candidate.bound = least;
      if (!spec_.limits.empty()) candidate.out_of_reach = limit_out_of_reach(index, least);
    } catch (const ConfigError& refusal) {
      ++weighed.rejected[refusal.what()];
      ++weighed.refused;
      return;
    }
    ++weighed.fitted;
    if (!spec_.prune || candidate.out_of_reach == nullptr) {
      weighed.fit.push_back(candidate);
      return;
    }
    ++weighed.rejected[beyond(*candidate.out_of_reach)];
    weighed.out_of_reach = std::min(index, weighed.out_of_reach.value_or(index));
  }

  [[nodiscard]] const Limit* limit_out_of_reach(std::size_t index, Seconds least) const {
    const Strategy strategy = space_.at(index);
    return bounds_.out_of_reach(*strategy.workload, least);
  }

  static std::string beyond(const Limit& limit) {
    return fmt::format("{} is beyond its limit", limit.metric);
  }

  static void note_nearest(const Found& found, std::optional<Found>& nearest) {
    if (!nearest || found.memory < nearest->memory ||
        (found.memory == nearest->memory && found.index < nearest->index)) {
      nearest = found;
    }
  }

  void merge(const Weighed& weighed) {
    candidates_.insert(candidates_.end(), weighed.fit.begin(), weighed.fit.end());
    for (const auto& [reason, count] : weighed.rejected) {
      result_.rejected[reason] += count;
      result_.evaluated += count;
    }
    result_.refused += weighed.refused;
    result_.fitted += weighed.fitted;
    if (weighed.out_of_reach) {
      const std::size_t first = *weighed.out_of_reach;
      out_of_reach_ = std::min(first, out_of_reach_.value_or(first));
    }
    if (weighed.nearest) note_nearest(*weighed.nearest, result_.nearest);
  }

  // A limit of what no report has is a mistake in the plan, which shows even if no strategy is
  // evaluated, or none comes that far.
  void check_limits() const {
    if (spec_.limits.empty() || (candidates_.empty() && !out_of_reach_)) return;
    const std::size_t index = candidates_.empty() ? *out_of_reach_ : candidates_.front().index;
    std::optional<Report> report;
    try {
      report = settled(index);
    } catch (const ConfigError&) {
      return;  // refused, which is counted where it is evaluated
    }
    for (const Limit& limit : spec_.limits) (void)value_of(*report, limit);
  }

  // With dies as warm as they get.
  [[nodiscard]] Report settled(std::size_t index) const {
    const Strategy strategy = space_.at(index);
    return evaluate(machine_, *strategy.workload,
                    {.fidelity = Fidelity::Analytic, .operate = true});
  }

  // Bounds ascend and the last that is kept only gets better: the first candidate that is ruled out
  // ends the search.
  void evaluate_candidates(std::size_t thread) {
    std::size_t evaluated = 0;
    while (!(stopped_ && evaluated > 0)) {
      const std::size_t next = next_candidate_.fetch_add(1);
      if (next >= candidates_.size()) return;
      if (candidates_[next].bound > worst_.load()) return;
      evaluate_one(candidates_[next], evaluators_[thread]);
      ++evaluated;
      ++evaluated_;
      report(1);
    }
  }

  void evaluate_one(const Candidate& candidate, const StrategyEvaluator& evaluator) {
    Found found{.index = candidate.index, .memory = candidate.memory};
    std::optional<Report> report;  // where limits ask for it
    try {
      if (spec_.limits.empty()) {
        const StepResult step = evaluator.step(*space_.at(candidate.index).workload);
        found.time = step.step_time;
        found.breakdown = step.breakdown;
      } else {
        report = settled(candidate.index);
        found.time = report->step.step_time;
        found.breakdown = report->step.breakdown;
      }
    } catch (const ConfigError& refusal) {
      reject(candidate, refusal.what(), true);
      return;
    }
    if (const Limit* limit = report ? first_beyond(*report) : nullptr) {
      // Of several the one that is also named where nothing is evaluated.
      reject(candidate, beyond(candidate.out_of_reach ? *candidate.out_of_reach : *limit), false);
      return;
    }
    keep(found);
  }

  // The first limit that the report does not keep.
  [[nodiscard]] const Limit* first_beyond(const Report& report) const {
    for (const Limit& limit : spec_.limits) {
      const double value = value_of(report, limit);
      if ((limit.least && value < *limit.least) || (limit.most && value > *limit.most)) {
        return &limit;
      }
    }
    return nullptr;
  }

  void reject(const Candidate& candidate, const std::string& reason, bool refused) {
    const std::lock_guard lock(mutex_);
    rejections_.push_back({.bound = candidate.bound, .reason = reason, .refused = refused});
  }

  void keep(const Found& found) {
    const std::lock_guard lock(mutex_);
    std::vector<Found>& best = result_.best;
    if (best.size() == most_ && better(best.back(), found)) return;
    best.insert(std::upper_bound(best.begin(), best.end(), found, better), found);
    if (best.size() > most_) best.pop_back();
    if (best.size() == most_) worst_ = best.back().time;
  }

  // How many are ruled out, and the reasons of the others, are counted by the last that was kept in
  // the end: threads may have evaluated a few more.
  void finish() {
    const Seconds worst = worst_.load();
    const auto ruled_out = [&](const auto& one) { return one.bound > worst; };
    for (const Rejection& rejection : rejections_) {
      if (ruled_out(rejection)) continue;
      ++result_.rejected[rejection.reason];
      result_.refused += rejection.refused ? 1 : 0;
    }
    result_.stopped = stopped_;
    result_.pruned =
        static_cast<std::size_t>(std::count_if(candidates_.begin(), candidates_.end(), ruled_out));
    result_.evaluated += stopped_ ? evaluated_.load() : candidates_.size();
    if (stopped_) result_.pruned = 0;
    if (!stopped_ && options_.progress) options_.progress(space_.size(), space_.size());
  }

  const Machine& machine_;
  const StrategySpace& space_;
  const PlanSpec& spec_;
  const PlanOptions& options_;
  std::size_t most_;
  LimitBounds bounds_;
  std::deque<StrategyEvaluator> evaluators_;  // by thread
  std::vector<Weighed> weighed_;              // by thread
  std::vector<Candidate> candidates_;
  std::optional<std::size_t>
      out_of_reach_;  // the first strategy that fits and that a limit rules out
  std::atomic<std::size_t> next_weighed_ = 0;
  std::atomic<std::size_t> next_candidate_ = 0;
  std::atomic<std::size_t> evaluated_ = 0;
  std::atomic<bool> stopped_ = false;
  std::atomic<Seconds> worst_ = Seconds(1e300);  // of those that are kept, once they are enough
  std::mutex mutex_;                             // of what follows
  SearchResult result_;
  std::vector<Rejection> rejections_;
  std::size_t done_ = 0;
  std::exception_ptr failure_;
};

}  // namespace

SearchResult search(const Machine& machine, const StrategySpace& space, const PlanSpec& spec,
                    const PlanOptions& options) {
  return Search(machine, space, spec, options).run();
}

}  // namespace orrery
