#pragma once
/// Hashes of input files, for provenance.

#include <string>
#include <string_view>

namespace orrery {

/// SHA-256 (FIPS 180-4) of bytes, in lowercase hexadecimal.
std::string sha256_of(std::string_view bytes);

}  // namespace orrery
