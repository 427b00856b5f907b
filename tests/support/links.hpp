#pragma once
/// Links for layouts and costs made by hand: each is a resource of its own.

#include <cstdint>

#include <orrery/collective.hpp>

namespace orrery::test {

/// All of `bandwidth`, of which a byte takes a byte.
inline GroupLinks links(std::uint32_t resource, BytesPerSecond bandwidth) {
  return {.bandwidth = bandwidth, .uses = {{.resource = resource, .capacity = bandwidth}}};
}

/// A device's links in its server, and to others.
inline GroupLinks links_within(BytesPerSecond bandwidth) { return links(0, bandwidth); }
inline GroupLinks links_between(BytesPerSecond bandwidth) { return links(1, bandwidth); }

}  // namespace orrery::test
