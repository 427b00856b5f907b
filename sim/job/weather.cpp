#include "job/weather.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>

#include <orrery/error.hpp>

#include "config/csv.hpp"

namespace orrery {
namespace {

constexpr Seconds kHour(3600);
constexpr double kColdest = -90, kHottest = 60;  // degC that air on earth has had

double number(const CsvTable& table, std::size_t row, std::size_t column,
              const std::filesystem::path& file) {
  const std::string& text = table.rows[row][column];
  double value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    throw ConfigError(fmt::format("{}:{}:1: {}: expected a number; got '{}'", file.string(),
                                  table.lines[row], table.columns[column], text));
  }
  return value;
}

std::size_t column_of(const CsvTable& table, const char* name, const std::filesystem::path& file) {
  const auto found = std::find(table.columns.begin(), table.columns.end(), name);
  if (found == table.columns.end()) {
    throw ConfigError(fmt::format("{}:1:1: no column '{}'; expected hour, dry_bulb_c, wet_bulb_c",
                                  file.string(), name));
  }
  return static_cast<std::size_t>(found - table.columns.begin());
}

Temperature degrees(double celsius, const CsvTable& table, std::size_t row,
                    const std::filesystem::path& file) {
  if (celsius < kColdest || celsius > kHottest) {
    throw ConfigError(fmt::format("{}:{}:1: expected an air temperature in degC; got {}",
                                  file.string(), table.lines[row], celsius));
  }
  return Temperature::celsius(celsius);
}

std::vector<Weather> read_table(const std::filesystem::path& file) {
  const CsvTable table = read_csv(file);
  const std::size_t hour = column_of(table, "hour", file);
  const std::size_t dry = column_of(table, "dry_bulb_c", file);
  const std::size_t wet = column_of(table, "wet_bulb_c", file);
  std::vector<Weather> hours;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    if (number(table, row, hour, file) != static_cast<double>(row)) {
      throw ConfigError(
          fmt::format("{}:{}:1: hour {} is missing; expected every hour from 0 in "
                      "order; got '{}'",
                      file.string(), table.lines[row], row, table.rows[row][hour]));
    }
    const Weather weather = {.dry_bulb = degrees(number(table, row, dry, file), table, row, file),
                             .wet_bulb = degrees(number(table, row, wet, file), table, row, file)};
    if (weather.wet_bulb > weather.dry_bulb) {
      throw ConfigError(fmt::format("{}:{}:1: wet_bulb_c is above dry_bulb_c; air cannot be so",
                                    file.string(), table.lines[row]));
    }
    hours.push_back(weather);
  }
  if (hours.size() < 2) {
    throw ConfigError(fmt::format("{}: expected at least two hours of weather", file.string()));
  }
  return hours;
}

Temperature between(Temperature a, Temperature b, double share) { return a + (b - a) * share; }

}  // namespace

WeatherSeries WeatherSeries::read(Reader reader) {
  WeatherSeries series;
  series.where_ = reader.where();
  if (reader.has("file")) {
    const Node file = reader.raw("file");
    series.start_ = reader.quantity<Seconds>("start", Seconds(0));
    // A path is beside the file that names it.
    const std::filesystem::path beside =
        std::filesystem::path(file.where().file).parent_path() / file.text();
    if (!std::filesystem::is_regular_file(beside)) {
      reader.error("file", fmt::format("file: no such table; expected a CSV file beside this one; "
                                       "got '{}'",
                                       file.text()));
    } else {
      try {
        series.hours_ = read_table(beside);
      } catch (const ConfigError& problem) {
        reader.diagnostics().error(problem.what());
      }
    }
    if (series.varies() && series.duration() <= Seconds(0)) {
      reader.error("start", fmt::format("start: the table ends after {} h; got {}",
                                        series.hours_.size() - 1, to_text(series.start_)));
    }
  } else {
    const Weather usual;
    Weather& constant = series.hours_.front();
    constant.dry_bulb = reader.temperature("dry_bulb", usual.dry_bulb);
    constant.wet_bulb = reader.temperature("wet_bulb", min(usual.wet_bulb, constant.dry_bulb));
    if (constant.wet_bulb > constant.dry_bulb) {
      reader.error("wet_bulb", fmt::format("wet_bulb: expected at most dry_bulb, {}; got {}",
                                           to_text(constant.dry_bulb), to_text(constant.wet_bulb)));
    }
  }
  reader.ignore("source");
  reader.ignore("notes");
  reader.finish();
  return series;
}

Weather WeatherSeries::at(Seconds time) const {
  if (!varies()) return hours_.front();
  const double hour = (time + start_) / kHour;
  const auto last = static_cast<double>(hours_.size() - 1);
  const double first = std::clamp(std::floor(hour), 0.0, last - 1);
  const auto index = static_cast<std::size_t>(first);
  const double share = std::clamp(hour - first, 0.0, 1.0);
  const Weather& a = hours_[index];
  const Weather& b = hours_[index + 1];
  return {.dry_bulb = between(a.dry_bulb, b.dry_bulb, share),
          .wet_bulb = between(a.wet_bulb, b.wet_bulb, share)};
}

Seconds WeatherSeries::duration() const {
  if (!varies()) return Seconds(std::numeric_limits<double>::infinity());
  return kHour * static_cast<double>(hours_.size() - 1) - start_;
}

}  // namespace orrery
