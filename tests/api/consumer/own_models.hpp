#pragma once
#include <string>
#include <vector>

/// What the conformance kit finds wrong with a device, a collective model and a workload of this
/// program's own; nothing, if all is well.
std::vector<std::string> check_own_models();
