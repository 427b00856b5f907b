#pragma once
/// What is due when, of which entries can be taken before they are due. Ranks that do the same at
/// the same time are due at the same dates: a date is one bucket of entries, and buckets stand in a
/// heap.

#include <array>
#include <cstdint>
#include <vector>

#include <orrery/quantity.hpp>

namespace orrery {

class TimerQueue {
 public:
  using Slot = std::uint32_t;

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  /// The earliest date, and an entry of it. Of equal dates those come first that were pushed first,
  /// but for some among thousands of dates. @pre not empty
  [[nodiscard]] Seconds date() const { return heap_.front().date; }
  [[nodiscard]] Slot top() const {
    const Bucket& bucket = buckets_[heap_.front().bucket];
    return bucket.slots[bucket.first];
  }
  /// Adds an entry under a slot that is not in the queue; slots should be small numbers. O(1) for a
  /// date that is known, O(log of the dates) for others.
  void push(Slot slot, Seconds date);
  /// Removes the entry of a slot in the queue. O(1), amortised with what push() takes.
  void remove(Slot slot);
  void clear();

 private:
  static constexpr std::uint32_t kAbsent = 0xffffffffU;
  static constexpr std::size_t kRemembered = 1024;

  struct Bucket {
    Seconds date{};
    bool queued = false;
    std::uint32_t first = 0;  // entry that has not been removed
    std::uint32_t left = 0;   // entries that have not
    std::vector<Slot> slots;  // kAbsent where it has been removed
  };
  struct Place {
    std::uint32_t bucket = kAbsent;
    std::uint32_t index = 0;
  };
  struct Due {
    Seconds date{};
    std::uint32_t bucket = 0;
    friend bool operator>(const Due& a, const Due& b) {
      return a.date > b.date || (a.date == b.date && a.bucket > b.bucket);
    }
  };

  std::uint32_t bucket_of(Seconds date);
  void drop_empty();

  std::vector<Due> heap_;
  std::vector<Bucket> buckets_;
  std::vector<std::uint32_t> free_buckets_;
  std::vector<Place> places_;                               // by slot
  std::array<std::uint32_t, kRemembered> remembered_ = {};  // buckets, by a hash of their dates
};

}  // namespace orrery
