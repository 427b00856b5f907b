#include "engine/pass_ops.hpp"

#include <algorithm>

#include <orrery/error.hpp>

namespace orrery {
namespace {

// What ran on the compute stream before the pass.
constexpr std::uint32_t kBefore = 0xfffffffeU;

using Edge = std::array<std::uint32_t, 2>;  // before, after

void sort_unique(std::vector<std::uint32_t>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace

// Spreads a routine out.
class PassOps::Builder {
 public:
  Builder(const std::vector<Routine>& routines, PassOps& into) : routines_(routines), into_(into) {}

  struct Ends {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
  };

  // Before the first operation on Compute, `entry` is what ran before; what waits for it in the
  // first routine of a pass waits for what the pass waits for, too.
  Ends run(std::uint32_t index, std::uint32_t entry) {
    const bool at_entry = !computed_;
    const Routine& routine = routines_[index];
    ORRERY_CHECK(!routine.steps.empty());
    const std::size_t base = placed_.size();  // of this run in the stack of all
    placed_.resize(base + routine.steps.size());
    const auto placed = [this, base](std::size_t step) -> Ends& { return placed_[base + step]; };
    std::uint32_t compute = entry;
    for (std::size_t i = 0; i < routine.steps.size(); ++i) {
      const Step& step = routine.steps[i];
      const Ends ends = step.call >= 0 ? call(step, compute) : single(step.op);
      placed(i) = ends;
      for (const std::uint32_t after : step.after) {
        wait(ends.first, after == Step::kEntry ? entry : placed(after).last);
        if (after == Step::kEntry && at_entry) into_.gates_.push_back(ends.first);
      }
      if (step.call >= 0 || step.op.stream == Stream::Compute) {
        compute = ends.last;
        computed_ = true;
      }
    }
    const Ends all = {placed(routine.first_compute).first, placed(routine.last_compute).last};
    placed_.resize(base);
    return all;
  }

  Ends single(const Op& op) {
    into_.ops_.push_back(op);
    const std::uint32_t index = into_.size() - 1;
    return {index, index};
  }

  void wait(std::uint32_t op, std::uint32_t before) {
    if (before == kBefore) {
      into_.entries_.push_back(op);
    } else {
      edges_.push_back({before, op});
    }
  }

  std::vector<Edge> take_edges() { return std::move(edges_); }

 private:
  Ends call(const Step& step, std::uint32_t entry) {
    Ends all;
    for (std::uint32_t i = 0; i < step.repeat; ++i) {
      const Ends once = run(static_cast<std::uint32_t>(step.call), entry);
      if (i == 0) all.first = once.first;
      all.last = entry = once.last;
    }
    return all;
  }

  const std::vector<Routine>& routines_;
  PassOps& into_;
  std::vector<Ends> placed_;  // of the steps of routines under way
  std::vector<Edge> edges_;
  bool computed_ = false;  // an operation on Compute has been placed
};

PassOps::PassOps(const Outline& outline, const Pass& pass)
    : routine_(pass.routine), syncs_(pass.host_sync), joins_(pass.joins) {
  Builder builder(outline.routines, *this);
  const Builder::Ends ends = builder.run(pass.routine, kBefore);
  gates_.push_back(ends.first);
  output_ = ends.last;
  own_ = size();
  own_last_ = ends.last;
  if (pass.message >= 0) {
    output_ = builder
                  .single({.kind = Op::Kind::Collective,
                           .stream = pass.message_stream,
                           .tile = Tile::PipelineComm,
                           .work = static_cast<std::uint32_t>(pass.message)})
                  .last;
    builder.wait(output_, ends.last);
    sends_ = true;
    if (pass.message_stream == Stream::Compute) {
      own_ = size();
      own_last_ = output_;
    }
  }
  finish(outline, builder.take_edges());
}

PassOps::PassOps(const WorkTables& tables, const Op& op, bool syncs)
    : ops_({op}), gates_({0}), own_(1), syncs_(syncs) {
  finish(tables, {});
}

void PassOps::finish(const WorkTables& tables, std::vector<Edge> edges) {
  sort_unique(gates_);
  sort_unique(entries_);
  link(edges);
  find_free();
  for (const Op& op : ops_) {
    if (op.kind != Op::Kind::Collective) continue;
    const CollectiveUse& use = tables.collectives[op.work];
    placed_ = placed_ || use.request.layout.placed;
    const auto same = std::find_if(issued_.begin(), issued_.end(), [&](const Issued& issued) {
      return issued.group == use.group && issued.stream == op.stream;
    });
    if (same != issued_.end()) {
      ++same->count;
    } else {
      issued_.push_back({use.group, op.stream, 1});
    }
  }
}

void PassOps::link(std::vector<Edge>& edges) {
  first_.fill(kNone);
  last_.fill(kNone);
  for (std::uint32_t op = 0; op < size(); ++op) {
    std::uint32_t& last = last_[at(ops_[op].stream)];
    if (last == kNone) {
      first_[at(ops_[op].stream)] = op;
    } else {
      edges.push_back({last, op});
      if (op == own_) before_message_ = last;
    }
    last = op;
  }
  std::sort(edges.begin(), edges.end());
  waits_.assign(size(), 0);
  first_next_.assign(size() + 1, 0);
  for (const auto& [before, op] : edges) {
    ORRERY_CHECK(before < op);
    ++waits_[op];
    ++first_next_[before + 1];
    next_.push_back(op);
  }
  for (std::size_t i = 1; i < first_next_.size(); ++i) first_next_[i] += first_next_[i - 1];
}

void PassOps::find_free() {
  std::vector<bool> bound(size());
  for (const std::uint32_t op : entries_) bound[op] = true;
  for (std::uint32_t op = 0; op < size(); ++op) {
    if (ops_[op].stream == Stream::Compute) bound[op] = true;
    if (!bound[op]) free_[at(ops_[op].stream)] = true;
    if (!bound[op]) continue;
    for (const std::uint32_t next : successors(op)) bound[next] = true;
  }
}

}  // namespace orrery
