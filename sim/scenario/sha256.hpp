#pragma once
/// Hashes of input files, for provenance.

#include <filesystem>
#include <string>

namespace orrery {

/// SHA-256 of a file's bytes in lowercase hexadecimal. @throws ConfigError when it cannot be read.
std::string sha256_of(const std::filesystem::path& file);

}  // namespace orrery
