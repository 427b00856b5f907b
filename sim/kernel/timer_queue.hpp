#pragma once
/// What is due when: a heap from which entries can be taken before they are due. Of four ways: with
/// the timers of thousands of ranks half as many lines of memory are read as with two.

#include <cstdint>
#include <vector>

#include <orrery/quantity.hpp>

namespace orrery {

class TimerQueue {
 public:
  using Slot = std::uint32_t;

  struct Entry {
    Seconds date{};
    std::uint64_t sequence = 0;  ///< order among equal dates
    Slot slot = 0;
  };

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  /// The earliest, of equal dates the one with the least sequence. @pre not empty
  [[nodiscard]] const Entry& top() const { return heap_.front(); }
  /// Adds an entry under a slot that is not in the queue; slots should be small numbers. O(log n).
  void push(const Entry& entry);
  /// Removes the entry of a slot in the queue. O(log n).
  void remove(Slot slot);
  void clear();

 private:
  static constexpr std::uint32_t kAbsent = 0xffffffffU;
  static constexpr std::uint32_t kWays = 4;

  static std::uint32_t parent(std::uint32_t at) { return (at - 1) / kWays; }

  [[nodiscard]] static bool earlier(const Entry& a, const Entry& b) {
    return a.date < b.date || (a.date == b.date && a.sequence < b.sequence);
  }
  void place(std::uint32_t at, const Entry& entry) {
    heap_[at] = entry;
    position_[entry.slot] = at;
  }
  void rise(std::uint32_t at, const Entry& entry);
  void sink(std::uint32_t at, const Entry& entry);

  std::vector<Entry> heap_;
  std::vector<std::uint32_t> position_;  // in heap_, by slot
};

}  // namespace orrery
