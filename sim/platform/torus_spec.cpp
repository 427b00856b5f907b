#include <algorithm>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "platform/server_keys.hpp"

namespace orrery {
namespace {

constexpr std::size_t kMostAxes = 3;
constexpr int kShortestTwisted = 3;

// `wrap: true`, or one for each axis.
std::vector<bool> wrap_of(Reader& reader, const Node& value, std::size_t axes) {
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

std::vector<int> shape_of(Reader& reader, const std::vector<std::int64_t>& sizes, int devices) {
  std::vector<int> shape;
  std::int64_t product = 1;
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

std::vector<Binding<TorusKeys>> torus_fields() {
  using namespace schema;
  using T = TorusKeys;
  return {
      required("shape", &T::shape, whole(),
               "devices along one to three axes, the innermost first; their product is "
               "`accelerators`"),
      custom<T>({.key = "wrap",
                 .kind = Field::Kind::Switch,
                 .required = false,
                 .fallback = "true",
                 .doc = "ends of an axis are joined (axes of three or more); one, or a list "
                        "with one for each axis"},
                [](Reader& reader, T& keys) { keys.wrap = reader.raw("wrap"); }),
      optional("twisted", &T::twisted, "for n x n x 2n and n x 2n x 2n in any order, all wrapped")};
}

TorusSpec make_torus(Reader& scale_up, const TorusKeys& keys, int devices) {
  TorusSpec torus;
  torus.shape = shape_of(scale_up, keys.shape, devices);
  torus.wrap = wrap_of(scale_up, keys.wrap, torus.shape.size());
  torus.twisted = keys.twisted;
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
