#include "job/step_cache.hpp"

#include <cmath>

namespace orrery {
namespace {

constexpr Kelvins kHysteresis(0.75);

bool near(Temperature a, Temperature b) { return a - b < kHysteresis && b - a < kHysteresis; }

}  // namespace

const StepResult& StepCache::at(const KindPoints& points) {
  KindPoints rounded = points;
  for (std::size_t kind = 0; kind < points.size(); ++kind) {
    const bool stays =
        rounded_.size() == points.size() && near(rounded_[kind].die, points[kind].die);
    rounded[kind].die =
        stays ? rounded_[kind].die : Temperature::kelvin(std::round(points[kind].die.kelvin()));
  }
  if (last_ != nullptr && rounded == rounded_) return *last_;
  rounded_ = rounded;
  const auto found = known_.find(rounded_);
  last_ = found != known_.end() ? &found->second
                                : &known_.emplace(rounded_, step_(rounded_)).first->second;
  return *last_;
}

}  // namespace orrery
