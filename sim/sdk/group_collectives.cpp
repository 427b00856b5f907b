#include <orrery/sdk/group_collectives.hpp>

namespace orrery {

std::uint32_t GroupCollectives::add(std::size_t kind, int rank, CollectiveRequest request) {
  const int links = job_.links(kind, rank);
  const auto index = static_cast<std::uint32_t>(tables_.collectives.size());
  const auto [known, added] =
      known_.try_emplace(Key{kind, links, request.kind, request.bytes.si(), request.dtype,
                             request.unique_between, request.copy_engine},
                         index);
  if (!added) return known->second;
  request.layout = job_.group_layout(links);
  tables_.collectives.push_back({.request = std::move(request),
                                 .who = job_.layout().groups[kind].name,
                                 .group = static_cast<int>(kind)});
  return index;
}

}  // namespace orrery
