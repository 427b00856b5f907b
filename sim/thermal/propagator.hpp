#pragma once
/// Private to sim/thermal/*.cpp: it shows Eigen.

#include <Eigen/Dense>

namespace orrery::thermal {

/// Of dx/dt = A x + b with constant b, over an interval h:
///   x(h) = end x(0) + once b,   integral of x from 0 to h = once x(0) + twice b
struct Propagator {
  Eigen::MatrixXd end;    ///< e^(A h)
  Eigen::MatrixXd once;   ///< integral of e^(A s) from 0 to h, in s
  Eigen::MatrixXd twice;  ///< integral of that, in s^2
};

/// Exact to rounding, also where A is singular. `h` in seconds, >= 0.
Propagator propagate(const Eigen::MatrixXd& a, double h);

}  // namespace orrery::thermal
