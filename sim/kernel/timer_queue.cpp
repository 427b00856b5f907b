#include "kernel/timer_queue.hpp"

#include <algorithm>
#include <bit>
#include <functional>

#include <orrery/error.hpp>

namespace orrery {

// Of two dates with one hash the last is remembered: the other may get a second bucket.
std::uint32_t TimerQueue::bucket_of(Seconds date) {
  const std::uint64_t hash = std::bit_cast<std::uint64_t>(date.si()) * 0x9e3779b97f4a7c15ULL;
  std::uint32_t& known = remembered_[hash >> 54];
  static_assert(kRemembered == std::size_t{1} << 10);
  if (known < buckets_.size() && buckets_[known].queued && buckets_[known].date == date) {
    return known;
  }
  if (free_buckets_.empty()) {
    free_buckets_.push_back(static_cast<std::uint32_t>(buckets_.size()));
    buckets_.emplace_back();
  }
  known = free_buckets_.back();
  free_buckets_.pop_back();
  buckets_[known].date = date;
  buckets_[known].queued = true;
  heap_.push_back({date, known});
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  return known;
}

void TimerQueue::push(Slot slot, Seconds date) {
  if (slot >= places_.size()) places_.resize(slot + 1);
  ORRERY_CHECK(places_[slot].bucket == kAbsent);
  const std::uint32_t number = bucket_of(date);
  Bucket& bucket = buckets_[number];
  places_[slot] = {number, static_cast<std::uint32_t>(bucket.slots.size())};
  if (bucket.left == 0) bucket.first = places_[slot].index;
  bucket.slots.push_back(slot);
  ++bucket.left;
}

void TimerQueue::remove(Slot slot) {
  ORRERY_CHECK(slot < places_.size() && places_[slot].bucket != kAbsent);
  Bucket& bucket = buckets_[places_[slot].bucket];
  bucket.slots[places_[slot].index] = kAbsent;
  places_[slot].bucket = kAbsent;
  if (--bucket.left == 0) {
    bucket.slots.clear();
    drop_empty();
    return;
  }
  while (bucket.slots[bucket.first] == kAbsent) ++bucket.first;
}

// An empty bucket goes when it is the earliest: until then its date may be asked for again.
void TimerQueue::drop_empty() {
  while (!heap_.empty() && buckets_[heap_.front().bucket].left == 0) {
    const std::uint32_t number = heap_.front().bucket;
    std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
    heap_.pop_back();
    buckets_[number].queued = false;
    free_buckets_.push_back(number);
  }
}

void TimerQueue::clear() {
  for (Bucket& bucket : buckets_) {
    for (const Slot slot : bucket.slots) {
      if (slot != kAbsent) places_[slot].bucket = kAbsent;
    }
    bucket.slots.clear();
    bucket.left = 0;
  }
  drop_empty();
}

}  // namespace orrery
