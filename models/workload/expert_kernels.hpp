#pragma once
/// The kernels of a layer's routed experts on one device, grouped between communication points.

#include "workload/linear_kernels.hpp"

namespace orrery::workload {

/// How many copies of tokens a device handles in a layer, of one microbatch.
struct ExpertCopies {
  explicit ExpertCopies(const Shapes& s);

  double sent;      ///< by a device, the padding of a capacity factor included
  double received;  ///< by the fullest expert rank
  double held;      ///< by it, after the ranks that split an expert have exchanged theirs
  double local;     ///< experts on a rank
};

struct ExpertKernels {
  Block route;    ///< router and the copies in order of their expert
  Block experts;  ///< on the copies that arrived
  Block combine;  ///< copies back to tokens, weighted and added, shared experts too
  Block combine_grad, experts_grad, route_grad;
};

ExpertKernels expert_kernels(const Shapes& s);

}  // namespace orrery::workload
