#include "scenario/sha256.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <openssl/evp.h>

#include <orrery/error.hpp>

namespace orrery {

std::string sha256_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw ConfigError(fmt::format("{}: cannot be read", file.string()));
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), {}};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  ORRERY_CHECK(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1);
  std::string text;
  for (unsigned int i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

}  // namespace orrery
