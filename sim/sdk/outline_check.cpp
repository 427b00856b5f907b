#include "sdk/outline_check.hpp"

#include <algorithm>

namespace orrery {
namespace {

bool inside(std::int64_t index, std::size_t size) {
  return index >= 0 && static_cast<std::size_t>(index) < size;
}

std::size_t table_size(const WorkTables& tables, Op::Kind kind) {
  switch (kind) {
    case Op::Kind::Compute:
      return tables.blocks.size();
    case Op::Kind::Collective:
      return tables.collectives.size();
    case Op::Kind::Host:
      return tables.host_times.size();
  }
  return 0;
}

void check_step(const Outline& outline, std::size_t routine, std::size_t index, Check& check) {
  const Step& step = outline.routines[routine].steps[index];
  if (step.call >= 0) {
    check.expect(inside(step.call, routine) && step.repeat >= 1,
                 "step {} of routine {} runs routine {}, which does not come before it", index,
                 routine, step.call);
  } else {
    check.expect(inside(step.op.work, table_size(outline, step.op.kind)),
                 "step {} of routine {} refers to entry {} of a shorter table", index, routine,
                 step.op.work);
  }
  for (const std::uint32_t after : step.after) {
    check.expect(after == Step::kEntry || after < index,
                 "step {} of routine {} waits for step {}, which is not before it", index, routine,
                 after);
  }
}

bool same_step(const Step& a, const Step& b) {
  return a.call == b.call && a.repeat == b.repeat && a.after == b.after && a.op.kind == b.op.kind &&
         a.op.stream == b.op.stream && a.op.tile == b.op.tile && a.op.work == b.op.work;
}

bool same_routine(const Routine& a, const Routine& b) {
  return a.first_compute == b.first_compute && a.last_compute == b.last_compute &&
         std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(), b.steps.end(), same_step);
}

bool same_pass(const Pass& a, const Pass& b) {
  return a.rank == b.rank && a.routine == b.routine && a.microbatch == b.microbatch &&
         a.host_sync == b.host_sync && a.joins == b.joins && a.after == b.after &&
         a.message == b.message && a.message_stream == b.message_stream;
}

bool same_rank(const RepresentedRank& a, const RepresentedRank& b) {
  return a.name == b.name && a.weight == b.weight && a.kind == b.kind && a.meetings == b.meetings;
}

}  // namespace

void check_outline(const Outline& outline, Check& check) {
  check.expect(!outline.ranks.empty() && !outline.passes.empty(),
               "the outline has {} ranks and {} passes", outline.ranks.size(),
               outline.passes.size());
  for (std::size_t routine = 0; routine < outline.routines.size(); ++routine) {
    const auto& steps = outline.routines[routine].steps;
    for (std::size_t i = 0; i < steps.size(); ++i) check_step(outline, routine, i, check);
  }
  for (std::size_t i = 0; i < outline.passes.size(); ++i) {
    const Pass& pass = outline.passes[i];
    check.expect(inside(pass.rank, outline.ranks.size()), "pass {} is of rank {}; there are {}", i,
                 pass.rank, outline.ranks.size());
    check.expect(inside(pass.routine, outline.routines.size()),
                 "pass {} runs routine {}; there are {}", i, pass.routine, outline.routines.size());
    check.expect(pass.message < 0 || inside(pass.message, outline.collectives.size()),
                 "pass {} sends collective {}; there are {}", i, pass.message,
                 outline.collectives.size());
    check.expect(pass.after == Pass::kNothing || (inside(pass.after, outline.passes.size()) &&
                                                  static_cast<std::size_t>(pass.after) != i),
                 "pass {} waits for pass {}; there are {}", i, pass.after, outline.passes.size());
  }
  for (const CollectiveUse& use : outline.collectives) {
    check.expect(use.group >= 0 && sound(use.request.bytes.si()),
                 "a collective of the group '{}' has a negative group or size", use.who);
  }
}

bool same_outline(const Outline& a, const Outline& b) {
  return a.blocks.size() == b.blocks.size() && a.collectives.size() == b.collectives.size() &&
         a.host_times == b.host_times && a.period == b.period &&
         a.microbatches_left_out == b.microbatches_left_out &&
         std::equal(a.ranks.begin(), a.ranks.end(), b.ranks.begin(), b.ranks.end(), same_rank) &&
         std::equal(a.passes.begin(), a.passes.end(), b.passes.begin(), b.passes.end(),
                    same_pass) &&
         std::equal(a.routines.begin(), a.routines.end(), b.routines.begin(), b.routines.end(),
                    same_routine);
}

}  // namespace orrery
