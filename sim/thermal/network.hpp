#pragma once
/// A linear network of heat capacities, exact in time while its inputs are constant.

#include <memory>
#include <span>
#include <vector>

#include <orrery/quantity.hpp>

namespace orrery::thermal {

/// What a Network is made of. Nodes are numbered from 0 in the order of their creation.
///
///   state:     C dT/dt = heat + sum of what its links bring
///   junction:        0 = heat + sum of what its links bring    (holds no heat)
///   boundary:        T = given
class Layout {
 public:
  enum class Kind { State, Junction, Boundary };
  struct Node {
    Kind kind = Kind::State;
    JoulesPerKelvin capacity{};  ///< of states
  };
  /// `to` takes in rate (T_of - T_against) that `from`, unless it is -1, gives up.
  struct Link {
    int from = -1;
    int to = 0;
    int of = 0;
    int against = 0;
    WattsPerKelvin rate{};
  };

  /// `capacity` is above zero.
  int state(JoulesPerKelvin capacity);
  int junction();
  int boundary();
  /// Heat G (T_a - T_b) goes from a to b.
  void conduct(int a, int b, WattsPerKelvin conductance);
  /// A flow that takes up `rate` per kelvin comes from a and goes on through b: b takes in
  /// rate (T_a - T_b). Nothing is taken from a, which the flow leaves at a's own temperature.
  void stream(int a, int b, WattsPerKelvin rate);
  /// A body in a flow from `upstream` to `downstream`: it loses G (T_body - T_upstream), all of
  /// which ends downstream. G is at most the flow's rate.
  void exchange(int body, int upstream, int downstream, WattsPerKelvin conductance);

  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<Link>& links() const { return links_; }

 private:
  int add(Node node);
  void check(int node) const;
  std::vector<Node> nodes_;
  std::vector<Link> links_;
};

/// The network solved. Holds no temperatures: one network serves any number of alike bodies.
/// Temperatures and heats are one per node, in the layout's order; those of boundaries are given in
/// the same vector as all others, and heat into a boundary is ignored. Not for two threads at once:
/// a call may add to the cache.
class Network {
 public:
  /// @throws InternalError when a junction has no link.
  explicit Network(const Layout& layout);
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] std::size_t size() const;
  /// Sets all temperatures but the boundaries' to the steady state.
  /// @throws InternalError when there is none: a state that no boundary holds.
  void settle(std::span<const Watts> heat, std::span<Temperature> temperature) const;
  /// Goes on by `interval` >= 0 under constant heats and boundaries. `mean` becomes the exact mean
  /// over the interval (of no interval, the instant). The first call with an interval takes O(n^3),
  /// others O(n^2): 1 us for 24 states. The latest 32 intervals are kept.
  void advance(std::span<const Watts> heat, Seconds interval, std::span<Temperature> temperature,
               std::span<Temperature> mean) const;

 private:
  struct Solved;
  std::unique_ptr<Solved> solved_;
};

}  // namespace orrery::thermal
