#include "cooling/exchanger.hpp"

#include <cmath>

namespace orrery::cooling {

double effectiveness(double ntu, double ratio) {
  if (1.0 - ratio < 1e-9) return ntu / (1.0 + ntu);
  const double rest = std::exp(-ntu * (1.0 - ratio));
  return (1.0 - rest) / (1.0 - ratio * rest);
}

WattsPerKelvin exchange(WattsPerKelvin ua, WattsPerKelvin a, WattsPerKelvin b) {
  const WattsPerKelvin least = min(a, b);
  if (least <= WattsPerKelvin(0)) return WattsPerKelvin(0);
  return least * effectiveness(ua / least, least / max(a, b));
}

}  // namespace orrery::cooling
