#pragma once
/// Streams beside the compute stream in closed form: when each is free, and what its communication
/// takes from kernels meanwhile.

#include <array>

#include "engine/routine_profile.hpp"

namespace orrery {

class SideStreams {
 public:
  /// A collective that may start at `ready`, on a stream other than Compute. Returns its end.
  Seconds start(Stream stream, Seconds ready, const CollectiveCost& cost, const Beside& takes);
  /// When all streams are free.
  [[nodiscard]] Seconds free() const { return free_; }
  /// When all but messages are.
  [[nodiscard]] Seconds dry() const;
  /// The end of something that takes `profile` alone and starts at `start`, slowed by what goes on
  /// beside it.
  [[nodiscard]] Seconds end(const RoutineProfile& profile, const RoutineProfiles& profiles,
                            Seconds start) const;

 private:
  struct Busy {
    Seconds start{};
    Seconds end{};
    Beside takes;
  };
  // The last collectives of each stream: earlier ones have ended when a later kernel starts.
  static constexpr std::size_t kKept = 16;
  struct Track {
    Seconds free{};
    std::array<Busy, kKept> last{};
    std::size_t next = 0;
  };
  std::array<Track, kStreamCount> tracks_{};
  Seconds free_{};
};

}  // namespace orrery
