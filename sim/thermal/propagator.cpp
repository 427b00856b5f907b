#include "thermal/propagator.hpp"

#include <cmath>

namespace orrery::thermal {
namespace {

using Matrix = Eigen::MatrixXd;

// With |A h| <= 1/2 the first term left out is below 2^-14 / 16! = 3e-18 of the sum.
constexpr int kTerms = 14;

// The series of the double integral, h^2 sum of (A h)^k / (k + 2)!; the others follow from it.
Propagator by_series(const Matrix& a, double h) {
  const Matrix one = Matrix::Identity(a.rows(), a.cols());
  const Matrix ah = a * h;
  Matrix sum = one;
  for (int k = kTerms; k > 0; --k) sum = one + (ah * sum) / (k + 2);
  Propagator result;
  result.twice = sum * (h * h / 2);
  result.once = one * h + a * result.twice;
  result.end = one + a * result.once;
  return result;
}

}  // namespace

// Scaling and squaring, carried along to the integrals: over 2 h they are what the first half gave
// plus what the second adds. No inverse of A is needed, and nothing cancels.
Propagator propagate(const Matrix& a, double h) {
  const double norm = a.size() == 0 ? 0.0 : a.cwiseAbs().rowwise().sum().maxCoeff() * h;
  const int doublings = norm > 0.5 ? static_cast<int>(std::ceil(std::log2(norm / 0.5))) : 0;
  double step = std::ldexp(h, -doublings);
  Propagator result = by_series(a, step);
  for (int i = 0; i < doublings; ++i, step *= 2) {
    result.twice += (step * result.once + result.end * result.twice).eval();
    result.once += (result.end * result.once).eval();
    result.end = (result.end * result.end).eval();
  }
  return result;
}

}  // namespace orrery::thermal
