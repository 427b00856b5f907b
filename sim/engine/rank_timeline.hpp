#pragma once
/// The operations of one rank in time, without events: what depends on nothing beside it is a sum,
/// the rest goes from one change to the next.

#include <array>
#include <optional>
#include <span>

#include "engine/rank_traffic.hpp"
#include "engine/rest_profiles.hpp"
#include "engine/routine_profile.hpp"
#include "engine/step_exchange.hpp"
#include "engine/stream_cursor.hpp"

namespace orrery {

/// Index of what is kept by stream.
inline std::size_t at(Stream stream) { return static_cast<std::size_t>(stream); }
/// The streams of communication, which runs beside Compute.
inline constexpr std::array kCommunicationStreams = {Stream::DataComm, Stream::ParamComm,
                                                     Stream::Send, Stream::TensorComm};

/// Does what the event engine does with a rank. Its time is its own: it goes on as long as nothing
/// that it does not know can reach it. Others reach it through the exchange only: a pass waits for
/// an output, a collective for those who meet in it.
class RankTimeline {
 public:
  /// Where a rank stands.
  struct Mark {
    Seconds now{};
    Tiles tiles{};
  };
  /// Passes between which it notes where it stands: at the start of the first and of the last.
  struct Period {
    std::size_t first = kNoPass, last = kNoPass;
  };
  static constexpr std::size_t kNoPass = static_cast<std::size_t>(-1);

  /// Keeps references. `rank` is as `exchange` numbers them. Without `rests` every operation of a
  /// pass that is not one routine alone is gone through.
  RankTimeline(RoutineProfiles& profiles, StepExchange& exchange, std::uint32_t rank,
               RankPasses passes, RestProfiles* rests = nullptr);

  void note(Period period) { period_ = period; }
  /// To measure routines: the host never delays them, its launches are added up only, and every
  /// change is gone through.
  void measure() { measures_ = true; }
  /// To begin in the middle of a pass: at the operation on Compute at `position`, counted from the
  /// first of the pass, or `after` it, with everything before it over; the last pass, when a
  /// message of the one before it is to come.
  void stand(std::int64_t position, bool after, bool message);
  /// To begin at this time.
  void begin_at(Seconds time) { now_ = idle_since_ = host_ = time; }
  /// As RestProfile::next of the pass that Compute is in.
  [[nodiscard]] std::array<std::int64_t, kStreamCount> next_in_pass() const;
  /// As the exchange numbers it.
  [[nodiscard]] std::uint32_t rank() const { return rank_; }
  [[nodiscard]] StepExchange& exchange() { return exchange_; }
  /// Goes on as far as is certain. Returns whether anything happened.
  bool run() { return !waits() && go_on(); }
  /// Whether it has come to the end of run(), and whether run() would do nothing more.
  [[nodiscard]] bool stands() const { return stands_at_ >= Seconds(0); }
  [[nodiscard]] bool waits() const { return stands() && still_unknown(); }
  /// The next change, if nothing reaches the rank before; RankTraffic::kNever. @pre run() has come
  /// to an end
  [[nodiscard]] Seconds next_change() const { return stands_at_; }
  /// To the next change. @pre nothing reaches the rank before
  void force();
  [[nodiscard]] bool done() const;

  /// End of its compute stream, and of all its streams. @pre done()
  [[nodiscard]] Seconds compute_end() const { return idle_since_; }
  [[nodiscard]] Seconds end() const { return now_; }
  /// What the time up to compute_end() was.
  [[nodiscard]] const Tiles& tiles() const { return tiles_; }
  /// What the time after it was.
  [[nodiscard]] Tile last_tile() const { return last_tile_; }
  [[nodiscard]] const Mark& period_begin() const { return period_begin_; }
  [[nodiscard]] const Mark& period_end() const { return period_end_; }
  [[nodiscard]] Seconds launching() const { return host_; }
  [[nodiscard]] Seconds host_excess() const { return host_excess_; }
  [[nodiscard]] Seconds launch_time() const { return profiles_.launch_time(); }

 private:
  // What an operation waits for, beyond the order of its stream. Positions as those of cursors.
  struct Need {
    struct Other {
      Stream stream{};
      std::int64_t position = 0;
    };
    std::int64_t compute = 0;  // the compute stream has come so far
    bool entry = false;        // what the pass waits for is there
    std::size_t others = 0;
    std::array<Other, 8> other;  // have ended
  };
  // What holds the compute stream, but for collectives.
  struct Busy {
    enum class What { Nothing, Kernels, Host, Routine } what = What::Nothing;
    Seconds start{}, end{};
    Tile tile = Tile::Compute;
    // Of a block:
    std::uint32_t block = 0;
    Seconds left{}, since{}, host_wait{}, launched{};
    double slowdown = 1;
    int multiprocessors = 0;  // that communication beside it holds
    BytesPerSecond memory{};  // and what it takes of the memory's bandwidth
    // Of a routine:
    const RoutineProfile* once = nullptr;
    std::uint32_t repetitions = 0;  // of a step; 0: a whole pass
    std::int64_t until = 0;         // position at which it ends
  };

  [[nodiscard]] StreamCursor& cursor(Stream stream) {
    return cursors_[static_cast<std::size_t>(stream)];
  }
  [[nodiscard]] const StreamCursor& cursor(Stream stream) const {
    return cursors_[static_cast<std::size_t>(stream)];
  }
  [[nodiscard]] bool computing() const {
    return busy_.what != Busy::What::Nothing || !traffic_.free(Stream::Compute);
  }

  bool go_on();

  // Starting what may start now.
  [[nodiscard]] bool may_start(Stream stream) const;
  [[nodiscard]] bool may_start_beside() const;
  bool start_beside();
  void look_up(Stream stream);
  [[nodiscard]] bool ready(Stream stream) const;
  [[nodiscard]] const StepExchange::Output* awaited(const StreamCursor& at) const;
  [[nodiscard]] bool arrived(const StreamCursor& at) const;
  [[nodiscard]] bool may_begin_pass() const;
  bool start_compute();
  bool start_whole_pass();
  bool start_repetitions();
  bool start_routine(std::uint32_t routine, std::uint32_t repetitions);
  bool start_profile(const RoutineProfile& once, std::uint32_t repetitions);
  [[nodiscard]] bool untouched(std::int64_t last, std::int64_t until) const;
  [[nodiscard]] Seconds late(const RoutineProfile& once, std::uint32_t repetitions) const;
  void start_operation(const Op& op);
  void start_collective(Stream stream);
  void begin_compute();
  void fill_gap();

  // The rest of a pass at once.
  [[nodiscard]] bool rest_is_own();
  bool start_rest();
  [[nodiscard]] std::optional<std::int32_t> under_way() const;
  void take_message(Seconds end);
  bool start_beside_message();
  // The same after a message of an earlier pass, which has not ended.
  bool start_during_message();
  [[nodiscard]] std::optional<RoutineProfile> during_message(Seconds end);
  [[nodiscard]] Seconds during_message(std::uint32_t block, Seconds start);
  // The same together with those it meets.
  bool gathers();
  void gather(std::int32_t crowd);
  [[nodiscard]] bool gathering() const { return gathers_ != begun_ && waits_for_crowd(); }
  [[nodiscard]] bool waits_for_crowd() const;
  bool start_gathered();
  [[nodiscard]] StepExchange::Proposal proposal();
  void start_together();

  // What changes under way.
  void go_to(Seconds time);
  void slow_block();
  void time_block();
  void update_block();
  bool settle_meetings();
  [[nodiscard]] Seconds next() const;
  [[nodiscard]] bool certain() const;
  [[nodiscard]] bool waits_for_output() const;
  [[nodiscard]] bool unknown(std::size_t stream) const;
  void note_unknown();
  [[nodiscard]] bool still_unknown() const {
    if (output_unknown_ != nullptr && output_unknown_->known()) return false;
    return (!gathering_unknown_ && meetings_unknown_ == 0) || others_still_unknown();
  }
  [[nodiscard]] bool others_still_unknown() const;

  // Ends.
  void end_compute();
  void end_routine();
  void end_collective(Stream stream);
  void pass_over(std::size_t pass);

  RoutineProfiles& profiles_;
  StepExchange& exchange_;
  std::uint32_t rank_;
  RestProfiles* rests_;
  bool measures_ = false;
  std::array<StreamCursor, kStreamCount> cursors_;
  std::array<Need, kStreamCount> needs_;
  RankTraffic traffic_;
  std::array<std::int32_t, kStreamCount> meeting_;  // of what is under way on a stream
  std::array<Seconds, kStreamCount> started_{};     // likewise
  std::array<bool, kStreamCount> left_{};           // it has left its meeting
  std::array<Seconds, kStreamCount> ended_{};       // end of the last on a stream
  std::array<Tile, kStreamCount> ended_tile_{};     // and what it was
  Busy busy_;
  RoutineProfile pass_;                    // that is under way, put together for it alone
  const RestProfile* proposed_ = nullptr;  // for the end of the meeting on Compute
  std::size_t gathers_ = kNoPass;          // pass that waits for others to start
  std::size_t in_steps_ = kNoPass;         // pass whose rest is not to be had at once
  int meetings_ = 0;                       // under way
  // What it does not know and cannot go on without, and its next change as far as it is known then.
  static constexpr Seconds kRuns{-1};
  Seconds stands_at_ = kRuns;
  const StepExchange::Output* output_unknown_ = nullptr;
  bool gathering_unknown_ = false;
  unsigned meetings_unknown_ = 0;  // by stream, as bits
  Seconds now_{};
  Seconds host_{};  // when the host has launched everything so far
  Seconds host_excess_{-1e30};
  Seconds idle_since_{};         // end of what was last on the compute stream
  std::size_t begun_ = kNoPass;  // pass that the compute stream is in
  bool fresh_ = false;           // nothing of it has run on the compute stream
  Tiles tiles_{};
  Tile last_tile_ = Tile::PipelineComm;
  Period period_;
  Mark period_begin_, period_end_;
};

/// All of one exchange, in ascending order, to their ends. When none can go on by itself, the
/// earliest change of all is certain: nothing reaches anyone before it. @throws SimulationError
/// when they wait for one another
void run_together(std::span<RankTimeline> ranks);

}  // namespace orrery
