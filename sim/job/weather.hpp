#pragma once
/// Outdoor conditions over time.

#include <filesystem>
#include <vector>

#include <orrery/cooling.hpp>
#include <orrery/schema.hpp>

namespace orrery {

/// Constant, or hourly values with straight lines between them.
class WeatherSeries {
 public:
  WeatherSeries() = default;  ///< constant
  /// Reads {dry_bulb, wet_bulb}, or {file, start}: a table with the columns hour, dry_bulb_c and
  /// wet_bulb_c, of every hour from 0, read beside the file that names it. Mistakes go to the
  /// reader's diagnostics.
  static WeatherSeries read(Reader reader);
  /// The keys that read() takes.
  static const Table& table();

  /// `time` since the start of the job. @pre within duration()
  [[nodiscard]] Weather at(Seconds time) const;
  /// From the start of the job to the end of the table; infinite where constant.
  [[nodiscard]] Seconds duration() const;
  [[nodiscard]] bool varies() const { return hours_.size() > 1; }
  [[nodiscard]] const Location& where() const { return where_; }

 private:
  std::vector<Weather> hours_ = {Weather{}};
  Seconds start_{};
  Location where_;
};

}  // namespace orrery
