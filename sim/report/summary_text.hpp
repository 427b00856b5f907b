#pragma once
/// What the sections of a summary share: colours, bars, lines.

#include <string>
#include <utility>

#include <fmt/format.h>

#include <orrery/report.hpp>

namespace orrery {

inline constexpr const char* kBold = "\033[1m";
inline constexpr const char* kDim = "\033[2m";
inline constexpr const char* kRed = "\033[31m";
inline constexpr const char* kCyan = "\033[36m";
inline constexpr const char* kReset = "\033[0m";

class SummaryText {
 public:
  explicit SummaryText(const TextOptions& options) : options_(options) {}

  template <class... Arguments>
  void line(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    text_ += fmt::format(format, std::forward<Arguments>(arguments)...);
    text_ += '\n';
  }
  [[nodiscard]] const char* style(const char* code) const { return options_.colour ? code : ""; }
  void section(const std::string& title) { line("\n{}{}{}", style(kBold), title, style(kReset)); }
  /// A bar of eighths of a cell, as long as `share` of the width that is left beside the numbers.
  [[nodiscard]] std::string bar(double share) const;
  std::string take() { return std::move(text_); }

 private:
  const TextOptions& options_;
  std::string text_;
};

/// "169341" as "169,341".
std::string grouped(double value);
/// What a tile is called for people.
const char* title_of(Tile tile);

/// Power, temperature and job. @pre `report.operation` is there
void add_operation(const Report& report, SummaryText& text);

}  // namespace orrery
