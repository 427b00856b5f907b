#include "thermal/network.hpp"

#include <array>

#include <Eigen/Dense>
#include <Eigen/Sparse>

#include <orrery/error.hpp>

#include "thermal/propagator.hpp"

namespace orrery::thermal {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using Sparse = Eigen::SparseMatrix<double>;

constexpr std::size_t kIntervals = 32;
constexpr Eigen::Index kSmall = 100;  // rows: sparse factors take longer to prepare than dense ones

std::vector<int> nodes_of(const Layout& layout, Layout::Kind kind) {
  std::vector<int> result;
  for (std::size_t i = 0; i < layout.nodes().size(); ++i) {
    if (layout.nodes()[i].kind == kind) result.push_back(static_cast<int>(i));
  }
  return result;
}

// Heat that each node takes in per kelvin of each other, in the order given by `place`.
Sparse heat_rates(const Layout& layout, const std::vector<int>& place) {
  std::vector<Eigen::Triplet<double>> entries;
  const auto at = [&](int node) { return place[static_cast<std::size_t>(node)]; };
  const auto add = [&](int node, const Layout::Link& link, double sign) {
    entries.emplace_back(at(node), at(link.of), sign * link.rate.si());
    entries.emplace_back(at(node), at(link.against), -sign * link.rate.si());
  };
  for (const Layout::Link& link : layout.links()) {
    add(link.to, link, 1);
    if (link.from >= 0) add(link.from, link, -1);
  }
  const auto size = static_cast<Eigen::Index>(place.size());
  Sparse rates(size, size);
  rates.setFromTriplets(entries.begin(), entries.end());
  return rates;
}

// x with `rates` x = right.
Matrix solve(const Sparse& rates, const Matrix& right) {
  if (rates.rows() == 0) return Matrix::Zero(0, right.cols());
  if (rates.rows() <= kSmall) {
    Matrix result = Matrix(rates).partialPivLu().solve(right);
    ORRERY_CHECK(result.allFinite());
    return result;
  }
  Sparse compressed = rates;
  compressed.makeCompressed();
  Eigen::SparseLU<Sparse> factors(compressed);
  ORRERY_CHECK(factors.info() == Eigen::Success);
  Matrix result = factors.solve(right);
  ORRERY_CHECK(result.allFinite());
  return result;
}

}  // namespace

// Order inside: states, junctions, boundaries. An input vector is the heats of states and junctions
// (W), then the boundaries (K).
struct Network::Solved {
  struct Step {
    double interval = -1;
    Matrix of;  // [end; mean] of states and junctions = of [states; input]
  };

  explicit Solved(const Layout& layout);
  void eliminate_junctions(const Sparse& rates, const Vector& capacity);
  void solve_steady(const Sparse& rates);
  const Step& step(double interval);
  void gather(std::span<const Watts> heat, std::span<const Temperature> temperature);
  void scatter(const double* from, std::span<Temperature> to) const;

  std::vector<int> order;  // node at each place
  Eigen::Index states = 0, inner = 0, inputs = 0;
  Matrix a, b;                    // d(states)/dt = a states + b input
  Matrix junction_a, junction_b;  // junctions = junction_a states + junction_b input
  Matrix steady;                  // of input; empty until asked for
  Sparse rates;
  std::array<Step, kIntervals> steps;
  std::size_t oldest = 0, latest = 0;
  Vector in, out;  // buffers
};

Network::Solved::Solved(const Layout& layout) {
  const std::vector<int> state = nodes_of(layout, Layout::Kind::State);
  const std::vector<int> junction = nodes_of(layout, Layout::Kind::Junction);
  const std::vector<int> boundary = nodes_of(layout, Layout::Kind::Boundary);
  for (const auto* part : {&state, &junction, &boundary})
    order.insert(order.end(), part->begin(), part->end());
  std::vector<int> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    place[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  states = static_cast<Eigen::Index>(state.size());
  inner = states + static_cast<Eigen::Index>(junction.size());
  inputs = static_cast<Eigen::Index>(order.size());
  Vector capacity(states);
  for (Eigen::Index i = 0; i < states; ++i) {
    const auto node = static_cast<std::size_t>(state[static_cast<std::size_t>(i)]);
    capacity[i] = layout.nodes()[node].capacity.si();
  }
  rates = heat_rates(layout, place);
  eliminate_junctions(rates, capacity);
  in.setZero(states + inputs);
  out.setZero(2 * inner);
}

void Network::Solved::eliminate_junctions(const Sparse& all, const Vector& capacity) {
  const Eigen::Index junctions = inner - states, boundaries = inputs - inner;
  Matrix right = Matrix::Zero(junctions, states + inputs);
  right.leftCols(states) = -Matrix(all.block(states, 0, junctions, states));
  right.middleCols(states + states, junctions) = -Matrix::Identity(junctions, junctions);
  right.rightCols(boundaries) = -Matrix(all.block(states, inner, junctions, boundaries));
  const Matrix closed = solve(all.block(states, states, junctions, junctions), right);
  junction_a = closed.leftCols(states);
  junction_b = closed.rightCols(inputs);

  const Matrix to_junctions = all.block(0, states, states, junctions);
  const Matrix per_capacity = capacity.cwiseInverse().asDiagonal();
  a = Matrix(all.block(0, 0, states, states)) + to_junctions * junction_a;
  b = to_junctions * junction_b;
  b.leftCols(states) += Matrix::Identity(states, states);
  b.rightCols(boundaries) += Matrix(all.block(0, inner, states, boundaries));
  a = (per_capacity * a).eval();
  b = (per_capacity * b).eval();
}

void Network::Solved::solve_steady(const Sparse& all) {
  Matrix right = Matrix::Zero(inner, inputs);
  right.leftCols(inner) = -Matrix::Identity(inner, inner);
  right.rightCols(inputs - inner) = -Matrix(all.block(0, inner, inner, inputs - inner));
  steady = solve(all.block(0, 0, inner, inner), right);
}

const Network::Solved::Step& Network::Solved::step(double interval) {
  if (steps[latest].interval == interval) return steps[latest];
  for (latest = 0; latest < kIntervals; ++latest) {
    if (steps[latest].interval == interval) return steps[latest];
  }
  latest = oldest;
  oldest = (oldest + 1) % kIntervals;
  const Propagator x = propagate(a, interval);
  const double per = interval > 0 ? 1 / interval : 0;
  Matrix state(2 * states, states + inputs);  // end and mean of states
  state << x.end, x.once * b, x.once * per, x.twice * b * per;
  if (interval == 0) state.bottomRows(states) = state.topRows(states);
  Matrix of(2 * inner, states + inputs);
  for (const Eigen::Index half : {0, 1}) {
    const Matrix part = state.middleRows(half * states, states);
    Matrix junction = junction_a * part;
    junction.rightCols(inputs) += junction_b;
    of.middleRows(half * inner, inner) << part, junction;
  }
  steps[latest] = {.interval = interval, .of = std::move(of)};
  return steps[latest];
}

void Network::Solved::gather(std::span<const Watts> heat,
                             std::span<const Temperature> temperature) {
  ORRERY_CHECK(heat.size() == order.size() && temperature.size() == order.size());
  const auto node = [&](Eigen::Index i) {
    return static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
  };
  for (Eigen::Index i = 0; i < states; ++i) in[i] = temperature[node(i)].kelvin();
  for (Eigen::Index i = 0; i < inner; ++i) in[states + i] = heat[node(i)].si();
  for (Eigen::Index i = inner; i < inputs; ++i) in[states + i] = temperature[node(i)].kelvin();
}

void Network::Solved::scatter(const double* from, std::span<Temperature> to) const {
  for (Eigen::Index i = 0; i < inner; ++i)
    to[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = Temperature::kelvin(from[i]);
}

Network::Network(const Layout& layout) : solved_(std::make_unique<Solved>(layout)) {}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

std::size_t Network::size() const { return solved_->order.size(); }

void Network::settle(std::span<const Watts> heat, std::span<Temperature> temperature) const {
  Solved& s = *solved_;
  if (s.steady.size() == 0) s.solve_steady(s.rates);
  s.gather(heat, temperature);
  s.out.head(s.inner).noalias() = s.steady * s.in.tail(s.inputs);
  s.scatter(s.out.data(), temperature);
}

void Network::advance(std::span<const Watts> heat, Seconds interval,
                      std::span<Temperature> temperature, std::span<Temperature> mean) const {
  ORRERY_CHECK(interval.si() >= 0 && mean.size() == temperature.size());
  Solved& s = *solved_;
  s.gather(heat, temperature);
  s.out.noalias() = s.step(interval.si()).of * s.in;
  s.scatter(s.out.data(), temperature);
  s.scatter(s.out.data() + s.inner, mean);
  for (Eigen::Index i = s.inner; i < s.inputs; ++i) {
    const auto node = static_cast<std::size_t>(s.order[static_cast<std::size_t>(i)]);
    mean[node] = temperature[node];
  }
}

}  // namespace orrery::thermal
