#include "cooling/reading.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace orrery::cooling {

void finish(Reader& reader) {
  reader.ignore("source");
  reader.ignore("notes");
  reader.finish();
}

Rows Rows::read(Reader& reader) {
  Rows rows;
  rows.where_ = reader.where("rows");
  rows.counts_ = reader.integers("rows", 1);
  if (rows.counts_.empty()) {
    if (reader.has("rows")) reader.error("rows", "rows is empty; expected devices per row");
    rows.counts_ = {1};
  }
  return rows;
}

std::vector<int> Rows::of(int devices) const {
  const std::int64_t sum = std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
  if (sum < devices) {
    throw ConfigError(
        fmt::format("{}: rows have too few places for the server's devices; expected {}; "
                    "got '{}' of [{}]",
                    where_.text(), devices, sum, fmt::join(counts_, ", ")));
  }
  std::vector<int> result;
  for (std::size_t row = 0; row < counts_.size(); ++row)
    result.insert(result.end(), static_cast<std::size_t>(counts_[row]), static_cast<int>(row));
  result.resize(static_cast<std::size_t>(devices));  // places at the end may be empty
  return result;
}

double Rows::widest() const {
  return static_cast<double>(*std::max_element(counts_.begin(), counts_.end()));
}

void DeviceSpec::read(Reader& reader) {
  Reader die = reader.child("die");
  die_capacity = die.positive<JoulesPerKelvin>("capacity");
  die_to_sink = die.positive<KelvinsPerWatt>("to_sink");
  finish(die);
  Reader memory = reader.child("memory");
  memory_capacity = memory.positive<JoulesPerKelvin>("capacity");
  memory_to_sink = memory.positive<KelvinsPerWatt>("to_sink");
  finish(memory);
}

HeatPath DeviceSpec::path() const {
  return {.die_capacity = die_capacity,
          .memory_capacity = memory_capacity,
          .sink_capacity = sink_capacity,
          .die_to_sink = die_to_sink,
          .memory_to_sink = memory_to_sink,
          .sink_to_stream = {}};
}

KelvinsPerWatt seen_from_inlet(KelvinsPerWatt film, WattsPerKelvin rate) {
  return 1 / (rate * -std::expm1(-1 / (film * rate)));
}

double read_upstream_share(Reader& reader, double most) {
  return reader.ratio("upstream_share", 0.0, most);
}

}  // namespace orrery::cooling
