#pragma once
/// The operations of a pass. Passes that run the same routine and send the same message share them:
/// what is made once for each of some ten routines would be made 36 million times for the passes of
/// 16,384 ranks.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <orrery/outline.hpp>

namespace orrery {

/// Calls spread out, in order of creation, and after them the message that the pass ends with.
class PassOps {
 public:
  static constexpr std::uint32_t kNone = 0xffffffffU;

  /// Of `pass`, whatever its rank and what it waits for.
  PassOps(const Outline& outline, const Pass& pass);
  /// Of a single operation that is nobody's routine.
  PassOps(const WorkTables& tables, const Op& op, bool syncs);

  [[nodiscard]] const std::vector<Op>& ops() const { return ops_; }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(ops_.size()); }
  /// kNone for a single operation.
  [[nodiscard]] std::uint32_t routine() const { return routine_; }
  /// Ends of operations of the pass that `op` waits for, the one before it on its stream included.
  [[nodiscard]] std::uint32_t waits(std::uint32_t op) const { return waits_[op]; }
  /// Operations of the pass that wait for `op`, ascending; one that does twice is there twice.
  [[nodiscard]] std::span<const std::uint32_t> successors(std::uint32_t op) const {
    return std::span(next_).subspan(first_next_[op], first_next_[op + 1] - first_next_[op]);
  }
  /// First and last operation on a stream, or kNone.
  [[nodiscard]] std::uint32_t first(Stream stream) const { return first_[at(stream)]; }
  [[nodiscard]] std::uint32_t last(Stream stream) const { return last_[at(stream)]; }
  /// Operations that start when the pass may: they wait for what it waits for. Ascending.
  [[nodiscard]] const std::vector<std::uint32_t>& gates() const { return gates_; }
  /// Operations that wait for what ran on the compute stream before the pass, beyond the order of
  /// their stream. Ascending.
  [[nodiscard]] const std::vector<std::uint32_t>& entries() const { return entries_; }
  /// Whose end lets start what waits for the pass.
  [[nodiscard]] std::uint32_t output() const { return output_; }
  /// The host waits for what came before, then launches first(Compute).
  [[nodiscard]] bool syncs() const { return syncs_; }
  /// first(Compute) waits for what came before on every stream but Send.
  [[nodiscard]] bool joins() const { return joins_; }

  /// Collectives that meet those of other ranks by their kind of group and stream.
  struct Issued {
    int group = 0;
    Stream stream = Stream::Compute;
    std::uint32_t count = 0;
  };
  [[nodiscard]] const std::vector<Issued>& issued() const { return issued_; }
  /// Whether an operation on the stream waits for no compute of its own pass or of the one before:
  /// it may start long before.
  [[nodiscard]] bool starts_freely(Stream stream) const { return free_[at(stream)]; }
  /// Operations that belong to the routine: all but a message on a stream of its own.
  [[nodiscard]] std::uint32_t own() const { return own_; }
  /// The last of them on the compute stream.
  [[nodiscard]] std::uint32_t own_last() const { return own_last_; }
  /// Equal for passes whose own operations are equal.
  [[nodiscard]] std::uint64_t own_key() const {
    const std::uint64_t message = own_last_ == output_ && sends_ ? ops_.back().work + 1ULL : 0;
    return message << 32 | routine_;
  }
  /// The operation of the routine before a message on a stream of its own there, or kNone.
  [[nodiscard]] std::uint32_t before_message() const { return before_message_; }
  /// Whether a collective takes resources that other ranks take as well.
  [[nodiscard]] bool placed() const { return placed_; }

 private:
  class Builder;
  static std::size_t at(Stream stream) { return static_cast<std::size_t>(stream); }
  void finish(const WorkTables& tables, std::vector<std::array<std::uint32_t, 2>> edges);
  void link(std::vector<std::array<std::uint32_t, 2>>& edges);
  void find_free();

  std::uint32_t routine_ = kNone;
  std::vector<Op> ops_;
  std::vector<std::uint32_t> waits_;
  std::vector<std::uint32_t> first_next_;  // of each operation in next_, one more at the end
  std::vector<std::uint32_t> next_;
  std::array<std::uint32_t, kStreamCount> first_{}, last_{};
  std::vector<std::uint32_t> gates_, entries_;
  std::vector<Issued> issued_;
  std::array<bool, kStreamCount> free_{};
  std::uint32_t output_ = 0, own_ = 0, own_last_ = kNone, before_message_ = kNone;
  bool syncs_ = false, joins_ = false, placed_ = false, sends_ = false;
};

}  // namespace orrery
