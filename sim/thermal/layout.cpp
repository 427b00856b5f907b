#include <orrery/error.hpp>

#include "thermal/network.hpp"

namespace orrery::thermal {

int Layout::add(Node node) {
  nodes_.push_back(node);
  return static_cast<int>(nodes_.size()) - 1;
}

void Layout::check(int node) const {
  ORRERY_CHECK(node >= 0 && node < static_cast<int>(nodes_.size()));
}

int Layout::state(JoulesPerKelvin capacity) {
  ORRERY_CHECK(capacity.si() > 0);
  return add({Kind::State, capacity});
}

int Layout::junction() { return add({Kind::Junction, {}}); }

int Layout::boundary() { return add({Kind::Boundary, {}}); }

void Layout::conduct(int a, int b, WattsPerKelvin conductance) { exchange(a, b, b, conductance); }

void Layout::stream(int a, int b, WattsPerKelvin rate) {
  check(a);
  check(b);
  ORRERY_CHECK(rate.si() >= 0);
  links_.push_back({.from = -1, .to = b, .of = a, .against = b, .rate = rate});
}

void Layout::exchange(int body, int upstream, int downstream, WattsPerKelvin conductance) {
  check(body);
  check(upstream);
  check(downstream);
  ORRERY_CHECK(conductance.si() >= 0);
  links_.push_back(
      {.from = body, .to = downstream, .of = body, .against = upstream, .rate = conductance});
}

}  // namespace orrery::thermal
