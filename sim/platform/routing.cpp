// Let P(n, u) be the probability that n flows on u links leave no link more than m. Flow n + 1
// spoils it only if its link has exactly m already:
//   P(n + 1, u) = P(n, u) - B(m; n, 1/u) P(n - m, u - 1)
// with the binomial B; a sum over m of 1 - P gives the expected maximum. Nothing cancels that
// matters: all terms are probabilities.
#include "platform/routing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "platform/index.hpp"

namespace orrery {
namespace {

constexpr int kMostExactFlows = 4096;
constexpr double kNegligible = 1e-12;

std::vector<double> log_factorials(int most) {
  std::vector<double> result(index(most) + 1, 0.0);
  for (int i = 2; i <= most; ++i) result[index(i)] = result[index(i - 1)] + std::log(i);
  return result;
}

// The probability that no link has more than `limit` flows.
double probability_within(int limit, int flows, int links,
                          const std::vector<double>& log_factorial) {
  if (limit >= flows) return 1;
  std::vector<double> fewer(index(flows) + 1, 0.0);  // with u - 1 links
  std::vector<double> now(index(flows) + 1, 0.0);
  fewer[0] = 1;  // no link takes no flow
  for (int u = 1; u <= links; ++u) {
    const double log_in = -std::log(u);
    const double log_out = u > 1 ? std::log1p(-1.0 / u) : 0.0;
    now[0] = 1;
    for (int n = 0; n < flows; ++n) {
      double spoilt = 0;
      if (n >= limit && (u > 1 || n == limit)) {
        const double log_binomial = log_factorial[index(n)] - log_factorial[index(limit)] -
                                    log_factorial[index(n - limit)] + limit * log_in +
                                    (n - limit) * log_out;
        spoilt = std::exp(log_binomial) * fewer[index(n - limit)];
      }
      now[index(n + 1)] = std::max(0.0, now[index(n)] - spoilt);
    }
    fewer.swap(now);
  }
  return fewer[index(flows)];
}

}  // namespace

double expected_greatest_load(int flows, int links) {
  const double mean = static_cast<double>(flows) / links;
  if (links == 1) return mean;
  if (flows > kMostExactFlows) return mean + std::sqrt(2.0 * mean * std::log(links));
  const std::vector<double> log_factorial = log_factorials(flows);
  // The maximum is at least ceil(mean): those terms are 1.
  int limit = (flows + links - 1) / links;
  double expected = limit;
  for (; limit < flows; ++limit) {
    const double beyond = 1 - probability_within(limit, flows, links, log_factorial);
    expected += beyond;
    if (beyond < kNegligible) break;
  }
  return expected;
}

double Collisions::greatest_load(int flows, int links) const {
  const std::lock_guard lock(mutex_);
  const auto [entry, missing] = known_.try_emplace({flows, links}, 0.0);
  if (missing) entry->second = expected_greatest_load(flows, links);
  return entry->second;
}

BytesPerSecond rate_through(const Cut& cut, const RoutingSpec& routing,
                            const Collisions& collisions) {
  if (cut.share <= 0) return kUncrossed;
  const BytesPerSecond capacity = cut.per_nic * routing.efficiency;
  if (routing.kind == RoutingSpec::Kind::Adaptive) return capacity / cut.share;
  const double per_nic = routing.flows_per_nic * std::max(1.0, cut.peers);
  const double wanted = std::round(cut.share * cut.nics * per_nic);
  const int flows = static_cast<int>(std::clamp(wanted, 1.0, 1e9));
  const int links = std::max(1, static_cast<int>(cut.links));
  const double greatest = routing.kind == RoutingSpec::Kind::Ecmp
                              ? collisions.greatest_load(flows, links)
                              : std::ceil(static_cast<double>(flows) / links);
  // A link's bandwidth is shared by the flows on it; the messages of a NIC wait for their slowest.
  return capacity * cut.nics / cut.links / greatest * per_nic;
}

}  // namespace orrery
