#include "engine/rest_profiles.hpp"

#include <algorithm>
#include <utility>

#include "engine/rank_timeline.hpp"

namespace orrery {

std::size_t RestProfiles::Hash::operator()(const Key& key) const {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const std::uint64_t part :
       {static_cast<std::uint64_t>(key.what), static_cast<std::uint64_t>(key.of),
        static_cast<std::uint64_t>(key.routine), static_cast<std::uint64_t>(key.position)}) {
    hash = (hash ^ part) * 0x100000001b3ULL;
  }
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

RestProfiles::Rest* RestProfiles::find(const Key& key, Seconds now) {
  const auto [found, added] =
      known_.try_emplace(key, Rest{.asked = now, .made = false, .profiles = {}});
  Rest& rest = found->second;
  return !rest.made && rest.asked == now ? nullptr : &rest;
}

// Of lines that stand where the rest starts, at time 0.
std::vector<RestProfile> RestProfiles::measured(std::vector<RankTimeline>& lines,
                                                const StepExchange& exchange,
                                                const std::vector<std::uint32_t>& ranks) const {
  std::vector<RestProfile> rests(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    rests[i].next = lines[i].next_in_pass();
    lines[i].measure();
  }
  run_together(lines);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    rests[i].left = profile_of(lines[i]);
    rests[i].met = exchange.issued(ranks[i]);
    if (!rests[i].left.closed) return {};
  }
  return rests;
}

const RestProfile* RestProfiles::from(int kind, std::uint32_t routine, std::int64_t position,
                                      Seconds now) {
  Rest* rest =
      find({.what = What::From, .of = kind, .routine = routine, .position = position}, now);
  if (rest == nullptr) return nullptr;
  if (!std::exchange(rest->made, true)) {
    RoutineProfiles& profiles = kinds_[static_cast<std::size_t>(kind)];
    const Pass pass{.routine = routine};
    const std::uint32_t first = 0;
    StepExchange exchange(1);
    std::vector<RankTimeline> lines;
    lines.emplace_back(profiles, exchange, 0,
                       RankPasses{.passes = {&pass, 1}, .order = {&first, 1}});
    lines.front().stand_at(position);
    rest->profiles = measured(lines, exchange, {0});
    // A late host only moves the end of what is in order.
    for (RestProfile& one : rest->profiles) one.left.sequential = profiles.of(routine).sequential;
  }
  return rest->profiles.empty() ? nullptr : rest->profiles.data();
}

const RestProfile* RestProfiles::beside(int kind, std::uint32_t routine, std::uint32_t message,
                                        Seconds now) {
  Rest* rest =
      find({.what = What::Beside, .of = kind, .routine = routine, .position = message}, now);
  if (rest == nullptr) return nullptr;
  if (!std::exchange(rest->made, true)) {
    RoutineProfiles& profiles = kinds_[static_cast<std::size_t>(kind)];
    // The pass that sends it is over.
    const std::vector<Pass> passes{{.routine = routine,
                                    .message = static_cast<std::int32_t>(message),
                                    .message_stream = Stream::Send},
                                   {.routine = routine}};
    const std::vector<std::uint32_t> order{0, 1};
    StepExchange exchange(passes.size());
    std::vector<RankTimeline> lines;
    lines.emplace_back(profiles, exchange, 0, RankPasses{.passes = passes, .order = order});
    lines.front().stand_at(profiles.index().length(routine) + 1, profiles.index().length(routine));
    rest->profiles = measured(lines, exchange, {0});
    for (RestProfile& one : rest->profiles) {
      one.message_end = exchange.output(0).end;
      one.left.launching -= profiles.launch_time();  // of the message: before it started
      one.left.host_excess -= profiles.launch_time();
    }
  }
  return rest->profiles.empty() ? nullptr : rest->profiles.data();
}

const RestProfile* RestProfiles::together(const StepExchange& exchange, std::uint32_t rank,
                                          const StepExchange::Proposal& from, Seconds now) {
  Rest* rest = find(
      {.what = What::Together, .of = from.crowd, .routine = from.routine, .position = from.after},
      now);
  const std::vector<std::uint32_t>& crowd = exchange.crowd(from.crowd);
  if (rest == nullptr) return nullptr;
  if (!std::exchange(rest->made, true)) {
    std::vector<Pass> passes;
    std::vector<std::uint32_t> order;
    for (const std::uint32_t member : crowd) {
      order.push_back(static_cast<std::uint32_t>(passes.size()));
      passes.push_back({.rank = member, .routine = from.routine});
    }
    StepExchange alone(outline_, passes);
    std::vector<RankTimeline> lines;
    for (std::size_t i = 0; i < crowd.size(); ++i) {
      const auto kind = static_cast<std::size_t>(outline_.ranks[crowd[i]].kind);
      lines.emplace_back(kinds_[kind], alone, crowd[i],
                         RankPasses{.passes = passes, .order = {&order[i], 1}});
      lines.back().stand_after(from.after);
    }
    rest->profiles = measured(lines, alone, crowd);
  }
  if (rest->profiles.empty()) return nullptr;
  const auto found = std::lower_bound(crowd.begin(), crowd.end(), rank);
  return &rest->profiles[static_cast<std::size_t>(found - crowd.begin())];
}

}  // namespace orrery
