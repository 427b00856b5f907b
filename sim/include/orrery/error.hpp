#pragma once
/// The exceptions of the library. Nothing else escapes its public functions, but std::bad_alloc and
/// what parse_measure() says.

#include <stdexcept>
#include <string>
#include <vector>

namespace orrery {

/// The user can mend the input. Holds every independent error found, in file order.
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(const std::string& message) : ConfigError(std::vector{message}) {}
  /// `messages` holds at least one; each reads `file:line:column: what; what was expected; got
  /// 'x'`.
  explicit ConfigError(std::vector<std::string> messages);
  [[nodiscard]] const std::vector<std::string>& messages() const { return messages_; }

 private:
  std::vector<std::string> messages_;
};

/// The input is sound but this run cannot finish (out of memory, deadlock in a trace, full disk).
class SimulationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The result is there and could not be written: the message names the file and why.
class OutputError : public SimulationError {
 public:
  using SimulationError::SimulationError;
};

/// A bug in Orrery: an invariant does not hold.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_check(const char* condition, const char* file, int line);

}  // namespace orrery

/// Holds in every build type. @throws InternalError
#define ORRERY_CHECK(condition) \
  ((condition) ? void(0) : ::orrery::fail_check(#condition, __FILE__, __LINE__))
