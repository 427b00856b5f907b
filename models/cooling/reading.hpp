#pragma once
/// What the keys of all server cooling have in common.

#include <vector>

#include <orrery/cooling.hpp>
#include <orrery/reader.hpp>

namespace orrery::cooling {

/// Rows of devices along a stream: how many stand side by side in each.
class Rows {
 public:
  /// Reads `rows`.
  static Rows read(Reader& reader);
  /// Row of every device; the first devices stand in the first row, places at the end may be empty.
  /// @throws ConfigError when there are more devices than places.
  [[nodiscard]] std::vector<int> of(int devices) const;
  /// Devices in a row of the most; the stream divides itself over a row.
  [[nodiscard]] double widest() const;

 private:
  std::vector<std::int64_t> counts_;
  Location where_;
};

/// What does not depend on the stream.
struct DeviceSpec {
  JoulesPerKelvin die_capacity{};
  JoulesPerKelvin memory_capacity{};
  JoulesPerKelvin sink_capacity{};
  KelvinsPerWatt die_to_sink{};
  KelvinsPerWatt memory_to_sink{};
  /// Reads `die` and `memory` (`capacity`, `to_sink`).
  void read(Reader& reader);
  /// A path with `sink_to_stream` still to be filled in.
  [[nodiscard]] HeatPath path() const;
};

/// The resistance that a stream shows a sink as seen from the stream's inlet, where `film` lies
/// between sink and stream and the stream warms as it passes a sink of one temperature:
///
///   1 / R = W (1 - e^(-1 / (film W)))       W = rate, of this device alone
///
/// Never below 1 / W: the stream does not leave hotter than the sink.
KelvinsPerWatt seen_from_inlet(KelvinsPerWatt film, WattsPerKelvin rate);

/// Reads `upstream_share` in [0, most].
double read_upstream_share(Reader& reader, double most);

/// Everything has `source` and `notes`.
void finish(Reader& reader);

}  // namespace orrery::cooling
