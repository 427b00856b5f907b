#include "engine/step_exchange.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace orrery {
namespace {

constexpr std::int32_t kNobody = -1;

std::size_t place(std::size_t group, Stream stream) {
  return group * kStreamCount + static_cast<std::size_t>(stream);
}

}  // namespace

StepExchange::StepExchange(std::size_t passes)
    : outputs_(passes),
      first_waiting_(passes, kNobody),
      next_waiting_(1, kNobody),
      waits_for_(1, kNobody),
      meeting_groups_(1) {}

StepExchange::StepExchange(const Outline& outline, std::span<const Pass> passes)
    : outline_(&outline),
      outputs_(passes.size()),
      first_waiting_(passes.size(), kNobody),
      next_waiting_(outline.ranks.size(), kNobody),
      waits_for_(outline.ranks.size(), kNobody),
      meeting_groups_(outline.ranks.size()) {
  for (std::size_t rank = 0; rank < outline.ranks.size(); ++rank) {
    const auto& numbers = outline.ranks[rank].meetings;
    for (std::size_t group = 0; group < numbers.size(); ++group) {
      if (numbers[group] < 0) continue;
      meeting_groups_[rank] |= std::uint64_t{1} << (group < 63 ? group : 63);
      groups_ = std::max(groups_, group + 1);
    }
  }
  if (groups_ == 0) return;
  gatherings_.resize(outline.ranks.size());
  find_crowds();
  count_members(passes);
}

void StepExchange::deliver(std::uint32_t pass, const Output& output) {
  outputs_[pass] = output;
  std::int32_t rank = std::exchange(first_waiting_[pass], kNobody);
  while (rank != kNobody) {
    const auto index = static_cast<std::size_t>(rank);
    woken_.push_back(static_cast<std::uint32_t>(rank));
    waits_for_[index] = kNobody;
    rank = next_waiting_[index];
  }
}

void StepExchange::wait(std::uint32_t rank, std::int32_t pass) {
  if (waits_for_[rank] == pass) return;
  waits_for_[rank] = pass;
  next_waiting_[rank] = std::exchange(first_waiting_[static_cast<std::size_t>(pass)],
                                      static_cast<std::int32_t>(rank));
}

void StepExchange::wake_all(std::int32_t number) {
  const auto& all = crowd(crowd_of_[static_cast<std::size_t>(number)]);
  woken_.insert(woken_.end(), all.begin(), all.end());
}

std::int32_t StepExchange::number(std::uint32_t rank, std::size_t group) const {
  const auto& numbers = outline_->ranks[rank].meetings;
  return group < numbers.size() ? numbers[group] : kAlone;
}

void StepExchange::find_crowds() {
  std::vector<std::vector<std::uint32_t>> ranks;  // by number
  for (std::uint32_t rank = 0; rank < outline_->ranks.size(); ++rank) {
    for (const std::int32_t number : outline_->ranks[rank].meetings) {
      if (number < 0) continue;
      const auto index = static_cast<std::size_t>(number);
      if (index >= ranks.size()) ranks.resize(index + 1);
      ranks[index].push_back(rank);
    }
  }
  std::map<std::vector<std::uint32_t>, std::int32_t> known;
  for (std::vector<std::uint32_t>& of : ranks) {
    const auto [found, added] = known.emplace(of, static_cast<std::int32_t>(crowds_.size()));
    if (added) crowds_.push_back(std::move(of));
    crowd_of_.push_back(found->second);
  }
  series_.resize(ranks.size() * kStreamCount);
  std::map<std::vector<std::pair<int, std::uint64_t>>, std::int32_t> alike;
  for (const std::vector<std::uint32_t>& crowd : crowds_) {
    std::vector<std::pair<int, std::uint64_t>> members;
    for (const std::uint32_t rank : crowd) {
      members.emplace_back(outline_->ranks[rank].kind, meeting_groups_[rank]);
    }
    const auto next = static_cast<std::int32_t>(alike.size());
    likenesses_.push_back(alike.emplace(std::move(members), next).first->second);
  }
}

std::vector<StepExchange::Issued> StepExchange::counts_of_routines() const {
  std::vector<Issued> counts;
  counts.reserve(outline_->routines.size());
  for (const Routine& routine : outline_->routines) {
    Issued all(groups_ * kStreamCount);
    for (const Step& step : routine.steps) {
      if (step.call >= 0) {
        const Issued& once = counts[static_cast<std::size_t>(step.call)];
        for (std::size_t i = 0; i < all.size(); ++i) all[i] += step.repeat * once[i];
      } else if (step.op.kind == Op::Kind::Collective) {
        const auto group = static_cast<std::size_t>(outline_->collectives[step.op.work].group);
        if (group < groups_) ++all[place(group, step.op.stream)];
      }
    }
    counts.push_back(std::move(all));
  }
  return counts;
}

// A rank may have a number and issue nothing in that group: only who does is waited for.
void StepExchange::count_members(std::span<const Pass> passes) {
  const std::vector<Issued> counts = counts_of_routines();
  issued_.assign(outline_->ranks.size(), Issued(groups_ * kStreamCount));
  std::vector<Issued> of_rank = issued_;
  for (const Pass& pass : passes) {
    Issued& all = of_rank[pass.rank];
    for (std::size_t i = 0; i < all.size(); ++i) all[i] += counts[pass.routine][i];
    if (pass.message < 0) continue;
    const int group = outline_->collectives[static_cast<std::size_t>(pass.message)].group;
    if (static_cast<std::size_t>(group) >= groups_) continue;
    ++all[place(static_cast<std::size_t>(group), pass.message_stream)];
  }
  for (std::uint32_t rank = 0; rank < of_rank.size(); ++rank) {
    for (std::size_t i = 0; i < of_rank[rank].size(); ++i) {
      const std::int32_t shared = number(rank, i / kStreamCount);
      if (shared < 0 || of_rank[rank][i] == 0) continue;
      series(shared, i % kStreamCount).totals.push_back(of_rank[rank][i]);
    }
  }
}

std::int32_t StepExchange::join(std::uint32_t rank, int group, Stream stream, Seconds now) {
  if (meeting_groups_[rank] == 0) return kAlone;
  const std::int32_t shared = number(rank, static_cast<std::size_t>(group));
  if (shared < 0) return kAlone;
  const std::int64_t nth = issued_[rank][place(static_cast<std::size_t>(group), stream)]++;
  Series& all = series(shared, static_cast<std::size_t>(stream));
  if (all.meetings.size() <= static_cast<std::size_t>(nth)) {
    all.meetings.resize(static_cast<std::size_t>(nth) + 1, kAlone);
  }
  std::int32_t& known = all.meetings[static_cast<std::size_t>(nth)];
  if (known == kAlone) {
    known = static_cast<std::int32_t>(meetings_.size());
    const auto members = static_cast<int>(std::count_if(
        all.totals.begin(), all.totals.end(), [&](std::int64_t total) { return total > nth; }));
    Meeting& made = meetings_.emplace_back();
    made.number = shared;
    made.members = made.to_come = made.to_end = members;
  }
  Meeting& meeting = meetings_[static_cast<std::size_t>(known)];
  --meeting.to_come;
  meeting.start = max(meeting.start, now);
  if (meeting.to_come == 0) wake_all(shared);
  return known;
}

void StepExchange::leave(std::int32_t meeting, Seconds now, const Proposal& proposal) {
  Meeting& left = meetings_[static_cast<std::size_t>(meeting)];
  if (left.to_end == left.members) left.proposal = proposal;
  if (proposal.crowd != kAlone && proposal == left.proposal) ++left.proposing;
  --left.to_end;
  left.end = max(left.end, now);
  if (left.to_end == 0) wake_all(left.number);
}

Seconds StepExchange::start(std::int32_t meeting) const {
  const Meeting& of = meetings_[static_cast<std::size_t>(meeting)];
  return of.to_come > 0 ? Seconds(-1) : of.start;
}

Seconds StepExchange::end(std::int32_t meeting) const {
  const Meeting& of = meetings_[static_cast<std::size_t>(meeting)];
  return of.to_end > 0 ? Seconds(-1) : of.end;
}

bool StepExchange::agreed(std::int32_t meeting) const {
  const Meeting& of = meetings_[static_cast<std::size_t>(meeting)];
  return of.to_end == 0 && of.proposing == of.members &&
         crowd(of.proposal.crowd).size() == static_cast<std::size_t>(of.members);
}

std::int32_t StepExchange::together(std::uint32_t rank, std::uint64_t groups) const {
  std::int32_t crowd = kAlone;
  const auto& numbers = outline_->ranks[rank].meetings;
  for (std::size_t group = 0; group < numbers.size(); ++group) {
    if (numbers[group] < 0) continue;
    if ((groups >> std::min<std::size_t>(group, 63) & 1U) == 0) continue;
    const std::int32_t of = crowd_of_[static_cast<std::size_t>(numbers[group])];
    if (crowd != kAlone && crowd != of) return kAlone;
    crowd = of;
  }
  return crowd;
}

void StepExchange::come(std::uint32_t rank, const Start& start) {
  gatherings_[rank] = {.state = Gathering::There, .start = start, .rest = nullptr};
}

void StepExchange::stay_away(std::uint32_t rank, std::int32_t of, std::size_t nth) {
  gatherings_[rank] = {.state = Gathering::Away, .start = {.nth = nth}, .rest = nullptr};
  for (const std::uint32_t other : crowd(of)) {
    Gathered& waits = gatherings_[other];
    if (waits.state != Gathering::There || waits.start.nth != nth) continue;
    waits.state = Gathering::Alone;
    woken_.push_back(other);
  }
}

bool StepExchange::away(std::int32_t of, std::size_t nth) const {
  return std::any_of(crowd(of).begin(), crowd(of).end(), [&](std::uint32_t rank) {
    const Gathered& other = gatherings_[rank];
    return other.state == Gathering::Away && other.start.nth == nth;
  });
}

std::vector<StepExchange::Start> StepExchange::starts(std::int32_t of) const {
  std::vector<Start> all;
  for (const std::uint32_t rank : crowd(of)) {
    if (gatherings_[rank].state != Gathering::There) return {};
    all.push_back(gatherings_[rank].start);
  }
  return all;
}

void StepExchange::decide(std::uint32_t rank, Gathering gathering, const RestProfile* rest) {
  gatherings_[rank].state = gathering;
  gatherings_[rank].rest = rest;
  woken_.push_back(rank);
}

StepExchange::Issued StepExchange::issued(std::uint32_t rank) const {
  return issued_.empty() ? Issued() : issued_[rank];
}

void StepExchange::skip(std::uint32_t rank, const Issued& more) {
  for (std::size_t i = 0; i < more.size(); ++i) issued_[rank][i] += more[i];
}

}  // namespace orrery
