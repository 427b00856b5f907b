#include <fmt/core.h>

#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <vector>

#include <orrery/node.hpp>

#include "config/sha256.hpp"
#include "config/yaml_file.hpp"

namespace orrery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBytes = std::size_t{64} << 20U;  // also ends the reading of /dev/zero

[[noreturn]] void reject(const fs::path& file, const std::string& what) {
  throw ConfigError(fmt::format("{}: {}", file.string(), what));
}

/// The neighbour of a missing file that it may be a misspelling of.
std::string near_file(const fs::path& file) {
  std::error_code ignored;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  std::vector<std::string> names;
  for (fs::directory_iterator i(folder, ignored), end; !ignored && i != end; i.increment(ignored)) {
    names.push_back(i->path().filename().string());
  }
  return did_you_mean(file.filename().string(), names);
}

std::string read_text(const fs::path& file) {
  std::ifstream input(file, std::ios::binary);
  if (!input) reject(file, "cannot read the file; check its permissions");
  std::string text;
  std::vector<char> block(std::size_t{1} << 16U);
  while (input && text.size() <= kMaxBytes) {
    input.read(block.data(), static_cast<std::streamsize>(block.size()));
    text.append(block.data(), static_cast<std::size_t>(input.gcount()));
  }
  if (input.bad()) reject(file, "cannot read the file; check the disk and its permissions");
  if (text.size() > kMaxBytes) reject(file, "file is too large; expected at most 64 MiB of YAML");
  return text;
}

}  // namespace

Node load_yaml(const fs::path& file) {
  std::string sha256;
  return load_yaml(file, sha256);
}

Node load_yaml(const fs::path& file, std::string& sha256) {
  std::error_code failure;
  const fs::file_status status = fs::status(file, failure);
  if (status.type() == fs::file_type::not_found) {
    reject(file, "file not found; expected a YAML file; check the path" + near_file(file));
  }
  if (failure) reject(file, "cannot read the file: " + failure.message());
  if (fs::is_directory(status)) {
    reject(file, "is a directory; expected a YAML file; name a file in it");
  }
  const std::string text = read_text(file);
  sha256 = sha256_of(text);
  Node tree = parse_yaml(text, file.string());
  if (tree.kind() == Node::Kind::Null) {
    reject(file, "file is empty; expected a YAML map such as 'name: value'");
  }
  return tree;
}

}  // namespace orrery
