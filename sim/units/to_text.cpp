#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include <orrery/quantity.hpp>

namespace orrery {
namespace {

struct Step {
  std::string_view symbol;
  double scale;  // SI value of one
};

constexpr Step kTimes[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3},  {"s", 1.0},
                           {"min", 60},  {"h", 3600},  {"day", 86400}};
constexpr Step kBytes[] = {{"B", 1},    {"KB", 1e3},  {"MB", 1e6},
                           {"GB", 1e9}, {"TB", 1e12}, {"PB", 1e15}};
constexpr Step kByteRates[] = {{"B/s", 1},    {"KB/s", 1e3},  {"MB/s", 1e6},
                               {"GB/s", 1e9}, {"TB/s", 1e12}, {"PB/s", 1e15}};
constexpr Step kFlopRates[] = {{"FLOP/s", 1},     {"MFLOP/s", 1e6},  {"GFLOP/s", 1e9},
                               {"TFLOP/s", 1e12}, {"PFLOP/s", 1e15}, {"EFLOP/s", 1e18}};
constexpr Step kFrequencies[] = {{"Hz", 1}, {"kHz", 1e3}, {"MHz", 1e6}, {"GHz", 1e9}};
constexpr Step kEnergies[] = {{"J", 1}, {"kJ", 1e3}, {"MJ", 1e6}, {"GJ", 1e9}, {"TJ", 1e12}};
constexpr Step kPowers[] = {{"W", 1}, {"kW", 1e3}, {"MW", 1e6}, {"GW", 1e9}};

/// Rounding comes before the choice of prefix, so that 999.96 us reads "1.000 ms", not "1000 us".
double rounded(double value) {
  return std::strtod(fmt::format("{:.3e}", value).c_str(), nullptr);  // of the least values, too
}

/// `steps` rise in scale; `plain` is the unprefixed unit, for zero and for what is not finite.
std::string scaled(double value, std::span<const Step> steps, std::string_view plain) {
  if (value == 0.0) return fmt::format("0 {}", plain);
  if (!std::isfinite(value)) return fmt::format("{} {}", value, plain);
  Step fitting = steps.front();
  for (const Step& step : steps) {
    if (std::abs(rounded(value / step.scale)) >= 1.0) fitting = step;
  }
  std::string digits = fmt::format("{:#.4g}", value / fitting.scale);
  if (digits.back() == '.') digits.pop_back();
  return fmt::format("{} {}", digits, fitting.symbol);
}

}  // namespace

std::string to_text(Seconds value) { return scaled(value.si(), kTimes, "s"); }
std::string to_text(Bytes value) { return scaled(value.si(), kBytes, "B"); }
std::string to_text(BytesPerSecond value) { return scaled(value.si(), kByteRates, "B/s"); }
std::string to_text(FlopsPerSecond value) { return scaled(value.si(), kFlopRates, "FLOP/s"); }
std::string to_text(Hertz value) { return scaled(value.si(), kFrequencies, "Hz"); }
std::string to_text(Joules value) { return scaled(value.si(), kEnergies, "J"); }
std::string to_text(Temperature value) { return fmt::format("{:.1f} degC", value.celsius()); }
std::string to_text(Watts value) { return scaled(value.si(), kPowers, "W"); }

}  // namespace orrery
