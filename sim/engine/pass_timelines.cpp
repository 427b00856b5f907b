#include "engine/pass_timelines.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {
namespace {

constexpr int kMostFailures = 8;
constexpr std::size_t kMostKnown = 64;

bool same_lags(const std::vector<Seconds>& a, const std::vector<Seconds>& b, Seconds now) {
  const double rounding = kSameDate * now.si();
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [rounding](Seconds x, Seconds y) {
    return std::abs(x.si() - y.si()) <= rounding;
  });
}

}  // namespace

const PartyTimeline* PassTimelines::find(const PartyStart& start, Seconds now) const {
  const auto alike = alike_.find(start.what);
  if (alike == alike_.end()) return nullptr;
  for (const Known& known : alike->second.known) {
    if (same_lags(known.when, start.when, now)) return known.timeline.get();
  }
  return nullptr;
}

bool PassTimelines::wanted(const PartyStart& start) const {
  const auto alike = alike_.find(start.what);
  return alike == alike_.end() ||
         (alike->second.failures < kMostFailures && alike->second.known.size() < kMostKnown);
}

void PassTimelines::add(const PartyStart& start, std::unique_ptr<PartyTimeline> timeline,
                        Seconds now) {
  if (find(start, now) == nullptr)
    alike_[start.what].known.push_back({start.when, std::move(timeline)});
}

void PassTimelines::fail(const PartyStart& start) { ++alike_[start.what].failures; }

}  // namespace orrery
