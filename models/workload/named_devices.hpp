#pragma once
/// Devices that a scenario names one by one, and what they do together.

#include <span>
#include <string>
#include <vector>

#include <orrery/collective.hpp>
#include <orrery/platform.hpp>
#include <orrery/schema.hpp>

namespace orrery::workload {

/// A device as the scenario names it: by its number or by its name.
struct NamedDevice {
  std::string text;
  Location where;
};

/// The list at `devices`: numbers or names. Empty when it is absent and not `required`.
std::vector<NamedDevice> read_devices(Reader& reader, bool required);
/// Their numbers, in the order of the list, so that rank i is on its device. @throws ConfigError
/// for what is no device of the platform, or is named twice
std::vector<int> devices_of(const std::vector<NamedDevice>& named, const Platform& platform);
/// Whether links join the devices of a group, inside servers and between them.
[[nodiscard]] bool joined(const GroupLayout& layout);
/// Which devices of a group that is not joined() have no way to one another, for a message.
[[nodiscard]] std::string apart_in_words(std::span<const int> devices, const Platform& platform);
/// all_reduce, all_gather, reduce_scatter, all_to_all, broadcast or send_recv.
const schema::Choices<CollectiveKind>& collective_choices();

}  // namespace orrery::workload
