#include "units/spelling.hpp"

#include <algorithm>
#include <cstddef>

namespace orrery {
namespace {

constexpr int kMaxEdits = 2;
constexpr std::size_t kMaxLength = 256;  // nobody misspells more; keeps hostile input cheap

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// Edits from `name` to `candidate`, or more than kMaxEdits when it is not near.
int nearness(const std::string& name, const std::string& candidate) {
  const auto [shorter, longer] = std::minmax({name.size(), candidate.size()});
  if (longer > kMaxLength || longer - shorter > kMaxEdits) return kMaxEdits + 1;
  if (lower(name) == lower(candidate)) return 0;
  const int edits = edit_distance(name, candidate);
  return edits < static_cast<int>(shorter) ? edits : kMaxEdits + 1;
}

}  // namespace

int edit_distance(const std::string& a, const std::string& b) {
  const std::size_t columns = b.size() + 1;
  std::vector<int> before(columns);
  std::vector<int> previous(columns);
  std::vector<int> row(columns);
  for (std::size_t j = 0; j < columns; ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(previous);
    previous.swap(row);
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j < columns; ++j) {
      const int substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({substitution, previous[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::string closest(const std::string& name, const std::vector<std::string>& candidates) {
  std::string best;
  int fewest = kMaxEdits + 1;
  for (const std::string& candidate : candidates) {
    const int edits = nearness(name, candidate);
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

}  // namespace orrery
