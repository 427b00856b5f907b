#pragma once
/// What a search for layouts takes of every dimension.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <orrery/error.hpp>
#include <orrery/strategy.hpp>

#include "workload/recipe.hpp"

namespace orrery::workload {

/// Values of a dimension by the names that scenarios give them, in the order in which they are
/// tried.
const std::vector<std::pair<std::string, Sharding>>& searched_shardings();
const std::vector<std::pair<std::string, Recompute>>& searched_recomputes();

/// The name of a value in such a list.
template <class T>
const std::string& name_of(const std::vector<std::pair<std::string, T>>& all, T value) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [value](const auto& entry) { return entry.second == value; });
  ORRERY_CHECK(found != all.end());
  return found->first;
}
inline const char* on_off(bool value) { return value ? "true" : "false"; }

class SearchFilter {
 public:
  /// @throws ConfigError for a dimension or value that there is not.
  explicit SearchFilter(SearchValues search);

  /// Whether it says nothing of any dimension.
  [[nodiscard]] bool takes_all() const { return search_.empty(); }
  /// Whether the search takes `value` in a dimension; all where it says nothing of it.
  [[nodiscard]] bool wants(const std::string& dimension, const std::string& value) const;
  [[nodiscard]] std::vector<int> narrowed(const std::string& dimension,
                                          std::vector<int> values) const;
  /// What the search asks for, of any size; `values` where it says nothing of the dimension.
  [[nodiscard]] std::vector<int> asked(const std::string& dimension, std::vector<int> values) const;
  /// A value that the search asks for is part of a legal layout.
  void use(const std::string& dimension, const std::string& value);
  /// Why values that the search asks for are in no layout, by dimension and value.
  [[nodiscard]] std::vector<std::string> unused() const;

 private:
  SearchValues search_;
  std::map<std::string, std::set<std::string>> used_;
};

}  // namespace orrery::workload
