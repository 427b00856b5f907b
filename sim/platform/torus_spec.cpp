#include <algorithm>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "platform/platform_spec.hpp"

namespace orrery {
namespace {

constexpr std::size_t kMostAxes = 3;
constexpr int kShortestTwisted = 3;

// `wrap: true`, or one for each axis.
std::vector<bool> read_wrap(Reader& reader, std::size_t axes) {
  const Node value = reader.raw("wrap");
  if (value.kind() != Node::Kind::Sequence) {
    return std::vector<bool>(axes, reader.boolean_or("wrap", true));
  }
  std::vector<bool> wrap;
  for (const Node& item : value.items()) {
    const bool known = !item.quoted() && (item.text() == "true" || item.text() == "false");
    if (!known) {
      reader.diagnostics().error(
          item.where(), fmt::format("wrap: expected true or false; got '{}'", item.text()));
    }
    wrap.push_back(item.text() == "true");
  }
  if (wrap.size() != axes) {
    reader.error("wrap", fmt::format("wrap: expected one of true, false or one for each of the {} "
                                     "axes of shape; got {}",
                                     axes, wrap.size()));
    wrap.assign(axes, true);
  }
  return wrap;
}

bool can_twist(const TorusSpec& torus) {
  std::vector<int> sorted = torus.shape;
  std::sort(sorted.begin(), sorted.end());
  return sorted.size() == kMostAxes && sorted.front() >= kShortestTwisted &&
         sorted[2] == 2 * sorted[0] && (sorted[1] == sorted[0] || sorted[1] == sorted[2]) &&
         std::find(torus.wrap.begin(), torus.wrap.end(), false) == torus.wrap.end();
}

std::vector<int> read_shape(Reader& reader, int devices) {
  std::vector<int> shape;
  std::int64_t product = 1;
  const std::vector<std::int64_t> sizes = reader.integers("shape", 1);
  if (!reader.has("shape")) return {devices};
  if (sizes.empty() || sizes.size() > kMostAxes) {
    reader.error("shape", fmt::format("shape: expected one to three axes; got {}", sizes.size()));
    return {devices};
  }
  for (const std::int64_t size : sizes) {
    shape.push_back(static_cast<int>(std::min<std::int64_t>(size, devices + 1)));
    product = std::min<std::int64_t>(product * shape.back(), std::int64_t{1} << 40);
  }
  if (product == devices) return shape;
  reader.error("shape", fmt::format("shape: {} is {} devices; expected the {} accelerators of the "
                                    "server",
                                    fmt::join(sizes, " x "), product, devices));
  return {devices};
}

}  // namespace

TorusSpec read_torus(Reader& scale_up, int devices) {
  TorusSpec torus;
  torus.shape = read_shape(scale_up, devices);
  torus.wrap = read_wrap(scale_up, torus.shape.size());
  torus.twisted = scale_up.boolean_or("twisted", false);
  if (torus.twisted && !can_twist(torus)) {
    scale_up.error(
        "twisted",
        fmt::format("twisted: expected a shape of n x n x 2n or n x 2n x 2n with n of at "
                    "least {} and all axes wrapped; got {}",
                    kShortestTwisted, fmt::join(torus.shape, " x ")));
    torus.twisted = false;
  }
  return torus;
}

std::vector<int> TorusSpec::coordinates(int device) const {
  std::vector<int> place;
  for (const int size : shape) {
    place.push_back(device % size);
    device /= size;
  }
  return place;
}

std::vector<int> TorusSpec::next(int device) const {
  const int longest = *std::max_element(shape.begin(), shape.end());
  std::vector<int> result;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    std::vector<int> place = coordinates(device);
    const bool crosses = ++place[axis] == shape[axis];
    if (crosses && !joined(axis)) continue;
    if (crosses) place[axis] = 0;
    for (std::size_t other = 0; crosses && twisted && other < shape.size(); ++other) {
      const bool twists = shape[axis] < longest && shape[other] == longest;
      if (twists) place[other] = (place[other] + longest / 2) % longest;
    }
    int index = 0;
    for (std::size_t i = shape.size(); i-- > 0;) index = index * shape[i] + place[i];
    result.push_back(index);
  }
  return result;
}

}  // namespace orrery
