#include "kernel/timer_queue.hpp"

#include <algorithm>

#include <orrery/error.hpp>

namespace orrery {

void TimerQueue::push(const Entry& entry) {
  if (entry.slot >= position_.size()) position_.resize(entry.slot + 1, kAbsent);
  ORRERY_CHECK(position_[entry.slot] == kAbsent);
  heap_.emplace_back();
  rise(static_cast<std::uint32_t>(heap_.size() - 1), entry);
}

void TimerQueue::remove(Slot slot) {
  ORRERY_CHECK(slot < position_.size() && position_[slot] != kAbsent);
  const std::uint32_t at = position_[slot];
  position_[slot] = kAbsent;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) return;
  if (at > 0 && earlier(last, heap_[parent(at)])) {
    rise(at, last);
  } else {
    sink(at, last);
  }
}

void TimerQueue::clear() {
  for (const Entry& entry : heap_) position_[entry.slot] = kAbsent;
  heap_.clear();
}

void TimerQueue::rise(std::uint32_t at, const Entry& entry) {
  while (at > 0 && earlier(entry, heap_[parent(at)])) {
    place(at, heap_[parent(at)]);
    at = parent(at);
  }
  place(at, entry);
}

void TimerQueue::sink(std::uint32_t at, const Entry& entry) {
  const auto size = static_cast<std::uint32_t>(heap_.size());
  for (std::uint32_t first = kWays * at + 1; first < size; first = kWays * at + 1) {
    std::uint32_t least = first;
    for (std::uint32_t child = first + 1; child < std::min(first + kWays, size); ++child) {
      if (earlier(heap_[child], heap_[least])) least = child;
    }
    if (!earlier(heap_[least], entry)) break;
    place(at, heap_[least]);
    at = least;
  }
  place(at, entry);
}

}  // namespace orrery
