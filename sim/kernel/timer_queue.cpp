#include "kernel/timer_queue.hpp"

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
  if (at > 0 && earlier(last, heap_[(at - 1) / 2])) {
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
  while (at > 0 && earlier(entry, heap_[(at - 1) / 2])) {
    place(at, heap_[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  place(at, entry);
}

void TimerQueue::sink(std::uint32_t at, const Entry& entry) {
  for (std::uint32_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
    if (child + 1 < heap_.size() && earlier(heap_[child + 1], heap_[child])) ++child;
    if (!earlier(heap_[child], entry)) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, entry);
}

}  // namespace orrery
