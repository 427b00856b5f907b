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

namespace {

struct WeatherKeys {
  std::string file;
  Location file_at;
  Seconds start{};
  std::optional<Temperature> dry_bulb, wet_bulb;
};

const Schema<WeatherKeys>& weather_schema() {
  using namespace schema;
  using W = WeatherKeys;
  const auto table = [](const W& keys) { return !keys.file.empty(); };
  const auto constant = [](const W& keys) { return keys.file.empty(); };
  static const Schema<W> result(
      "weather",
      {optional("file", &W::file,
                "CSV beside the file that names it: `hour,dry_bulb_c,wet_bulb_c`, every hour from "
                "0, linear between"),
       when<W>("file", table, optional("start", &W::start, "of the job, in the table")),
       when<W>("no file", constant,
               otherwise("20 degC", optional("dry_bulb", &W::dry_bulb, "of the air"))),
       when<W>("no file", constant,
               otherwise("14 degC", optional("wet_bulb", &W::wet_bulb, "at most `dry_bulb`")))},
      [](Reader& reader, W& keys) { keys.file_at = reader.raw("file").where(); });
  return result;
}

std::vector<Weather> hours_of(Reader& reader, const WeatherKeys& keys) {
  const std::filesystem::path beside =
      std::filesystem::path(keys.file_at.file).parent_path() / keys.file;
  if (!std::filesystem::is_regular_file(beside)) {
    reader.error("file", fmt::format("file: no such table; expected a CSV file beside this one; "
                                     "got '{}'",
                                     keys.file));
    return {Weather{}};
  }
  try {
    return read_table(beside);
  } catch (const ConfigError& problem) {
    reader.diagnostics().error(problem.what());
    return {Weather{}};
  }
}

Weather constant_of(Reader& reader, const WeatherKeys& keys) {
  const Weather usual;
  Weather weather;
  weather.dry_bulb = keys.dry_bulb.value_or(usual.dry_bulb);
  weather.wet_bulb = keys.wet_bulb.value_or(min(usual.wet_bulb, weather.dry_bulb));
  if (weather.wet_bulb > weather.dry_bulb) {
    reader.error("wet_bulb", fmt::format("wet_bulb: expected at most dry_bulb, {}; got {}",
                                         to_text(weather.dry_bulb), to_text(weather.wet_bulb)));
  }
  return weather;
}

}  // namespace

const Table& WeatherSeries::table() { return weather_schema().table(); }

WeatherSeries WeatherSeries::read(Reader reader) {
  WeatherSeries series;
  series.where_ = reader.where();
  const WeatherKeys keys = weather_schema().read(reader);
  if (keys.file.empty()) {
    series.hours_ = {constant_of(reader, keys)};
    return series;
  }
  series.start_ = keys.start;
  series.hours_ = hours_of(reader, keys);
  if (series.varies() && series.duration() <= Seconds(0)) {
    reader.error("start", fmt::format("start: the table ends after {} h; got {}",
                                      series.hours_.size() - 1, to_text(series.start_)));
  }
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
