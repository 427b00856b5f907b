#include <fmt/core.h>

#include <orrery/node.hpp>

#include "units/spelling.hpp"

namespace orrery {

std::string did_you_mean(const std::string& name, const std::vector<std::string>& candidates) {
  const std::string near = closest(name, candidates);
  return near.empty() ? "" : fmt::format("; did you mean '{}'?", near);
}

}  // namespace orrery
