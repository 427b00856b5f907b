#include "workload/search_filter.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <orrery/error.hpp>

namespace orrery::workload {
namespace {

template <class T>
bool names(const std::vector<std::pair<std::string, T>>& all, const std::string& value) {
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& entry) { return entry.first == value; });
}

bool is_switch(const std::string& dimension) {
  return dimension == "sequence" || dimension.rfind("overlap", 0) == 0;
}

bool is_count(const std::string& value) {
  return !value.empty() && value.find_first_not_of("0123456789") == std::string::npos &&
         value.size() <= 6 && std::stoi(value) >= 1;
}

// What a dimension takes, where `value` is none of it.
const char* expected_instead(const std::string& dimension, const std::string& value) {
  if (dimension == "sharding") {
    return names(searched_shardings(), value) ? nullptr : "none, zero1, zero2, zero3 or hybrid";
  }
  if (dimension == "recompute") {
    return names(searched_recomputes(), value) ? nullptr : "none, selective or full";
  }
  if (is_switch(dimension)) {
    return value == "true" || value == "false" ? nullptr : "true or false";
  }
  return is_count(value) ? nullptr : "whole numbers of at least 1";
}

void check_values(const std::string& dimension, const std::vector<std::string>& values) {
  if (values.empty()) {
    throw ConfigError(
        fmt::format("plan.search.{}: expected at least one value, or no {} to search them all",
                    dimension, dimension));
  }
  for (const std::string& value : values) {
    const char* expected = expected_instead(dimension, value);
    if (expected == nullptr) continue;
    throw ConfigError(
        fmt::format("plan.search.{}: expected {}; got '{}'", dimension, expected, value));
  }
}

}  // namespace

const std::vector<std::pair<std::string, Sharding>>& searched_shardings() {
  static const std::vector<std::pair<std::string, Sharding>> all = {{"none", Sharding::None},
                                                                    {"zero1", Sharding::Zero1},
                                                                    {"zero2", Sharding::Zero2},
                                                                    {"zero3", Sharding::Zero3},
                                                                    {"hybrid", Sharding::Hybrid}};
  return all;
}

const std::vector<std::pair<std::string, Recompute>>& searched_recomputes() {
  static const std::vector<std::pair<std::string, Recompute>> all = {
      {"none", Recompute::None}, {"selective", Recompute::Selective}, {"full", Recompute::Full}};
  return all;
}

SearchFilter::SearchFilter(SearchValues search) : search_(std::move(search)) {
  const std::vector<std::string> dimensions = {
      "tensor",   "pipeline",  "interleave", "context",      "expert",     "microbatch",
      "sharding", "recompute", "sequence",   "overlap_data", "overlap_p2p"};
  for (auto& [name, values] : search_) {
    if (std::find(dimensions.begin(), dimensions.end(), name) == dimensions.end()) {
      const char* why =
          name == "data" ? " (data is what the other ranks leave of the devices)" : "";
      throw ConfigError(fmt::format("plan.search: unknown dimension '{}'{}; expected one of {}{}",
                                    name, why, fmt::join(dimensions, ", "),
                                    did_you_mean(name, dimensions)));
    }
    if (name == "sharding")
      std::replace(values.begin(), values.end(), std::string("fsdp"), std::string("zero3"));
    check_values(name, values);
  }
}

bool SearchFilter::wants(const std::string& dimension, const std::string& value) const {
  const auto found = search_.find(dimension);
  return found == search_.end() ||
         std::find(found->second.begin(), found->second.end(), value) != found->second.end();
}

std::vector<int> SearchFilter::narrowed(const std::string& dimension,
                                        std::vector<int> values) const {
  std::erase_if(values, [&](int value) { return !wants(dimension, std::to_string(value)); });
  return values;
}

std::vector<int> SearchFilter::asked(const std::string& dimension, std::vector<int> values) const {
  const auto found = search_.find(dimension);
  if (found == search_.end()) return values;
  std::set<int> sorted;
  for (const std::string& value : found->second) sorted.insert(std::stoi(value));
  return {sorted.begin(), sorted.end()};
}

void SearchFilter::use(const std::string& dimension, const std::string& value) {
  if (search_.contains(dimension)) used_[dimension].insert(value);
}

std::vector<std::string> SearchFilter::unused() const {
  std::vector<std::string> reasons;
  for (const auto& [dimension, values] : search_) {
    if (is_switch(dimension)) continue;  // where it has nothing to switch it is not asked for
    const auto used = used_.find(dimension);
    for (const std::string& value : values) {
      if (used != used_.end() && used->second.contains(value)) continue;
      reasons.push_back(
          fmt::format("no legal layout has {} {}, as plan.search asks for", dimension, value));
    }
  }
  return reasons;
}

}  // namespace orrery::workload
