#pragma once
/// Virtual time: timers, and flows that share the capacity of ports. The outside world of the
/// executor; an implementation on SimGrid stands beside a small reference one in the tests, under
/// one conformance suite.

#include <cstdint>
#include <memory>
#include <span>

#include <orrery/quantity.hpp>

namespace orrery {

/// Identifies a started activity to the one who started it.
using Token = std::uint64_t;

/// Receives what has completed.
class CompletionHandler {
 public:
  virtual ~CompletionHandler() = default;
  /// Everything that completed at Kernel::now(), in the order in which it was started.
  virtual void completed(std::span<const Token> tokens) = 0;
};

class Kernel {
 public:
  using Port = std::uint32_t;
  using Timer = std::uint64_t;

  /// Ports that a kernel has at most.
  static constexpr std::size_t kMostPorts = 4096;

  virtual ~Kernel() = default;
  /// Time since this kernel was made.
  [[nodiscard]] virtual Seconds now() const = 0;
  /// Adds a port that flows share max-min fairly. `capacity` is positive. Only before run().
  virtual Port add_port(BytesPerSecond capacity) = 0;
  /// Completes after `delay` (>= 0).
  virtual Timer start_timer(Seconds delay, Token token) = 0;
  /// Forgets a timer that has not completed.
  virtual void cancel_timer(Timer timer) = 0;
  /// Moves `bytes` (> 0) through `port` at no more than `rate_limit` (> 0), its fair share if that
  /// is less.
  virtual void start_flow(Port port, Bytes bytes, BytesPerSecond rate_limit, Token token) = 0;
  /// Runs until nothing is under way. The handler may start and cancel activities. An exception
  /// that it throws ends the run and leaves through here.
  virtual void run(CompletionHandler& handler) = 0;
  /// Activities completed so far.
  [[nodiscard]] virtual std::uint64_t events() const = 0;
};

/// The kernel on SimGrid, from a module that the first call loads. One at a time in a process. Timers are exact; the dates of flows carry
/// the rounding of SimGrid's clock, some 1e-16 of all the time that the process has simulated.
/// @throws InternalError if another is alive, SimulationError if the module is not installed.
std::unique_ptr<Kernel> make_simgrid_kernel();

}  // namespace orrery
