#include "cooling/reading.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace orrery::cooling {

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

namespace {

using namespace schema;

const Schema<PartSpec>& part_schema() {
  using P = PartSpec;
  static const Schema<P> result(
      "part", {required("capacity", &P::capacity, positive, "of heat"),
               required("to_sink", &P::to_sink, positive, "resistance to the sink or plate")});
  return result;
}

}  // namespace

const std::vector<Binding<DeviceSpec>>& device_fields() {
  using D = DeviceSpec;
  static const std::vector<Binding<D>> result = {
      label<D>(),
      optional("caveat", &D::caveat, "what is estimated; printed with every result"),
      required("die", &D::die, &part_schema(), "of one device"),
      required("memory", &D::memory, &part_schema(), "its HBM"),
      custom<D>({.key = "rows",
                 .kind = Field::Kind::Count,
                 .list = true,
                 .low = 1,
                 .doc = "devices beside each other in each row, `[4, 4]`, from the inlet on; at "
                        "least as many places as devices"},
                [](Reader& reader, D& spec) { spec.rows = Rows::read(reader); }),
      required("upstream_share", &D::upstream_share, between(0.0, 1.0),
               "[u] of the heat of all other parts, what enters before the first row")};
  return result;
}

HeatPath DeviceSpec::path(JoulesPerKelvin sink) const {
  return {.die_capacity = die.capacity,
          .memory_capacity = memory.capacity,
          .sink_capacity = sink,
          .die_to_sink = die.to_sink,
          .memory_to_sink = memory.to_sink,
          .sink_to_stream = {}};
}

KelvinsPerWatt seen_from_inlet(KelvinsPerWatt film, WattsPerKelvin rate) {
  return 1 / (rate * -std::expm1(-1 / (film * rate)));
}

}  // namespace orrery::cooling
