#include <fmt/core.h>
#include <fmt/ranges.h>

#include <utility>

#include <orrery/error.hpp>

namespace orrery {

ConfigError::ConfigError(std::vector<std::string> messages)
    : std::runtime_error(fmt::format("{}", fmt::join(messages, "\n"))),
      messages_(std::move(messages)) {
  ORRERY_CHECK(!messages_.empty());
}

void fail_check(const char* condition, const char* file, int line) {
  throw InternalError(
      fmt::format("{}:{}: check failed: {}; this is a bug in Orrery", file, line, condition));
}

}  // namespace orrery
