#include "engine/side_streams.hpp"

#include <algorithm>

namespace orrery {

Seconds SideStreams::start(Stream stream, Seconds ready, const CollectiveCost& cost,
                           const Beside& takes) {
  Track& track = tracks_[static_cast<std::size_t>(stream)];
  const Seconds start = max(track.free, ready);
  track.free = start + cost.time();
  track.last[track.next] = {.start = start, .end = track.free, .takes = takes};
  track.next = (track.next + 1) % kKept;
  free_ = max(free_, track.free);
  return track.free;
}

Seconds SideStreams::dry() const {
  Seconds latest{};
  for (std::size_t stream = 0; stream < tracks_.size(); ++stream) {
    if (static_cast<Stream>(stream) == Stream::Send) continue;
    latest = max(latest, tracks_[stream].free);
  }
  return latest;
}

// Walks from one start or end of communication to the next.
Seconds SideStreams::end(const RoutineProfile& profile, const RoutineProfiles& profiles,
                         Seconds start) const {
  Seconds now = start;
  Seconds left = profile.time;
  while (true) {
    Beside with;
    Seconds change{1e300};
    for (const Track& track : tracks_) {
      if (track.free <= now) continue;
      for (const Busy& busy : track.last) {
        if (busy.end <= now) continue;
        if (busy.start > now) {
          change = min(change, busy.start);
          continue;
        }
        change = min(change, busy.end);
        with.multiprocessors += busy.takes.multiprocessors;
        with.memory += busy.takes.memory;
        for (int link = 0; link < 2; ++link) with.link[link] += busy.takes.link[link];
      }
    }
    const double slowdown = with.multiprocessors == 0 && with.memory <= BytesPerSecond(0)
                                ? 1.0
                                : profiles.slowdown(profile, with);
    if (now + left * slowdown <= change) return now + left * slowdown;
    left = max(Seconds(0), left - (change - now) / slowdown);
    now = change;
  }
}

}  // namespace orrery
