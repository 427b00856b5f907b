#pragma once
/// The event executor's state. Operations one by one are in executor.cpp, what collectives do in
/// executor_collectives.cpp, the passes that they belong to in executor_passes.cpp, passes replayed
/// as one timer in executor_replays.cpp, and recorded for that in executor_recordings.cpp.

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "engine/executor.hpp"
#include "engine/flow_demands.hpp"
#include "engine/parties.hpp"
#include "engine/pass_timelines.hpp"
#include "engine/power_trace.hpp"
#include "engine/schedule.hpp"
#include "engine/tiling.hpp"

namespace orrery::event {

constexpr std::uint32_t kNone = Schedule::kNone;

// Tokens: a rank, its stream, and what of the operation that runs there has ended.
enum class Part : std::uint64_t { Compute, Latency, Transfer, Replay };
inline Token token_of(std::uint32_t rank, Stream stream, Part part) {
  return static_cast<Token>(rank) << 5 | static_cast<Token>(stream) << 2 | static_cast<Token>(part);
}

// A pass that has an operation which could start, or that did: the others exist as a number only.
struct Frame {
  struct Waiting {
    Seconds earliest{};       // start of the operation if all took their cost alone
    std::uint32_t waits = 0;  // ends that it waits for
  };
  const PassOps* ops = nullptr;
  std::uint32_t pass = 0;
  std::uint32_t left = 0;     // operations that have not ended
  std::uint32_t started = 0;  // operations that have
  std::vector<Waiting> waiting;
};

// The operation that runs on a stream.
struct Running {
  std::uint32_t frame = kNone;
  std::uint32_t op = 0;
  Seconds start{};
  std::uint8_t parts = 0;  // flows of a collective under way
};

struct ComputeState {
  Seconds remaining{};  // undisturbed time still to run
  Seconds since{};      // when `remaining` was right
  double slowdown = 1.0;
  Seconds waits{};     // at its end, for the host to launch its kernels
  Seconds launched{};  // when the host will have
  Seconds due{};       // its end
  Kernel::Timer timer = 0;
};

// A transfer with nothing else on the links of its ranks: one timer for all of them. When something
// comes there it is opened: what is left goes on as flows.
struct QuietTransfer {
  bool under_way = false;
  Seconds since{};
  Seconds due{};
  Kernel::Timer timer = 0;
};

struct RankState {
  std::array<Running, kStreamCount> running;
  std::array<std::uint32_t, kStreamCount> cursor;  // position of the pass that each stream is in
  std::array<Seconds, kStreamCount> left_at{};     // critical path to the end of the pass before
  Seconds host_time{};                             // when the host has launched everything so far
  int comm_multiprocessors = 0;
  BytesPerSecond comm_memory{};
  int transfers = 0;       // under way on its links
  bool quiet = false;      // the only one has a timer
  Stream quiet_on{};       // its stream then
  QuietTransfer alone;     // it, where no other rank shares the timer
  ComputeState computing;  // the block that runs
};

// Collectives of a meeting on a stream: one after the other.
struct Meeting {
  std::vector<std::uint32_t> come;  // ranks
  std::uint32_t held = 0;
  std::uint32_t to_end = 0;  // of those that have come, when all have
  QuietTransfer quiet;
};

struct Recording {
  PartyStart start;
  const Party* party = nullptr;
  Seconds since{};  // start of the last rank
  std::unique_ptr<PartyTimeline> timeline;
  std::uint32_t left = 0;  // ranks whose pass has not ended
  bool failed = false;
};

// A pass that may be replayed or recorded, from its first operation to its last.
struct Attempt {
  // An operation of an earlier pass that is under way.
  struct Beside {
    Stream stream;
    std::uint32_t work;
    Seconds start, end;  // alone
  };
  Party* party = nullptr;  // null: there is none
  std::uint32_t frame = kNone;
  std::uint32_t member = 0;  // of the party
  bool counted = false;      // among those of the party that have come
  bool disturbed = false;    // by something that the start of the party does not tell
  bool met = false;          // a collective of it has ended
  Seconds start{};
  Seconds host_time{};  // of the rank then
  Seconds host_slack{};
  std::vector<Beside> beside;
  Recording* recording = nullptr;
  const PassTimeline* timeline = nullptr;            // that is replayed
  std::array<Seconds, PassPaths::kOutputs> paths{};  // critical path to what the replay ends with
};

class Executor final : public CompletionHandler {
 public:
  Executor(const Schedule& schedule, const CostTable& costs, const ExecuteOptions& options,
           Kernel& kernel);

  StepResult run();

  void completed(std::span<const Token> tokens) override;

 private:
  struct Ready {
    std::uint32_t pass, op, frame;
    Cause cause;
  };

  // One operation.
  void start(const Ready& ready);
  void start_compute(std::uint32_t rank, const Op& op);
  // The device cannot end a block before the host has launched its last kernel.
  void time_compute(std::uint32_t rank);
  [[nodiscard]] double slowdown(std::uint32_t rank, const Op& op) const;
  // Communication on `rank` started or ended: re-time the block that runs beside it.
  void update_compute(std::uint32_t rank);
  // Communication kernels hold so many more multiprocessors.
  void hold(std::uint32_t rank, int multiprocessors);
  // A collective starts when everyone who takes part has come; who waits spins.
  void arrive(std::uint32_t rank, Stream stream, const Op& op);
  void start_latency(std::uint32_t rank, Stream stream);
  void end_latency(std::uint32_t rank, Stream stream);
  // Whether all who take part have the same latency: one timer serves them.
  [[nodiscard]] bool wait_together(const Meeting& meeting, Stream stream) const;
  // Of all ranks of a meeting that transfer from now on.
  void start_transfer(std::span<const std::uint32_t> ranks, Stream stream, QuietTransfer& quiet);
  [[nodiscard]] bool loads_links(const Running& run) const;
  [[nodiscard]] bool stays_quiet(std::span<const std::uint32_t> ranks, Stream stream) const;
  void open_quiet(std::uint32_t rank);
  // What is left of a transfer after so long with nothing beside it. Returns how many flows it is.
  std::uint8_t start_flows(std::uint32_t rank, Stream stream, Seconds since);
  void end_flow(std::uint32_t rank, Stream stream);
  // A collective ends for all who take part when it has for the last.
  void end_transfer(std::uint32_t rank, Stream stream);
  void end(std::uint32_t rank, Stream stream);
  void account(std::uint32_t rank, const Op& op, const Running& run);
  // Null for a collective of nobody else.
  [[nodiscard]] const Meeting* meeting(std::uint32_t rank, const Op& op) const;
  [[nodiscard]] Meeting* meeting(std::uint32_t rank, const Op& op) {
    return const_cast<Meeting*>(std::as_const(*this).meeting(rank, op));
  }
  [[nodiscard]] const Op& op_of(const Running& run) const {
    return frames_[run.frame].ops->ops()[run.op];
  }
  [[nodiscard]] Running& running(std::uint32_t rank, Stream stream) {
    return ranks_[rank].running[static_cast<std::size_t>(stream)];
  }
  [[nodiscard]] const BlockCost& block(std::uint32_t rank, const Op& op) const {
    return costs_.block(op.work, schedule_.ranks()[rank].kind);
  }
  // What an operation takes at its cost alone.
  [[nodiscard]] Seconds time_alone(std::uint32_t rank, const Op& op) const;

  // Passes.
  void open_rank(std::uint32_t rank);
  // Makes the pass at `position` of a rank; what of it may start is ready.
  void open(std::uint32_t rank, std::uint32_t position, const Cause& cause);
  void wait_for_streams(std::uint32_t rank, std::uint32_t position, Frame& frame) const;
  void wait_for_passes(Frame& frame) const;
  void close(std::uint32_t frame);
  [[nodiscard]] std::uint32_t frame_at(std::uint32_t rank, std::uint32_t position) const;
  // `op` has ended: what waits for it, and could start `earliest` at its cost alone, may be ready.
  void pass_on(std::uint32_t rank, const Running& run, const Cause& cause);
  void release(std::uint32_t frame, std::uint32_t op, Seconds earliest, const Cause& cause);
  // A stream of a rank has run through a pass.
  void advance(std::uint32_t rank, Stream stream, Seconds earliest, const Cause& cause);
  void release_joins(std::uint32_t rank, std::uint32_t from, std::uint32_t to, Seconds earliest,
                     const Cause& cause);
  void publish(std::uint32_t pass, Seconds earliest, const Cause& cause);
  void start_ready();
  [[nodiscard]] bool has_ended(std::uint32_t pass, std::uint32_t op) const;
  [[noreturn]] void fail_deadlock() const;

  // Replays.
  // Whether the pass is replayed already, by the decision of another of its operations that would
  // have started in this instant.
  [[nodiscard]] bool replays_now(std::uint32_t rank, std::uint32_t frame) const {
    const Attempt& attempt = attempts_[rank];
    return attempt.timeline != nullptr && attempt.frame == frame;
  }
  // An operation is about to start. Returns whether its pass is replayed instead.
  bool begin_attempt(std::uint32_t rank, const Ready& ready);
  [[nodiscard]] bool can_begin(std::uint32_t rank, const Frame& frame) const;
  // Whether what a stream does, and what it will, leaves the pass at `position` alone.
  [[nodiscard]] bool keeps_away(std::uint32_t rank, Stream stream, std::uint32_t position) const;
  void look_beside(std::uint32_t rank, Attempt& attempt) const;
  // The last rank of a party has come.
  bool begin_party(Party& party);
  [[nodiscard]] PartyStart describe(const Party& party) const;
  [[nodiscard]] bool can_replay(const Party& party, const PartyTimeline& timeline) const;
  [[nodiscard]] bool can_drop(std::uint32_t rank) const;
  // Forgets what a pass has under way.
  void drop(std::uint32_t rank);
  void replay(const Party& party, const PartyTimeline& timeline);
  void find_paths(const Party& party, const PartyTimeline& timeline);
  void record(const Party& party, PartyStart start);
  void end_replay(std::uint32_t rank);
  void pass_on_replay(std::uint32_t rank, const Attempt& attempt);
  // An operation has ended, which may be one of an attempt or beside it.
  void note_end(std::uint32_t rank, const Op& op, const Running& run);
  void note_own_end(std::uint32_t rank, const Op& op, const Running& run, Attempt& attempt);
  void end_attempt(std::uint32_t rank, const Running& run, Attempt& attempt);
  void end_recording(Recording& recording);

  const Schedule& schedule_;
  const CostTable& costs_;
  Seconds launch_time_;
  bool coalesce_;
  Kernel& kernel_;
  FlowDemands demands_;
  std::vector<RankState> ranks_;
  std::vector<RankTiler> tilers_;
  std::vector<Frame> frames_;
  std::vector<std::uint32_t> free_frames_;
  std::vector<std::uint32_t> frame_of_;  // by pass; kNone
  std::vector<bool> published_;          // by pass: its output has ended
  std::vector<Seconds> published_at_;    // critical path to that
  std::vector<Meeting> meetings_;        // by meeting and stream
  std::vector<Ready> ready_;
  std::vector<std::uint32_t> ending_;  // scratch of end_transfer()
  Seconds critical_path_{};
  std::uint64_t done_ = 0;
  std::unique_ptr<PowerTraces> power_;  // where they are wanted

  Parties parties_;
  PassTimelines timelines_;
  std::vector<Attempt> attempts_;  // by rank
  std::map<const Recording*, std::unique_ptr<Recording>> recordings_;
};

}  // namespace orrery::event
