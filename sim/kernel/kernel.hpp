#pragma once
/// Virtual time: timers, and flows that share resources. The outside world of the executor; the
/// implementation of the engine stands beside a small reference one in the tests, under one
/// conformance suite.
///
/// How flows share. A flow of weight w_i advances at x_i bytes a second and takes a_ir x_i of every
/// resource r of its demands. Alone it would advance at the least of its bound and C_r / a_ir. A
/// resource is *contended* while its flows, each as fast as alone, would together take more than
/// its capacity C_r; others limit nobody, and a flow without a contended resource is as fast as
/// alone. The rest share max-min by progressive filling: from 0, the rates of all grow together as
/// x_i = level w_i / A_i; a flow that is as fast as alone, and every flow of a resource that is
/// full, keeps its rate while the others grow on. A_i is the amount a_ir of the contended resource
/// that is narrowest for the flow, the one with the greatest a_ir W_r / C_r, where W_r is the
/// weight of all flows on r. So flows that meet where it is narrowest for them get bandwidth *of
/// that resource* in proportion to their weights, however much each takes of others; with one
/// amount everywhere this is the ordinary weighted max-min fair allocation.

#include <cstdint>
#include <memory>
#include <span>

#include <orrery/quantity.hpp>

namespace orrery {

/// Identifies a started activity to the one who started it.
using Token = std::uint64_t;

/// What a flow takes of a resource.
struct Demand {
  std::uint32_t resource = 0;  ///< as Kernel::add_resource() numbered it
  double amount = 1;           ///< bytes of the resource for each byte that the flow advances, > 0
};

/// Something to move.
struct Flow {
  std::span<const Demand> demands;  ///< a resource that is named twice counts twice
  Bytes size{};                     ///< how far it advances, > 0
  BytesPerSecond bound{};           ///< it never advances faster, > 0
  double weight = 1;                ///< of equal flows that it stands for, > 0
};

/// Receives what has completed.
class CompletionHandler {
 public:
  virtual ~CompletionHandler() = default;
  /// Everything that completed at Kernel::now(), in the order in which it was started.
  virtual void completed(std::span<const Token> tokens) = 0;
};

/// Order of calls: resources and first activities, run(), and from its handler more of both.
class Kernel {
 public:
  using Resource = std::uint32_t;
  using Timer = std::uint64_t;

  virtual ~Kernel() = default;
  /// Time since this kernel was made.
  [[nodiscard]] virtual Seconds now() const = 0;
  /// Adds a resource that flows share; `capacity` is positive. At any time, also from the handler.
  /// Numbers count up from 0.
  virtual Resource add_resource(BytesPerSecond capacity) = 0;
  /// Completes after `delay` (>= 0). O(log of the activities under way).
  virtual Timer start_timer(Seconds delay, Token token) = 0;
  /// Forgets a timer that has not completed.
  virtual void cancel_timer(Timer timer) = 0;
  /// Completes when `flow` has advanced by its size. Its demands are copied. A flow without demands
  /// advances at its bound.
  virtual void start_flow(const Flow& flow, Token token) = 0;
  /// Runs until nothing is under way. The handler may start and cancel activities. An exception
  /// that it throws ends the run and leaves through here.
  virtual void run(CompletionHandler& handler) = 0;
  /// Activities completed so far.
  [[nodiscard]] virtual std::uint64_t events() const = 0;
  /// Flows started so far.
  [[nodiscard]] virtual std::uint64_t flows() const = 0;
  /// Those of flows() that had to share a resource.
  [[nodiscard]] virtual std::uint64_t shared_flows() const = 0;
};

/// The engine's kernel: an own queue of timers and of flows that share nothing; flows that compete
/// run in SimGrid, which is entered only then. Any number of kernels may exist; flows of one at a
/// time compete in a process. Dates of timers and of flows that share nothing are exact sums; those
/// of others carry the rounding of SimGrid's clock, some 1e-16 of all the time in which flows have
/// competed in the process.
/// A flow that takes different amounts of its contended resources enters SimGrid with the ratios of
/// whole numbers, within 5e-4 of those given (kernel/whole_amounts.hpp); amounts in such ratios,
/// and any single amount, are exact.
std::unique_ptr<Kernel> make_kernel();

}  // namespace orrery
