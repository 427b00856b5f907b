#pragma once
/// The parameters of `collective.torus`, as read from `configs/communication/tpu-*`. Symbols in
/// brackets are those of README.md.

#include <optional>
#include <string>

#include <orrery/schema.hpp>

namespace orrery::collective {

struct TorusScaleUp {
  Seconds launch{};       ///< [t0] of a collective
  Seconds hop{};          ///< [h] from device to neighbour, software included
  double efficiency = 1;  ///< [e] share of a link's rate
  std::string caveat;     ///< what is estimated
};

struct TorusScaleOut {
  Seconds hop{};  ///< [h_o] from device through host and network to a device of the next slice
  double efficiency = 1;  ///< [e_o] share of a device's part of the NICs
  std::string caveat;
};

struct TorusParameters {
  Location where;  ///< of the `communication` map
  TorusScaleUp scale_up;
  std::optional<TorusScaleOut> scale_out;

  /// The keys of an entry; its nested maps are those of the members.
  static const Schema<TorusParameters>& schema();
  /// Reads the whole map and calls Reader::finish().
  static TorusParameters read(Reader& reader);
};

}  // namespace orrery::collective
