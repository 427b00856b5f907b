#include "engine/schedule.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include <orrery/error.hpp>

namespace orrery {
namespace {

std::size_t as_index(std::int32_t number) { return static_cast<std::size_t>(number); }

}  // namespace

template <class Pairs>
void Schedule::Lists::fill(std::size_t count, Pairs pairs) {
  first.assign(count + 1, 0);
  pairs([this](std::uint32_t index, std::uint32_t) { ++first[index + 1]; });
  for (std::size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
  all.resize(first.back());
  std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
  pairs([&](std::uint32_t index, std::uint32_t value) { all[next[index]++] = value; });
}

Schedule::Schedule(const Outline& outline) : tables_(&outline), ranks_(&outline.ranks) {
  ORRERY_CHECK(outline.microbatches_left_out == 0);
  std::map<std::tuple<std::uint32_t, std::int32_t, Stream, bool, bool>, std::uint32_t> known;
  std::vector<PassWait> waits;
  passes_.reserve(outline.passes.size());
  waits.reserve(outline.passes.size());
  for (const Pass& pass : outline.passes) {
    const auto key = std::make_tuple(pass.routine, pass.message, pass.message_stream,
                                     pass.host_sync, pass.joins);
    const auto [kind, added] = known.try_emplace(key, static_cast<std::uint32_t>(kinds_.size()));
    if (added) kinds_.emplace_back(outline, pass);
    if (pass.after != Pass::kNothing) {
      waits.push_back(
          {static_cast<std::uint32_t>(passes_.size()), static_cast<std::uint32_t>(pass.after)});
    }
    passes_.push_back({pass.rank, kind->second});
  }
  index(waits);
}

Schedule::Schedule(const WorkTables& tables, const std::vector<RepresentedRank>& ranks,
                   std::vector<PassOps> kinds, std::vector<ScheduledPass> passes,
                   const std::vector<PassWait>& waits)
    : tables_(&tables), ranks_(&ranks), kinds_(std::move(kinds)), passes_(std::move(passes)) {
  index(waits);
}

void Schedule::index(const std::vector<PassWait>& waits) {
  const auto count = static_cast<std::uint32_t>(passes_.size());
  order_.fill(ranks_->size(), [&](auto add) {
    for (std::uint32_t pass = 0; pass < count; ++pass) add(passes_[pass].rank, pass);
  });
  before_.fill(count, [&](auto add) {
    for (const PassWait& wait : waits) add(wait.pass, wait.before);
  });
  after_.fill(count, [&](auto add) {
    for (const PassWait& wait : waits) add(wait.before, wait.pass);
  });
  for (std::uint32_t pass = 0; pass < count; ++pass) operations_ += ops(pass).size();
  index_ranks();
  index_meetings();
}

void Schedule::index_ranks() {
  position_.resize(passes_.size());
  free_until_.assign(ranks_->size() * kStreamCount, 0);
  repeats_.assign(kinds_.size(), false);
  std::vector<std::uint32_t> last_rank(kinds_.size(), kNone);  // that runs passes of the kind
  for (std::uint32_t rank = 0; rank < ranks_->size(); ++rank) {
    std::uint32_t position = 0;
    for (const std::uint32_t pass : of_rank(rank)) {
      position_[pass] = position++;
      const std::uint32_t kind = passes_[pass].ops;
      if (last_rank[kind] == rank) repeats_[kind] = true;
      last_rank[kind] = rank;
      for (std::size_t stream = 0; stream < kStreamCount; ++stream) {
        if (kinds_[kind].starts_freely(static_cast<Stream>(stream))) {
          free_until_[queue_of(rank, static_cast<Stream>(stream))] = position;
        }
      }
    }
  }
  joins_.fill(ranks_->size(), [&](auto add) {
    for (std::uint32_t pass = 0; pass < passes_.size(); ++pass) {
      if (ops(pass).joins()) add(passes_[pass].rank, position_[pass]);
    }
  });
}

void Schedule::index_meetings() {
  std::size_t meetings = 0;
  for (const RepresentedRank& rank : *ranks_) {
    groups_ = std::max(groups_, rank.meetings.size());
    for (const std::int32_t number : rank.meetings) {
      if (number >= 0) meetings = std::max(meetings, as_index(number) + 1);
    }
  }
  meeting_.assign(ranks_->size() * groups_, -1);
  issued_.resize(meetings * kStreamCount);
  if (meetings == 0) return;
  std::vector<std::uint32_t> count(groups_ * kStreamCount);
  for (std::uint32_t rank = 0; rank < ranks_->size(); ++rank) {
    const std::vector<std::int32_t>& of_rank_in = (*ranks_)[rank].meetings;
    std::copy(of_rank_in.begin(), of_rank_in.end(),
              meeting_.begin() + static_cast<std::ptrdiff_t>(rank * groups_));
    std::fill(count.begin(), count.end(), 0);
    for (const std::uint32_t pass : of_rank(rank)) {
      for (const PassOps::Issued& issued : ops(pass).issued()) {
        if (as_index(issued.group) >= groups_) continue;
        count[as_index(issued.group) * kStreamCount + static_cast<std::size_t>(issued.stream)] +=
            issued.count;
      }
    }
    for (std::size_t i = 0; i < count.size(); ++i) {
      const std::int32_t number = meeting_[rank * groups_ + i / kStreamCount];
      if (number < 0 || count[i] == 0) continue;
      issued_[as_index(number) * kStreamCount + i % kStreamCount].push_back(count[i]);
    }
  }
  for (std::vector<std::uint32_t>& members : issued_) std::sort(members.begin(), members.end());
}

std::uint32_t Schedule::next_on(std::uint32_t rank, Stream stream, std::uint32_t position) const {
  const auto passes = of_rank(rank);
  for (; position < passes.size(); ++position) {
    if (ops(passes[position]).first(stream) != PassOps::kNone) return position;
  }
  return kNone;
}

}  // namespace orrery
