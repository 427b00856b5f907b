#pragma once
/// Communication under way on a rank: what of the device it holds, and how its links are shared.

#include <array>
#include <bit>
#include <span>
#include <vector>

#include "engine/cost_table.hpp"
#include "engine/link_slots.hpp"

namespace orrery {

/// As the event engine has it: a collective is a latency, then its flows. They share the links
/// max-min, none faster than alone. Multiprocessors are held from the start, memory bandwidth from
/// the end of the latency, both to the end.
class RankTraffic {
 public:
  /// Keeps the reference.
  explicit RankTraffic(const LinkSlots& links) : links_(links) {}

  /// A collective takes its place on its stream and holds its multiprocessors.
  /// @pre nothing is under way there. `cost`, of collective `index`, outlives it
  void hold(Stream stream, std::uint32_t index, const CollectiveCost& cost);
  /// Its latency begins.
  void begin(Stream stream, Seconds now);
  /// It leaves its stream.
  void release(Stream stream);
  /// The same before it has ended: its end is known. @pre no flow of it shares a link
  void withdraw(Stream stream);

  /// Nothing is on a stream, or on any.
  [[nodiscard]] bool free(Stream stream) const { return at(stream).cost == nullptr; }
  [[nodiscard]] bool free() const { return under_way_ == 0; }
  /// Nothing but what is on this stream.
  [[nodiscard]] bool alone(Stream stream) const { return under_way_ == bit(stream); }
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

  /// When the bytes of a collective begin to move and when they have moved, with nothing beside it.
  struct Course {
    Seconds begins{}, ends{};
  };
  /// Of what is on a stream. @pre it is in its latency, or its bytes move
  [[nodiscard]] Course course(Stream stream) const;
  /// Whether a collective beside what is on a stream leaves both as fast as alone.
  [[nodiscard]] bool fits_beside(Stream stream, std::uint32_t index, const CollectiveCost& cost);

  static constexpr Seconds kNever{1e300};

 private:
  static constexpr BytesPerSecond kOpen{-1};  // a share that is not known yet
  enum class Phase { Held, Latency, Moving, Moved };
  struct Flow {
    int number = -1;  // among those of its collective; -1 where it only takes time
    std::uint32_t collective = 0;
    Bytes left{};  // at `since`
    Seconds since{}, end{};
    BytesPerSecond alone{}, rate{};
    BytesPerSecond share{};  // scratch of fill()
  };
  struct Transfer {
    const CollectiveCost* cost = nullptr;
    std::uint32_t index = 0;  // of the collective
    Phase phase = Phase::Held;
    Seconds begins{};  // the flows, after the latency
    std::size_t flows = 0;
    std::array<Flow, 2> flow;
  };

  [[nodiscard]] const Transfer& at(Stream stream) const {
    return transfers_[static_cast<std::size_t>(stream)];
  }
  [[nodiscard]] Transfer& at(Stream stream) { return transfers_[static_cast<std::size_t>(stream)]; }
  static unsigned bit(Stream stream) { return 1U << static_cast<unsigned>(stream); }
  // Of the streams on which something is, ascending.
  template <class Each>
  void for_each(const Each& each) {
    for (unsigned rest = under_way_; rest != 0; rest &= rest - 1) {
      each(transfers_[static_cast<std::size_t>(std::countr_zero(rest))]);
    }
  }
  void start_flows(Transfer& transfer, Seconds now);
  bool end_flows(Transfer& transfer, Seconds now);
  void add_memory();
  void share(Seconds now);
  [[nodiscard]] bool all_fit(std::span<Flow* const> flows);
  bool take(std::span<const LinkSlots::Need> needs, BytesPerSecond rate);
  void fill(std::span<Flow* const> flows);
  BytesPerSecond find_level(std::span<Flow* const> flows);
  [[nodiscard]] std::span<const LinkSlots::Need> needs(const Flow& flow) const;
  [[nodiscard]] bool held(const Flow& flow) const;
  void find_next();

  const LinkSlots& links_;
  // Scratch of fill(), by slot: what is left, what open flows take for each byte, which are full.
  std::vector<BytesPerSecond> left_;
  std::vector<double> taken_;
  std::vector<bool> full_;
  std::array<Transfer, kStreamCount> transfers_{};
  unsigned under_way_ = 0;  // streams, as bits
  int multiprocessors_ = 0;
  BytesPerSecond memory_{};
  Seconds next_ = kNever;
};

}  // namespace orrery
