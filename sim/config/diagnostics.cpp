#include <algorithm>
#include <charconv>
#include <string_view>
#include <tuple>
#include <vector>

#include <orrery/reader.hpp>

namespace orrery {
namespace {

/// A message with the place at its front taken apart; line 0 when it names none.
struct Placed {
  std::string message;
  std::string_view file;
  int line = 0;
  int column = 0;
};

/// Reads ":12" at the front of `text`; 0 when there is none.
int take_number(std::string_view& text) {
  int number = 0;
  if (!text.starts_with(':')) return 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data() + 1, end, number);
  if (failure != std::errc{}) return 0;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return number;
}

Placed placed(const std::string& message) {
  const std::string_view text = message;
  for (std::size_t colon = text.find(':'); colon != text.npos; colon = text.find(':', colon + 1)) {
    std::string_view rest = text.substr(colon);
    const int line = take_number(rest);
    const int column = line > 0 ? take_number(rest) : 0;
    if (column > 0 && rest.starts_with(':')) return {message, text.substr(0, colon), line, column};
  }
  return {message, text.substr(0, text.find(':'))};
}

}  // namespace

void Diagnostics::error(const Location& where, const std::string& what) {
  const std::string place = where.text();
  messages_.push_back(place.empty() ? what : place + ": " + what);
}

// Files keep the order in which they were first met: a scenario comes before what it uses.
void Diagnostics::throw_if_any() const {
  if (messages_.empty()) return;
  std::vector<Placed> all;
  std::vector<std::string_view> files;
  for (const std::string& message : messages_) {
    if (std::ranges::count(all, message, &Placed::message) > 0) continue;
    all.push_back(placed(message));
    files.push_back(all.back().file);
  }
  std::ranges::stable_sort(all, {}, [&](const Placed& p) {
    return std::tuple(std::ranges::find(files, p.file) - files.begin(), p.line, p.column);
  });
  std::vector<std::string> sorted;
  for (const Placed& p : all) sorted.push_back(p.message);
  throw ConfigError(std::move(sorted));
}

}  // namespace orrery
