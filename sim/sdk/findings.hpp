#pragma once
/// Collects what a conformance check finds wrong.

#include <cmath>
#include <exception>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <orrery/sdk/conformance.hpp>

namespace orrery {

class Check {
 public:
  /// Adds a sentence unless `holds`.
  template <class... Arguments>
  void expect(bool holds, fmt::format_string<Arguments...> what, Arguments&&... arguments) {
    if (!holds) findings_.push_back(fmt::format(what, std::forward<Arguments>(arguments)...));
  }
  /// Runs `body`; what it throws is a finding about `what`.
  template <class Body>
  void guard(const std::string& what, const Body& body) {
    try {
      body();
    } catch (const std::exception& error) {
      findings_.push_back(what + " throws: " + error.what());
    }
  }
  [[nodiscard]] bool clean() const { return findings_.empty(); }
  [[nodiscard]] Findings take() { return std::move(findings_); }

 private:
  Findings findings_;
};

inline bool sound(double value) { return std::isfinite(value) && value >= 0; }

}  // namespace orrery
