#include "engine/step_exchange.hpp"

namespace orrery {

StepExchange::StepExchange(const Outline& outline)
    : outline_(&outline),
      outputs_(outline.passes.size()),
      reached_(outline.ranks.size()),
      meeting_groups_(outline.ranks.size()) {
  bool any = false;
  for (std::size_t rank = 0; rank < outline.ranks.size(); ++rank) {
    const auto& numbers = outline.ranks[rank].meetings;
    for (std::size_t group = 0; group < numbers.size(); ++group) {
      if (numbers[group] < 0) continue;
      meeting_groups_[rank] |= std::uint64_t{1} << (group < 63 ? group : 63);
      any = true;
    }
  }
  if (any) count_members();
}

std::vector<StepExchange::Counts> StepExchange::counts_of_routines() const {
  std::vector<Counts> counts;
  for (const Routine& routine : outline_->routines) {
    Counts all;
    for (const Step& step : routine.steps) {
      if (step.call < 0 && step.op.kind == Op::Kind::Collective) {
        ++all[{outline_->collectives[step.op.work].group, step.op.stream}];
      }
      if (step.call < 0) continue;
      for (const auto& [key, count] : counts[static_cast<std::size_t>(step.call)]) {
        all[key] += step.repeat * count;
      }
    }
    counts.push_back(std::move(all));
  }
  return counts;
}

// A rank may have a number and issue nothing in that group: only who does is waited for.
void StepExchange::count_members() {
  const std::vector<Counts> counts = counts_of_routines();
  std::vector<Counts> of_rank(outline_->ranks.size());
  for (const Pass& pass : outline_->passes) {
    for (const auto& [key, count] : counts[pass.routine]) of_rank[pass.rank][key] += count;
    if (pass.message < 0) continue;
    const int group = outline_->collectives[static_cast<std::size_t>(pass.message)].group;
    ++of_rank[pass.rank][{group, pass.message_stream}];
  }
  for (std::size_t rank = 0; rank < of_rank.size(); ++rank) {
    const auto& numbers = outline_->ranks[rank].meetings;
    for (const auto& [key, count] : of_rank[rank]) {
      const auto group = static_cast<std::size_t>(key.first);
      if (group >= numbers.size() || numbers[group] < 0) continue;
      totals_[{numbers[group], key.second}].push_back(count);
    }
  }
}

int StepExchange::members(std::int32_t number, Stream stream, std::int64_t nth) const {
  int count = 0;
  for (const std::int64_t total : totals_.at({number, stream})) count += total > nth ? 1 : 0;
  return count;
}

std::int32_t StepExchange::join(std::uint32_t rank, int group, Stream stream, Seconds now) {
  if (meeting_groups_[rank] == 0) return kAlone;
  const auto& numbers = outline_->ranks[rank].meetings;
  const auto kind = static_cast<std::size_t>(group);
  if (kind >= numbers.size() || numbers[kind] < 0) return kAlone;
  const std::int32_t number = numbers[kind];
  const int count = issued_[{rank, number, stream}]++;
  const auto next = static_cast<std::int32_t>(meetings_.size());
  const auto [found, added] = known_.emplace(std::make_tuple(number, stream, count), next);
  if (added) {
    const int of = members(number, stream, count);
    meetings_.push_back({.to_come = of, .to_end = of});
  }
  Meeting& meeting = meetings_[static_cast<std::size_t>(found->second)];
  --meeting.to_come;
  meeting.start = max(meeting.start, now);
  return found->second;
}

void StepExchange::leave(std::int32_t meeting, Seconds now) {
  Meeting& left = meetings_[static_cast<std::size_t>(meeting)];
  --left.to_end;
  left.end = max(left.end, now);
}

Seconds StepExchange::start(std::int32_t meeting) const {
  const Meeting& of = meetings_[static_cast<std::size_t>(meeting)];
  return of.to_come > 0 ? Seconds(-1) : of.start;
}

Seconds StepExchange::end(std::int32_t meeting) const {
  const Meeting& of = meetings_[static_cast<std::size_t>(meeting)];
  return of.to_end > 0 ? Seconds(-1) : of.end;
}

}  // namespace orrery
