#pragma once
/// Reading YAML files, with their hashes.

#include <filesystem>
#include <string>

#include <orrery/node.hpp>

namespace orrery {

/// load_yaml() that also gives the SHA-256 of the bytes that it parsed, in lowercase hexadecimal.
Node load_yaml(const std::filesystem::path& file, std::string& sha256);

}  // namespace orrery
