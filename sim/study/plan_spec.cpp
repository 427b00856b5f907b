#include "study/plan_spec.hpp"

#include <fmt/format.h>

namespace orrery {
namespace {

Limit read_limit(Reader& limits, const std::string& metric) {
  Limit limit{.metric = metric, .where = limits.where(metric), .least = {}, .most = {}};
  if (limits.raw(metric).kind() != Node::Kind::Map) {
    limits.error(metric, fmt::format("{}: expected {{min: …}}, {{max: …}} or both", metric));
    return limit;
  }
  Reader reader = limits.child(metric);
  constexpr double any = 1e300;
  if (reader.has("min")) limit.least = reader.ratio("min", -any, any);
  if (reader.has("max")) limit.most = reader.ratio("max", -any, any);
  if (!limit.least && !limit.most) {
    reader.diagnostics().error(reader.where(),
                               fmt::format("{}: expected min or max, or both", metric));
  }
  if (limit.least.value_or(-any) > limit.most.value_or(any)) {
    reader.error("max", fmt::format("{}: expected a max of at least min {}; got {}", metric,
                                    *limit.least, *limit.most));
  }
  reader.finish();
  return limit;
}

}  // namespace

PlanSpec read_plan_spec(const Node& node) {
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
  spec.prune = reader.boolean_or("prune", true);
  Reader search = reader.child("search", false);
  spec.where_search = search.where();
  for (const std::string& name : search.keys()) spec.search[name] = search.texts(name);
  Reader limits = reader.child("limits", false);
  for (const std::string& metric : limits.keys()) spec.limits.push_back(read_limit(limits, metric));
  reader.finish();
  diagnostics.throw_if_any();
  return spec;
}

}  // namespace orrery
