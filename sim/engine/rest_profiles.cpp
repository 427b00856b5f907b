#include "engine/rest_profiles.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/rank_timeline.hpp"

namespace orrery {
namespace {

constexpr double kGrid = 0x1p40;  // of starts, in 1/s

}  // namespace

std::size_t RestProfiles::Hash::operator()(const Key& key) const {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const std::uint64_t part :
       {static_cast<std::uint64_t>(key.what), static_cast<std::uint64_t>(key.of),
        static_cast<std::uint64_t>(key.routine), static_cast<std::uint64_t>(key.position)}) {
    hash = (hash ^ part) * 0x100000001b3ULL;
  }
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

// Of lines that stand where the rest starts. A message has started with it, and its launch was
// before: the pass that sends it is over.
RestProfiles::Rest RestProfiles::measured(std::vector<RankTimeline>& lines,
                                          const std::vector<Place>& places,
                                          StepExchange& exchange) {
  std::vector<RestProfile> rests(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    rests[i].next = lines[i].next_in_pass();
    lines[i].measure();
  }
  run_together(lines);
  std::int32_t pass = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    RestProfile& rest = rests[i];
    rest.left = profile_of(lines[i]);
    if (!rest.left.closed) return {};
    rest.left.time -= places[i].start;
    rest.left.launching -= places[i].start;
    if (places[i].message >= 0) {
      rest.left.launching -= lines[i].launch_time();
      rest.left.host_excess -= lines[i].launch_time();
      rest.message_end = exchange.output(pass++).end - places[i].start;
    }
    ++pass;
    rest.met = exchange.issued(places[i].rank);
  }
  return rests;
}

RestProfiles::Rest RestProfiles::alone(int kind, const Place& place) {
  RoutineProfiles& profiles = kinds_[static_cast<std::size_t>(kind)];
  std::vector<Pass> passes;
  if (place.message >= 0) {
    passes.push_back(
        {.routine = place.routine, .message = place.message, .message_stream = Stream::Send});
  }
  passes.push_back({.routine = place.routine});
  const std::vector<std::uint32_t> order{0, 1};
  StepExchange exchange(passes.size());
  std::vector<RankTimeline> lines;
  lines.emplace_back(profiles, exchange, 0,
                     RankPasses{.passes = passes, .order = {order.data(), passes.size()}});
  lines.front().stand(place.position, place.after, place.message >= 0);
  return measured(lines, {place}, exchange);
}

RestProfiles::Rest RestProfiles::together(const std::vector<Place>& places) {
  std::vector<Pass> passes;
  std::vector<std::vector<std::uint32_t>> orders;
  for (const Place& place : places) {
    std::vector<std::uint32_t>& order = orders.emplace_back();
    if (place.message >= 0) {
      order.push_back(static_cast<std::uint32_t>(passes.size()));
      passes.push_back({.rank = place.rank,
                        .routine = place.routine,
                        .message = place.message,
                        .message_stream = Stream::Send});
    }
    order.push_back(static_cast<std::uint32_t>(passes.size()));
    passes.push_back({.rank = place.rank, .routine = place.routine});
  }
  StepExchange exchange(outline_, passes);
  std::vector<RankTimeline> lines;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto kind = static_cast<std::size_t>(outline_.ranks[places[i].rank].kind);
    lines.emplace_back(kinds_[kind], exchange, places[i].rank,
                       RankPasses{.passes = passes, .order = orders[i]});
    lines.back().stand(places[i].position, places[i].after, places[i].message >= 0);
    lines.back().begin_at(places[i].start);
  }
  return measured(lines, places, exchange);
}

const RestProfile* RestProfiles::from(int kind, std::uint32_t routine, std::int64_t position) {
  const auto [found, added] = known_.try_emplace(
      {.what = What::From, .of = kind, .routine = routine, .position = position});
  Rest& rest = found->second;
  if (added) {
    rest = alone(kind, {.routine = routine, .position = position});
    // A late host only moves the end of what is in order.
    const bool sequential = kinds_[static_cast<std::size_t>(kind)].of(routine).sequential;
    for (RestProfile& one : rest) one.left.sequential = sequential;
  }
  return rest.empty() ? nullptr : rest.data();
}

const RestProfile* RestProfiles::beside(int kind, std::uint32_t routine, std::uint32_t message) {
  const auto [found, added] = known_.try_emplace(
      {.what = What::Beside, .of = kind, .routine = routine, .position = message});
  Rest& rest = found->second;
  if (added) {
    rest = alone(kind, {.routine = routine, .message = static_cast<std::int32_t>(message)});
  }
  return rest.empty() ? nullptr : rest.data();
}

const RestProfile* RestProfiles::together(const StepExchange& exchange, std::uint32_t rank,
                                          const StepExchange::Proposal& from) {
  const auto [found, added] = known_.try_emplace({.what = What::Together,
                                                  .of = exchange.likeness(from.crowd),
                                                  .routine = from.routine,
                                                  .position = from.after});
  Rest& rest = found->second;
  const std::vector<std::uint32_t>& crowd = exchange.crowd(from.crowd);
  if (added) {
    std::vector<Place> places;
    for (const std::uint32_t member : crowd) {
      places.push_back(
          {.rank = member, .routine = from.routine, .position = from.after, .after = true});
    }
    rest = together(places);
  }
  if (rest.empty()) return nullptr;
  const auto nth = std::lower_bound(crowd.begin(), crowd.end(), rank) - crowd.begin();
  return &rest[static_cast<std::size_t>(nth)];
}

const std::vector<RestProfile>* RestProfiles::gathered(
    const StepExchange& exchange, std::int32_t crowd,
    const std::vector<StepExchange::Start>& starts) {
  const std::vector<std::uint32_t>& ranks = exchange.crowd(crowd);
  Seconds first = starts.front().at;
  for (const StepExchange::Start& start : starts) first = min(first, start.at);
  std::vector<std::int64_t> key{exchange.likeness(crowd), starts.front().routine};
  std::vector<Place> places;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    const double offset = std::round((starts[i].at - first).si() * kGrid);
    key.insert(key.end(), {starts[i].message, static_cast<std::int64_t>(offset)});
    places.push_back({.rank = ranks[i],
                      .routine = starts[i].routine,
                      .message = starts[i].message,
                      .start = Seconds(offset / kGrid)});
  }
  const auto [found, added] = gathered_.try_emplace(std::move(key));
  if (added) found->second = together(places);
  return found->second.empty() ? nullptr : &found->second;
}

}  // namespace orrery
