#include "platform/device_names.hpp"

#include <charconv>

#include <fmt/format.h>

namespace orrery {
namespace {

constexpr std::string_view kServer = "server";

// The number after `word`, written as a name has it: no sign, no leading zero.
std::optional<int> number_after(std::string_view text, std::string_view word) {
  if (text.substr(0, word.size()) != word) return std::nullopt;
  const std::string_view rest = text.substr(word.size());
  if (rest.empty() || rest.front() == '-' || (rest.size() > 1 && rest.front() == '0')) {
    return std::nullopt;
  }
  int value = 0;
  const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (problem != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  return value;
}

}  // namespace

const char* device_word(const ServerSpec& server) {
  return server.scale_up.kind == ScaleUpSpec::Kind::Torus ? "tpu" : "gpu";
}

std::string name_of_device(const ServerSpec& server, int device) {
  return fmt::format("{}{}.{}{}", kServer, device / server.devices, device_word(server),
                     device % server.devices);
}

std::optional<int> device_of_name(const ServerSpec& server, int servers, std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto which = number_after(name.substr(0, dot), kServer);
  const auto device = number_after(name.substr(dot + 1), device_word(server));
  if (!which || !device || *which >= servers || *device >= server.devices) return std::nullopt;
  return *which * server.devices + *device;
}

}  // namespace orrery
