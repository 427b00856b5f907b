#pragma once
/// The one-call composition root: every model that ships with Orrery.

#include <orrery/registry.hpp>

namespace orrery {

Registry builtin_registry();

}  // namespace orrery
