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

RestProfiles::Rest* RestProfiles::find(const Key& key, Seconds now) {
  const auto [found, added] =
      known_.try_emplace(key, Rest{.asked = now, .made = false, .profiles = {}});
  Rest& rest = found->second;
  return !rest.made && rest.asked == now ? nullptr : &rest;
}

// Of lines that stand where the rest starts. A message has started with it, and its launch was
// before: the pass that sends it is over.
std::vector<RestProfile> RestProfiles::measured(std::vector<RankTimeline>& lines,
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

std::vector<RestProfile> RestProfiles::alone(int kind, const Place& place) {
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

std::vector<RestProfile> RestProfiles::together(const std::vector<Place>& places) {
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

const RestProfile* RestProfiles::from(int kind, std::uint32_t routine, std::int64_t position,
                                      Seconds now) {
  Rest* rest =
      find({.what = What::From, .of = kind, .routine = routine, .position = position}, now);
  if (rest == nullptr) return nullptr;
  if (!std::exchange(rest->made, true)) {
    rest->profiles = alone(kind, {.routine = routine, .position = position});
    // A late host only moves the end of what is in order.
    const bool sequential = kinds_[static_cast<std::size_t>(kind)].of(routine).sequential;
    for (RestProfile& one : rest->profiles) one.left.sequential = sequential;
  }
  return rest->profiles.empty() ? nullptr : rest->profiles.data();
}

const RestProfile* RestProfiles::beside(int kind, std::uint32_t routine, std::uint32_t message,
                                        Seconds now) {
  Rest* rest =
      find({.what = What::Beside, .of = kind, .routine = routine, .position = message}, now);
  if (rest == nullptr) return nullptr;
  if (!std::exchange(rest->made, true)) {
    rest->profiles =
        alone(kind, {.routine = routine, .message = static_cast<std::int32_t>(message)});
  }
  return rest->profiles.empty() ? nullptr : rest->profiles.data();
}

const RestProfile* RestProfiles::together(const StepExchange& exchange, std::uint32_t rank,
                                          const StepExchange::Proposal& from, Seconds now) {
  Rest* rest = find(
      {.what = What::Together, .of = from.crowd, .routine = from.routine, .position = from.after},
      now);
  if (rest == nullptr) return nullptr;
  const std::vector<std::uint32_t>& crowd = exchange.crowd(from.crowd);
  if (!std::exchange(rest->made, true)) {
    std::vector<Place> places;
    for (const std::uint32_t member : crowd) {
      places.push_back(
          {.rank = member, .routine = from.routine, .position = from.after, .after = true});
    }
    rest->profiles = together(places);
  }
  if (rest->profiles.empty()) return nullptr;
  const auto found = std::lower_bound(crowd.begin(), crowd.end(), rank);
  return &rest->profiles[static_cast<std::size_t>(found - crowd.begin())];
}

const std::vector<RestProfile>* RestProfiles::gathered(
    const std::vector<std::uint32_t>& crowd, const std::vector<StepExchange::Start>& starts) {
  Seconds first = starts.front().at;
  for (const StepExchange::Start& start : starts) first = min(first, start.at);
  std::vector<std::int64_t> key;
  std::vector<Place> places;
  for (std::size_t i = 0; i < crowd.size(); ++i) {
    const double offset = std::round((starts[i].at - first).si() * kGrid);
    key.insert(key.end(),
               {crowd[i], starts[i].routine, starts[i].message, static_cast<std::int64_t>(offset)});
    places.push_back({.rank = crowd[i],
                      .routine = starts[i].routine,
                      .message = starts[i].message,
                      .start = Seconds(offset / kGrid)});
  }
  const auto [found, added] = gathered_.try_emplace(std::move(key));
  if (added) return nullptr;
  if (!std::exchange(found->second.made, true)) found->second.profiles = together(places);
  return found->second.profiles.empty() ? nullptr : &found->second.profiles;
}

}  // namespace orrery
