#include <orrery/outline.hpp>

#include <array>
#include <map>
#include <tuple>
#include <utility>

#include <orrery/error.hpp>

namespace orrery {
namespace {

constexpr std::uint32_t kNone = 0xffffffffU;

// Spreads passes out, rank by rank in their order.
class Flattener {
 public:
  Flattener(Program& program, const std::vector<Routine>& routines)
      : program_(program), routines_(routines), last_(program.ranks) {
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
    std::vector<Ends> placed(routine.steps.size());
    std::uint32_t compute = entry;
    for (std::size_t i = 0; i < routine.steps.size(); ++i) {
      const Step& step = routine.steps[i];
      placed[i] = step.call >= 0 ? call(step, rank, compute) : single(step, rank);
      for (const std::uint32_t after : step.after) {
        const std::uint32_t before = after == Step::kEntry ? entry : placed[after].last;
        if (before != kNone) program_.add_dependency(placed[i].first, before);
        if (after == Step::kEntry && at_entry != nullptr) at_entry->push_back(placed[i].first);
      }
      if (step.call >= 0 || step.op.stream == Stream::Compute) {
        compute = placed[i].last;
        entries_ = nullptr;
      }
    }
    return {placed[routine.first_compute].first, placed[routine.last_compute].last};
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
    const int count = issued_[{op.rank, meetings[group], op.stream}]++;
    const auto key = std::make_tuple(meetings[group], op.stream, count);
    const auto next = static_cast<std::int32_t>(known_.size());
    program_.meet(index, known_.emplace(key, next).first->second);
  }

  Program& program_;
  const std::vector<Routine>& routines_;
  std::vector<std::uint32_t>* entries_ = nullptr;  // of the pass, until its first compute
  std::vector<std::array<std::uint32_t, kStreamCount>> last_;
  std::map<std::tuple<std::uint32_t, std::int32_t, Stream>, int> issued_;
  std::map<std::tuple<std::int32_t, Stream, int>, std::int32_t> known_;
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
