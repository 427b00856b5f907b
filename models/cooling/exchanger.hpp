#pragma once
/// Heat exchangers between two streams.

#include <orrery/quantity.hpp>

namespace orrery::cooling {

/// Effectiveness of a counterflow exchanger, in [0, 1):
/// e = (1 - x) / (1 - Cr x), x = exp(-NTU (1 - Cr)); NTU / (1 + NTU) where both streams are equal.
/// `ntu` = UA / C_min >= 0, `ratio` = C_min / C_max in [0, 1].
double effectiveness(double ntu, double ratio);

/// Heat per kelvin between the inlets of two streams, e C_min; 0 where one of them stands.
WattsPerKelvin exchange(WattsPerKelvin ua, WattsPerKelvin a, WattsPerKelvin b);

}  // namespace orrery::cooling
