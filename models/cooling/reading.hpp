#pragma once
/// What the keys of all server cooling have in common.

#include <string>
#include <vector>

#include <orrery/cooling.hpp>
#include <orrery/schema.hpp>

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

/// A die or its memory.
struct PartSpec {
  JoulesPerKelvin capacity{};
  KelvinsPerWatt to_sink{};
};

/// Keys of all server cooling that do not depend on the stream.
struct DeviceSpec {
  std::string caveat;
  PartSpec die;
  PartSpec memory;
  Rows rows;
  double upstream_share = 0;

  /// A path with `sink_to_stream` still to be filled in.
  [[nodiscard]] HeatPath path(JoulesPerKelvin sink) const;
};
const std::vector<Binding<DeviceSpec>>& device_fields();

/// The resistance that a stream shows a sink as seen from the stream's inlet, where `film` lies
/// between sink and stream and the stream warms as it passes a sink of one temperature:
///
///   1 / R = W (1 - e^(-1 / (film W)))       W = rate, of this device alone
///
/// Never below 1 / W: the stream does not leave hotter than the sink.
KelvinsPerWatt seen_from_inlet(KelvinsPerWatt film, WattsPerKelvin rate);

}  // namespace orrery::cooling
