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

using namespace schema;

void read_objective(Reader& reader, PlanSpec& spec) {
  const std::string named = reader.text_or("objective", "time");
  if (named == "cost" || named == "energy") {
    return reader.error("objective",
                        fmt::format("objective: {} is not modelled yet; expected time or "
                                    "tokens_per_s",
                                    named));
  }
  spec.objective = reader.choice<Objective>(
      "objective", {{"time", Objective::Time}, {"tokens_per_s", Objective::TokensPerSecond}},
      Objective::Time);
}

void read_search(Reader& reader, PlanSpec& spec) {
  Reader search = reader.child("search", false);
  spec.where_search = search.where();
  for (const std::string& name : search.keys()) spec.search[name] = search.texts(name);
}

void read_limits(Reader& reader, PlanSpec& spec) {
  Reader limits = reader.child("limits", false);
  for (const std::string& metric : limits.keys()) spec.limits.push_back(read_limit(limits, metric));
}

const Schema<PlanSpec>& plan_schema() {
  using P = PlanSpec;
  static const Schema<P> result(
      "plan",
      {custom<P>({.key = "objective",
                  .kind = Field::Kind::Choice,
                  .required = false,
                  .fallback = "time",
                  .choices = {"time", "tokens_per_s"},
                  .doc = "what is best"},
                 read_objective),
       optional("confirm", &P::confirm, whole(0), "of the best in closed form, with events"),
       optional("show", &P::show, whole(), "lines of the table"),
       optional("memory_share", &P::memory_share, between(0.01, 1.0),
                "of a device's memory that a strategy may take"),
       optional("prune", &P::prune,
                "leave out what a lower bound excludes; no result depends on it"),
       custom<P>({.key = "search",
                  .kind = Field::Kind::Names,
                  .required = false,
                  .doc = "narrows a dimension, `{tensor: [4, 8]}`: tensor, pipeline, interleave, "
                         "context, expert, microbatch, sharding, recompute, sequence, "
                         "overlap_data, overlap_p2p; the others are searched in full"},
                 read_search),
       custom<P>({.key = "limits",
                  .kind = Field::Kind::Names,
                  .required = false,
                  .doc = "of any number of the JSON report, in closed form: "
                         "`{throughput.mfu: {min: 0.4}}`, min and max"},
                 read_limits)});
  return result;
}

}  // namespace

const Table& plan_table() { return plan_schema().table(); }

PlanSpec read_plan_spec(const Node& node) {
  if (node.kind() == Node::Kind::Null) return {};
  Diagnostics diagnostics;
  PlanSpec spec = plan_schema().read(Reader(node, "plan", diagnostics));
  diagnostics.throw_if_any();
  return spec;
}

}  // namespace orrery
