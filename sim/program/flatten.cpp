#include <orrery/outline.hpp>

#include <array>
#include <utility>

#include <orrery/error.hpp>

namespace orrery {
namespace {

constexpr std::uint32_t kNone = 0xffffffffU;

// Spreads passes out, rank by rank in their order.
class Flattener {
 public:
  Flattener(Program& program, const std::vector<Routine>& routines)
      : program_(program), routines_(routines), last_(program.ranks), issued_(program.ranks) {
    for (auto& streams : last_) streams.fill(kNone);
  }

  struct Placed {
    std::uint32_t output = kNone;
    std::vector<std::uint32_t> entries;  // start when the pass may
  };

  Placed place(const Pass& pass) {
    const std::array<std::uint32_t, kStreamCount> before = last_[pass.rank];
    Placed placed;
    entries_ = &placed.entries;
    const Ends ends =
        run(pass.routine, pass.rank, before[static_cast<std::size_t>(Stream::Compute)]);
    entries_ = nullptr;
    placed.entries.push_back(ends.first);
    if (pass.host_sync) program_.synchronise(ends.first);
    if (pass.joins) {
      for (std::size_t stream = 0; stream < before.size(); ++stream) {
        const bool message = static_cast<Stream>(stream) == Stream::Send;
        if (before[stream] != kNone && !message)
          program_.add_dependency(ends.first, before[stream]);
      }
    }
    placed.output = ends.last;
    if (pass.message >= 0) {
      placed.output = add({.kind = Op::Kind::Collective,
                           .stream = pass.message_stream,
                           .tile = Tile::PipelineComm,
                           .rank = pass.rank,
                           .work = static_cast<std::uint32_t>(pass.message)});
      program_.add_dependency(placed.output, ends.last);
    }
    return placed;
  }

 private:
  struct Ends {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
  };

  // Before the first operation on Compute, `entry` is what ran before; what waits for it in the
  // first routine of a pass waits for what the pass waits for, too.
  Ends run(std::uint32_t index, std::uint32_t rank, std::uint32_t entry) {
    std::vector<std::uint32_t>* const at_entry = entries_;
    const Routine& routine = routines_[index];
    ORRERY_CHECK(!routine.steps.empty());
    const std::size_t base = placed_.size();  // of this run in the stack of all
    placed_.resize(base + routine.steps.size());
    const auto placed = [this, base](std::size_t step) -> Ends& { return placed_[base + step]; };
    std::uint32_t compute = entry;
    for (std::size_t i = 0; i < routine.steps.size(); ++i) {
      const Step& step = routine.steps[i];
      const Ends ends = step.call >= 0 ? call(step, rank, compute) : single(step, rank);
      placed(i) = ends;
      for (const std::uint32_t after : step.after) {
        const std::uint32_t before = after == Step::kEntry ? entry : placed(after).last;
        if (before != kNone) program_.add_dependency(ends.first, before);
        if (after == Step::kEntry && at_entry != nullptr) at_entry->push_back(ends.first);
      }
      if (step.call >= 0 || step.op.stream == Stream::Compute) {
        compute = ends.last;
        entries_ = nullptr;
      }
    }
    const Ends all = {placed(routine.first_compute).first, placed(routine.last_compute).last};
    placed_.resize(base);
    return all;
  }

  Ends call(const Step& step, std::uint32_t rank, std::uint32_t entry) {
    Ends all;
    for (std::uint32_t i = 0; i < step.repeat; ++i) {
      const auto begin = static_cast<std::uint32_t>(program_.ops().size());
      const auto routine = static_cast<std::uint32_t>(step.call);
      const Ends once = run(routine, rank, entry);
      const auto end = static_cast<std::uint32_t>(program_.ops().size());
      program_.instances.push_back({begin, end - begin, routine});
      if (i == 0) all.first = once.first;
      all.last = entry = once.last;
    }
    return all;
  }

  Ends single(const Step& step, std::uint32_t rank) {
    Op op = step.op;
    op.rank = rank;
    const std::uint32_t index = add(op);
    return {index, index};
  }

  std::uint32_t add(const Op& op) {
    const std::uint32_t index = program_.add(op);
    last_[op.rank][static_cast<std::size_t>(op.stream)] = index;
    if (op.kind == Op::Kind::Collective && !program_.represented.empty()) meet(index, op);
    return index;
  }

  // The n-th collective that a rank issues on a stream of a group meets the n-th of the others.
  void meet(std::uint32_t index, const Op& op) {
    const auto& meetings = program_.represented[op.rank].meetings;
    const auto group = static_cast<std::size_t>(program_.collectives[op.work].group);
    if (group >= meetings.size() || meetings[group] < 0) return;
    const auto stream = static_cast<std::size_t>(op.stream);
    const auto number = static_cast<std::size_t>(meetings[group]);
    if (number >= known_.size()) known_.resize(number + 1);
    std::vector<std::int32_t>& known = known_[number][stream];
    const std::size_t count = issued(op.rank, number)[stream]++;
    if (count >= known.size()) known.push_back(meetings_made_++);
    program_.meet(index, known[count]);
  }

  // How many collectives of a group a rank has issued, by stream. A rank is in few groups.
  using Counts = std::array<std::uint32_t, kStreamCount>;
  Counts& issued(std::uint32_t rank, std::size_t number) {
    for (auto& [of, counts] : issued_[rank]) {
      if (of == number) return counts;
    }
    return issued_[rank].emplace_back(number, Counts{}).second;
  }

  Program& program_;
  const std::vector<Routine>& routines_;
  std::vector<Ends> placed_;                       // of the steps of routines under way
  std::vector<std::uint32_t>* entries_ = nullptr;  // of the pass, until its first compute
  std::vector<std::array<std::uint32_t, kStreamCount>> last_;
  std::vector<std::vector<std::pair<std::size_t, Counts>>> issued_;  // by rank: of a group
  // By the number of a group and the stream: the meetings, in order.
  std::vector<std::array<std::vector<std::int32_t>, kStreamCount>> known_;
  std::int32_t meetings_made_ = 0;
};

}  // namespace

std::uint32_t Outline::add(Routine routine) {
  routines.push_back(std::move(routine));
  return static_cast<std::uint32_t>(routines.size() - 1);
}

Program flatten(Outline outline) {
  ORRERY_CHECK(outline.microbatches_left_out == 0);
  Program program;
  static_cast<WorkTables&>(program) = std::move(static_cast<WorkTables&>(outline));
  program.ranks = static_cast<std::uint32_t>(outline.ranks.size());
  program.represented = std::move(outline.ranks);
  Flattener flattener(program, outline.routines);
  std::vector<Flattener::Placed> placed;
  placed.reserve(outline.passes.size());
  for (const Pass& pass : outline.passes) placed.push_back(flattener.place(pass));
  for (std::size_t i = 0; i < outline.passes.size(); ++i) {
    if (outline.passes[i].after == Pass::kNothing) continue;
    const auto before = static_cast<std::size_t>(outline.passes[i].after);
    for (const std::uint32_t entry : placed[i].entries) {
      program.add_dependency(entry, placed[before].output);
    }
  }
  return program;
}

}  // namespace orrery
