#include <orrery/outline.hpp>

#include <utility>

namespace orrery {

std::uint32_t Outline::add(Routine routine) {
  routines.push_back(std::move(routine));
  return static_cast<std::uint32_t>(routines.size() - 1);
}

}  // namespace orrery
