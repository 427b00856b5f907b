// Ranks that go on side by side: each as far as it can, then those for whom something has become
// known.
#include <algorithm>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include <orrery/error.hpp>

#include "engine/rank_timeline.hpp"

namespace orrery {
namespace {

constexpr std::size_t kFew = 64;  // ranks of which the first to change is soon found

class Together {
 public:
  explicit Together(std::span<RankTimeline> ranks) : ranks_(ranks), done_(ranks.size()) {
    for (std::size_t i = 0; i < ranks.size(); ++i) ready_.push_back(i);
  }

  void run() {
    while (true) {
      while (!ready_.empty()) {
        round_.swap(ready_);
        for (const std::size_t index : round_) go_on(index);
        round_.clear();
      }
      if (ended_ == ranks_.size()) return;
      force_first();
    }
  }

 private:
  // A rank by its change that is certain when nobody else has an earlier one.
  using Standing = std::pair<Seconds, std::size_t>;

  void go_on(std::size_t index) {
    RankTimeline& rank = ranks_[index];
    if (rank.waits() || done_[index]) return;
    rank.run();
    wake();
    if (rank.done()) {
      ++ended_;
      done_[index] = true;
    } else {
      stand(index);
    }
  }

  void wake() {
    ranks_.front().exchange().take_woken(woken_);
    for (const std::uint32_t woken : woken_) {
      const std::size_t index = find(woken);
      if (index < ranks_.size() && !done_[index]) ready_.push_back(index);
    }
  }

  // Where a rank is; the number of ranks where it is none of these. Mostly all of a step are.
  [[nodiscard]] std::size_t find(std::uint32_t rank) const {
    if (rank < ranks_.size() && ranks_[rank].rank() == rank) return rank;
    const auto found = std::lower_bound(
        ranks_.begin(), ranks_.end(), rank,
        [](const RankTimeline& one, std::uint32_t number) { return one.rank() < number; });
    if (found == ranks_.end() || found->rank() != rank) return ranks_.size();
    return static_cast<std::size_t>(found - ranks_.begin());
  }

  void stand(std::size_t index) {
    if (ranks_.size() <= kFew) return;
    if (standing_.size() > 4 * ranks_.size()) find_standing();
    standing_.emplace(ranks_[index].next_change(), index);
  }

  void find_standing() {
    standing_ = {};
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      if (ranks_[i].stands() && !done_[i]) standing_.emplace(ranks_[i].next_change(), i);
    }
  }

  // All stand.
  void force_first() {
    const std::size_t index = ranks_.size() <= kFew ? first_of_few() : first_of_many();
    if (index == ranks_.size() || ranks_[index].next_change() >= RankTraffic::kNever) {
      throw SimulationError("the step cannot end: its passes wait for one another");
    }
    ranks_[index].force();
    wake();
    ready_.push_back(index);
  }

  [[nodiscard]] std::size_t first_of_few() const {
    const auto first = std::min_element(ranks_.begin(), ranks_.end(),
                                        [](const RankTimeline& a, const RankTimeline& b) {
                                          return a.next_change() < b.next_change();
                                        });
    return static_cast<std::size_t>(first - ranks_.begin());
  }

  [[nodiscard]] std::size_t first_of_many() {
    while (!standing_.empty()) {
      const auto [time, index] = standing_.top();
      standing_.pop();
      if (!done_[index] && ranks_[index].next_change() == time) return index;
    }
    return ranks_.size();
  }

  std::span<RankTimeline> ranks_;
  std::vector<bool> done_;
  std::size_t ended_ = 0;
  std::vector<std::size_t> ready_, round_;
  std::vector<std::uint32_t> woken_;
  std::priority_queue<Standing, std::vector<Standing>, std::greater<>> standing_;
};

}  // namespace

void run_together(std::span<RankTimeline> ranks) {
  if (!ranks.empty()) Together(ranks).run();
}

}  // namespace orrery
