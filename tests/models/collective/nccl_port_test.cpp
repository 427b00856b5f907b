// Checks the port: these times come from the Python reference with which the parameters were
// fitted, not from this code and not from a measurement. Tolerance 1e-6: both compute in double
// precision.
#include <gtest/gtest.h>

#include "models/collective/nccl_support.hpp"

namespace orrery::collective::test {
namespace {

using enum CollectiveKind;

// The entries round two ratios to five digits; the reference has 199.6 of 300, 315 and 292 of 450
// GB/s.
constexpr const char* kA100 =
    "scale_up: {use: communication/nvlink3, point_to_point: {efficiency: 0.6653333333333333}}\n";
constexpr const char* kH100 =
    "scale_up: {use: communication/nvlink4, nvls: {efficiency: 0.6488888888888889}}\n";
constexpr const char* kEfa = "scale_out: {use: communication/efa}\n";
constexpr const char* kHdr = "scale_out: {use: communication/infiniband-hdr}\n";
constexpr const char* kNdr = "scale_out: {use: communication/infiniband-ndr}\n";

struct Vector {
  const char* scale_up;
  const char* scale_out;
  CollectiveKind kind;
  double bytes;
  Dtype dtype;
  GroupLayout layout;
  double time_us;
  const char* algorithm;
  const char* protocol;
  int channels;
};

void check(const std::vector<Vector>& vectors) {
  for (const Vector& v : vectors) {
    const auto model = nccl(std::string(v.scale_up) + v.scale_out);
    const CollectiveCost result = cost(*model, v.kind, Bytes(v.bytes), v.layout, v.dtype);
    SCOPED_TRACE(std::string(to_text(v.kind)) + " of " + std::to_string(v.bytes));
    EXPECT_NEAR(result.time().si() * 1e6 / v.time_us, 1.0, 1e-6);
    EXPECT_EQ(result.algorithm, v.algorithm);
    EXPECT_EQ(result.protocol, v.protocol);
    EXPECT_EQ(result.multiprocessors, v.channels);
  }
}

TEST(NcclPort, MatchesTheReferenceInOneServerOfA100) {
  const Dtype half = Dtype::Fp16;
  check({
      {kA100, "", AllGather, 8192, half, a100(8), 15.637851104021049, "ring", "ll", 1},
      {kA100, "", AllGather, 65536, half, a100(2), 11.300612699134103, "ring", "ll", 8},
      {kA100, "", AllReduce, 4194304, half, a100(8), 89.08150492369514, "ring", "ll128", 24},
      {kA100, "", AllReduce, 268435456, Dtype::Int8, a100(4), 2008.6022245055176, "ring", "simple",
       24},
      {kA100, "", ReduceScatter, 536870912, half, a100(8), 2267.0327364086347, "ring", "simple",
       24},
      {kA100, "", AllToAll, 16777216, half, a100(8), 106.72171676008938, "p2p", "simple", 32},
  });
}

TEST(NcclPort, MatchesTheReferenceInOneServerOfH100) {
  const Dtype half = Dtype::Fp16;
  check({
      {kH100, "", AllReduce, 4096, half, h100(8), 16.01877290220883, "ring", "ll", 1},
      {kH100, "", AllReduce, 67108864, half, h100(8), 338.96789041095894, "nvls", "simple", 16},
      {kH100, "", AllReduce, 8589934592, half, h100(8), 31955.360657534246, "nvls", "simple", 16},
      {kH100, "", AllReduce, 67108864, Dtype::Int8, h100(8), 391.3373193845769, "ring", "simple",
       24},
      {kH100, "", AllGather, 8388608, half, h100(8), 42.51955420107357, "ring", "ll128", 24},
      {kH100, "", ReduceScatter, 134217728, half, h100(4), 344.13573726287876, "ring", "simple",
       24},
      {kH100, "", AllToAll, 1048576, half, h100(2), 15.008281883579555, "p2p", "simple", 8},
      {kH100, "", SendRecv, 16777216, half, h100(2), 72.14486187939713, "p2p", "simple", 16},
  });
}

TEST(NcclPort, MatchesTheReferenceAcrossServers) {
  const Dtype half = Dtype::Fp16;
  const GroupLayout p4de = cluster(2, 8, 300, 4, 12.5);
  const GroupLayout rail_a100 = cluster(128, 1, 300, 8, 25);
  check({
      {kA100, kEfa, AllReduce, 1048576, half, p4de, 316.03093162139015, "tree", "simple", 8},
      {kA100, kEfa, AllReduce, 1073741824, half, p4de, 27255.475679012343, "tree", "simple", 8},
      {kA100, kHdr, AllGather, 67108864, half, rail_a100, 6179.629547703942, "ring", "ll128", 2},
      {kH100, kNdr, AllReduce, 268435456, half, h100_ndr(16, 8), 1630.5649787234042, "nvls_tree",
       "simple", 16},
      {kH100, kNdr, AllReduce, 1073741824, half, h100_ndr(1024, 1), 46080.67906382979, "tree",
       "simple", 2},
      {kH100, kNdr, AllToAll, 67108864, half, h100_ndr(4, 8), 1106.8028863643683, "p2p", "simple",
       32},
      {kH100, kNdr, SendRecv, 16777216, half, h100_ndr(2, 1), 374.3700425531915, "p2p", "simple",
       2},
  });
}

}  // namespace
}  // namespace orrery::collective::test
