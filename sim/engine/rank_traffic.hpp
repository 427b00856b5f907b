#pragma once
/// Communication under way on a rank: what of the device it holds, and how its links are shared.

#include <array>

#include "engine/cost_table.hpp"

namespace orrery {

/// What all of a rank's flows on each LinkClass can have together.
using PortRates = std::array<BytesPerSecond, 2>;

/// As the event engine has it: a collective is a latency, then a flow on each link that it loads.
/// Flows share a link max-min, none faster than alone. Multiprocessors are held from the start,
/// memory bandwidth from the end of the latency, both to the end.
class RankTraffic {
 public:
  explicit RankTraffic(const PortRates& ports) : ports_(ports) {}

  /// A collective takes its place on its stream and holds its multiprocessors.
  /// @pre nothing is under way there. `cost` outlives it
  void hold(Stream stream, const CollectiveCost& cost);
  /// Its latency begins.
  void begin(Stream stream, Seconds now);
  /// It leaves its stream.
  void release(Stream stream);
  /// The same before it has ended: its end is known. @pre no flow of it shares a link
  void withdraw(Stream stream);

  /// Nothing is on a stream, or on any.
  [[nodiscard]] bool free(Stream stream) const { return at(stream).cost == nullptr; }
  [[nodiscard]] bool free() const { return busy_ == 0; }
  /// Nothing but what is on this stream.
  [[nodiscard]] bool alone(Stream stream) const { return busy_ == 1 && !free(stream); }
  /// Its latency has not begun.
  [[nodiscard]] bool held(Stream stream) const {
    return !free(stream) && at(stream).phase == Phase::Held;
  }
  /// All its bytes have moved.
  [[nodiscard]] bool moved(Stream stream) const {
    return !free(stream) && at(stream).phase == Phase::Moved;
  }

  /// The next time at which a latency or a flow ends; kNever.
  [[nodiscard]] Seconds next() const { return next_; }
  /// To `now`, which is not beyond next().
  void advance(Seconds now);

  [[nodiscard]] int multiprocessors() const { return multiprocessors_; }
  [[nodiscard]] BytesPerSecond memory() const { return memory_; }

  static constexpr Seconds kNever{1e300};

 private:
  enum class Phase { Held, Latency, Moving, Moved };
  struct Flow {
    int link = -1;  // a LinkClass; -1 where it only takes time
    Bytes left{};   // at `since`
    Seconds since{}, end{};
    BytesPerSecond alone{}, rate{};
  };
  struct Transfer {
    const CollectiveCost* cost = nullptr;
    Phase phase = Phase::Held;
    Seconds begins{};  // the flows, after the latency
    std::size_t flows = 0;
    std::array<Flow, 2> flow;
  };

  [[nodiscard]] const Transfer& at(Stream stream) const {
    return transfers_[static_cast<std::size_t>(stream)];
  }
  [[nodiscard]] Transfer& at(Stream stream) { return transfers_[static_cast<std::size_t>(stream)]; }
  void start_flows(Transfer& transfer, Seconds now);
  void end_flows(Transfer& transfer, Seconds now);
  void add_memory();
  void share(int link, Seconds now);
  void find_next();

  PortRates ports_;
  std::array<Transfer, kStreamCount> transfers_{};
  int busy_ = 0;  // streams
  int multiprocessors_ = 0;
  BytesPerSecond memory_{};
  Seconds next_ = kNever;
};

}  // namespace orrery
