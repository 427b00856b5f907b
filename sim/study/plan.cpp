#include <orrery/plan.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include <orrery/reader.hpp>

#include "engine/cost_memo.hpp"
#include "engine/estimator.hpp"
#include "scenario/machine.hpp"

namespace orrery {
namespace {

constexpr std::size_t kBatch = 64;  // strategies that a thread takes at a time
constexpr const char* kMemory = "does not fit in memory";

/// A metric of the report and what it may be.
struct Limit {
  std::string metric;
  std::optional<double> least, most;
};

/// The `plan` map of a scenario.
struct PlanSpec {
  Objective objective = Objective::Time;
  std::size_t confirm = 5;
  std::size_t show = 10;
  double memory_share = 1;
  SearchValues search;
  std::vector<Limit> limits;
};

Limit read_limit(Reader& limits, const std::string& metric) {
  Reader reader = limits.child(metric);
  Limit limit{.metric = metric, .least = {}, .most = {}};
  constexpr double any = 1e300;
  if (reader.has("min")) limit.least = reader.ratio("min", -any, any);
  if (reader.has("max")) limit.most = reader.ratio("max", -any, any);
  if (!limit.least && !limit.most) {
    reader.diagnostics().error(reader.where(),
                               fmt::format("{}: expected min or max, or both", metric));
  }
  reader.finish();
  return limit;
}

PlanSpec read_spec(const Node& node) {
  PlanSpec spec;
  if (node.kind() == Node::Kind::Null) return spec;
  Diagnostics diagnostics;
  Reader reader(node, "plan", diagnostics);
  const std::string unmodelled = reader.text_or("objective", "time");
  if (unmodelled == "cost" || unmodelled == "energy") {
    reader.error("objective", fmt::format("objective: {} is not modelled yet; expected time or "
                                          "tokens_per_s",
                                          unmodelled));
  } else {
    spec.objective = reader.choice<Objective>(
        "objective", {{"time", Objective::Time}, {"tokens_per_s", Objective::TokensPerSecond}},
        Objective::Time);
  }
  spec.confirm = static_cast<std::size_t>(reader.integer_or("confirm", 5, 0));
  spec.show = static_cast<std::size_t>(reader.integer_or("show", 10, 1));
  spec.memory_share = reader.ratio_or("memory_share", 1, 0.01, 1);
  Reader search = reader.child("search", false);
  for (const std::string& name : search.keys()) spec.search[name] = search.texts(name);
  Reader limits = reader.child("limits", false);
  for (const std::string& metric : limits.keys()) spec.limits.push_back(read_limit(limits, metric));
  reader.finish();
  diagnostics.throw_if_any();
  return spec;
}

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
    const Platform& platform = *machine_.platform;
    Found found;
    found.index = index;
    if (const auto use = strategy.workload->memory(platform)) {
      found.memory = use->total();
      if (found.memory > platform.memory_capacity() * spec_.memory_share) {
        ++share.rejected[kMemory];
        if (!share.nearest || found.memory < share.nearest->memory) share.nearest = found;
        return;
      }
    }
    if (!spec_.limits.empty() && !within_limits(*strategy.workload, share)) return;
    const LoweredWorkload lowered = strategy.workload->lower(platform, {.shorten = true});
    std::vector<DevicePoint> points = device_points(machine_, lowered.regime, lowered.work.devices);
    for (std::size_t kind = 0; kind < points.size(); ++kind) {
      points[kind].accelerator = memos[kind].get();
    }
    const CostTable costs(lowered.outline, std::move(points), *machine_.collectives);
    const StepResult step = estimate(lowered.outline, costs, lowered.launch_time);
    found.time = step.step_time;
    found.breakdown = step.breakdown;
    keep(found, share);
  }

  bool within_limits(const Workload& workload, Share& share) const {
    const Report report = evaluate(machine_, workload, {.fidelity = Fidelity::Analytic});
    for (const Limit& limit : spec_.limits) {
      const double value = metric(report, limit.metric);
      if ((limit.least && value < *limit.least) || (limit.most && value > *limit.most)) {
        ++share.rejected[fmt::format("{} is beyond its limit", limit.metric)];
        return false;
      }
    }
    return true;
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

}  // namespace

const char* to_text(Objective objective) {
  return objective == Objective::Time ? "time" : "tokens_per_s";
}

PlanResult plan(const Scenario& scenario, const Registry& registry, const PlanOptions& options) {
  const PlanSpec spec = read_spec(scenario.plan);
  const Machine machine = make_machine(scenario, registry);
  const auto space = machine.workload->strategies(*machine.platform, spec.search);
  if (!space) {
    throw ConfigError(fmt::format(
        "{}: there is nothing to plan; expected a workload of kind training", scenario.name));
  }
  Search search(machine, *space, spec, options);
  Share found = search.run();
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
