#include <orrery/plan.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "engine/cost_memo.hpp"
#include "engine/estimator.hpp"
#include "scenario/evaluate.hpp"
#include "study/plan_spec.hpp"

namespace orrery {
namespace {

constexpr std::size_t kBatch = 64;  // strategies that a thread takes at a time
constexpr const char* kMemory = "does not fit in memory";

/// A strategy that fits, by its index.
struct Found {
  std::size_t index = 0;
  Seconds time{};
  Tiles breakdown{};
  Bytes memory{};
};

bool better(const Found& a, const Found& b) {
  return a.time != b.time ? a.time < b.time : a.index < b.index;
}

// What one thread has found.
struct Share {
  std::vector<Found> best;
  std::map<std::string, std::size_t> rejected;
  std::optional<Found> nearest;  // to fitting
  std::size_t evaluated = 0;
  std::size_t refused = 0;  // by model or machine
};

class Search {
 public:
  Search(const Machine& machine, const StrategySpace& space, const PlanSpec& spec,
         const PlanOptions& options)
      : machine_(machine), space_(space), spec_(spec), options_(options) {}

  Share run() {
    const unsigned threads = options_.threads > 0
                                 ? static_cast<unsigned>(options_.threads)
                                 : std::max(1U, std::thread::hardware_concurrency());
    std::vector<Share> shares(threads);
    std::vector<std::thread> workers;
    for (Share& share : shares) workers.emplace_back([this, &share] { work(share); });
    for (std::thread& worker : workers) worker.join();
    if (failure_) std::rethrow_exception(failure_);
    Share all;
    for (Share& share : shares) merge(share, all);
    return all;
  }

  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  void work(Share& share) {
    try {
      const Memos memos = make_memos();
      while (!stopped_) {
        const std::size_t first = next_.fetch_add(kBatch);
        if (first >= space_.size()) return;
        const std::size_t last = std::min(space_.size(), first + kBatch);
        for (std::size_t i = first; i < last; ++i) evaluate_one(i, memos, share);
        share.evaluated += last - first;
        report(last - first);
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      stopped_ = true;
    }
  }

  void report(std::size_t more) {
    const std::lock_guard lock(mutex_);
    done_ += more;
    if (options_.progress) options_.progress(done_, space_.size());
    if (options_.stop && options_.stop()) stopped_ = true;
  }

  // What kernels cost on every kind of device, as far as this thread has asked.
  using Memos = std::vector<std::unique_ptr<const CostMemo>>;
  [[nodiscard]] Memos make_memos() const {
    Memos memos;
    for (const DeviceKind& kind : machine_.platform->kinds()) {
      memos.push_back(std::make_unique<const CostMemo>(*kind.accelerator));
    }
    return memos;
  }

  void evaluate_one(std::size_t index, const Memos& memos, Share& share) const {
    const Strategy strategy = space_.at(index);
    Found found;
    found.index = index;
    std::optional<Report> report;
    try {
      if (!fits(*strategy.workload, found, share)) return;
      if (spec_.limits.empty()) {
        weigh(*strategy.workload, memos, found);
      } else {
        report = evaluate(machine_, *strategy.workload,
                          {.fidelity = Fidelity::Analytic, .operate = true});
        found.time = report->step.step_time;
        found.breakdown = report->step.breakdown;
      }
    } catch (const ConfigError& refusal) {
      ++share.rejected[refusal.what()];
      ++share.refused;
      return;
    }
    if (!report || within_limits(*report, share)) keep(found, share);
  }

  bool fits(const Workload& workload, Found& found, Share& share) const {
    const auto use = workload.memory(*machine_.platform);
    if (!use) return true;
    found.memory = use->total();
    if (found.memory <= machine_.platform->memory_capacity() * spec_.memory_share) return true;
    ++share.rejected[kMemory];
    if (!share.nearest || found.memory < share.nearest->memory) share.nearest = found;
    return false;
  }

  void weigh(const Workload& workload, const Memos& memos, Found& found) const {
    const Platform& platform = *machine_.platform;
    const LoweredWorkload lowered = workload.lower(platform, {.shorten = true});
    std::vector<DevicePoint> points = device_points(machine_, lowered.regime, lowered.work.devices);
    for (std::size_t kind = 0; kind < points.size(); ++kind) {
      points[kind].accelerator = memos[kind].get();
    }
    const CostTable costs(lowered.outline, std::move(points), *machine_.collectives);
    const StepResult step = estimate(lowered.outline, costs, lowered.launch_time);
    found.time = step.step_time;
    found.breakdown = step.breakdown;
  }

  bool within_limits(const Report& report, Share& share) const {
    for (const Limit& limit : spec_.limits) {
      const double value = value_of(report, limit);
      if ((!limit.least || value >= *limit.least) && (!limit.most || value <= *limit.most))
        continue;
      ++share.rejected[fmt::format("{} is beyond its limit", limit.metric)];
      return false;
    }
    return true;
  }

  static double value_of(const Report& report, const Limit& limit) {
    try {
      return metric(report, limit.metric);
    } catch (const ConfigError& unknown) {
      throw ConfigError(fmt::format("{}: {}", limit.where.text(), unknown.what()));
    }
  }

  void keep(const Found& found, Share& share) const {
    const std::size_t most = std::max(spec_.show, spec_.confirm);
    if (share.best.size() == most && better(share.best.back(), found)) return;
    share.best.insert(std::upper_bound(share.best.begin(), share.best.end(), found, better), found);
    if (share.best.size() > most) share.best.pop_back();
  }

  void merge(const Share& share, Share& all) const {
    for (const Found& found : share.best) keep(found, all);
    for (const auto& [reason, count] : share.rejected) all.rejected[reason] += count;
    all.evaluated += share.evaluated;
    all.refused += share.refused;
    const auto nearer = [](const Found& a, const Found& b) {
      return a.memory != b.memory ? a.memory < b.memory : a.index < b.index;
    };
    if (share.nearest && (!all.nearest || nearer(*share.nearest, *all.nearest))) {
      all.nearest = share.nearest;
    }
  }

  const Machine& machine_;
  const StrategySpace& space_;
  const PlanSpec& spec_;
  const PlanOptions& options_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // of what follows
  std::size_t done_ = 0;
  std::exception_ptr failure_;
};

std::string limit_of(const Tiles& breakdown, Seconds step) {
  std::size_t most = 0;
  Seconds time{-1};
  for (std::size_t t = 0; t < breakdown.size(); ++t) {
    if (static_cast<Tile>(t) == Tile::Compute || breakdown[t] <= time) continue;
    most = t;
    time = breakdown[t];
  }
  const double share = time / step * 100;
  if (share < 2) return "compute";
  return fmt::format("{} {:.0f} %", to_text(static_cast<Tile>(most)), share);
}

std::string as_text(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::vector<std::string> parts;
  for (const auto& [path, value] : settings) parts.push_back(fmt::format("{}={}", path, value));
  return fmt::format("{}", fmt::join(parts, " "));
}

PlanCandidate candidate(const Found& found, const StrategySpace& space) {
  PlanCandidate result;
  result.settings = space.at(found.index).settings;
  result.analytic = found.time;
  result.breakdown = found.breakdown;
  result.memory = found.memory;
  result.limit = limit_of(found.breakdown, found.time);
  return result;
}

// Runs a candidate at a fidelity; throughput and breakdown become those of the run.
void refine(const Machine& machine, const Strategy& strategy, Fidelity fidelity,
            PlanCandidate& result) {
  const Report report = evaluate(machine, *strategy.workload,
                                 {.fidelity = fidelity, .ignore_memory = true, .operate = true});
  if (fidelity == Fidelity::Event) result.event = report.throughput->step_time;
  result.tokens_per_second = report.throughput->tokens_per_second;
  result.mfu = report.throughput->mfu;
  result.breakdown = report.step.breakdown;
  result.limit = limit_of(result.breakdown, report.throughput->step_time);
}

std::unique_ptr<const StrategySpace> strategies_of(const Scenario& scenario, const Machine& machine,
                                                   const PlanSpec& spec) {
  try {
    auto space = machine.workload->strategies(*machine.platform, spec.search);
    if (space) return space;
  } catch (const ConfigError& error) {
    const std::string what = error.what();
    if (what.rfind("plan.search", 0) != 0) throw;
    throw ConfigError(fmt::format("{}: {}", spec.where_search.text(), what));
  }
  throw ConfigError(fmt::format(
      "{}: there is nothing to plan; expected a workload of kind training", scenario.name));
}

}  // namespace

const char* to_text(Objective objective) {
  return objective == Objective::Time ? "time" : "tokens_per_s";
}

PlanResult plan(const Scenario& scenario, const Registry& registry, const PlanOptions& options) {
  const PlanSpec spec = read_plan_spec(scenario.plan);
  const Machine machine = make_machine(scenario, registry);
  const auto space = strategies_of(scenario, machine, spec);
  Search search(machine, *space, spec, options);
  Share found = search.run();
  if (found.refused > 0 && found.refused == found.evaluated) {
    throw ConfigError(found.rejected.begin()->first);  // of none could anything be said
  }
  PlanResult result;
  result.scenario = scenario.name;
  result.system = machine.platform->name();
  result.devices = machine.platform->devices();
  result.objective = spec.objective;
  result.legal = space->size();
  result.evaluated = found.evaluated;
  result.interrupted = search.stopped();
  for (std::size_t i = 0; i < found.best.size(); ++i) {
    const Strategy strategy = space->at(found.best[i].index);
    result.best.push_back(candidate(found.best[i], *space));
    const bool confirm = i < spec.confirm && !(options.stop && options.stop());
    refine(machine, strategy, confirm ? Fidelity::Event : Fidelity::Analytic, result.best.back());
  }
  std::stable_sort(result.best.begin(), result.best.end(),
                   [](const PlanCandidate& a, const PlanCandidate& b) {
                     if (a.event.has_value() != b.event.has_value()) return a.event.has_value();
                     return a.event && *a.event < *b.event;
                   });
  if (result.best.size() > spec.show) result.best.resize(spec.show);
  for (const auto& [reason, count] : space->rejected()) found.rejected[reason] += count;
  result.rejected.assign(found.rejected.begin(), found.rejected.end());
  std::stable_sort(result.rejected.begin(), result.rejected.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (found.best.empty() && found.nearest) {
    result.nearest =
        fmt::format("{} needs {} of {}", as_text(space->at(found.nearest->index).settings),
                    to_text(found.nearest->memory), to_text(machine.platform->memory_capacity()));
  }
  return result;
}

}  // namespace orrery
