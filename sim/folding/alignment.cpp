#include "folding/alignment.hpp"

namespace orrery {
namespace {

bool fits(int size, int part) { return part % size == 0 || size % part == 0; }

// Of ranks that lie `stride` apart, whole programs or more, all pairs are in one part of the
// machine or none is.
bool pairs_alike(int stride, int program, int part) {
  return stride >= part || part % program == 0;
}

// Groups begin at multiples of their cell. All offsets in a cell see the same when the steps
// between members fit the part, and all cells when they fit it themselves.
bool blocks_alike(const ProcessGroups& of, const JobLayout& layout, int part) {
  const int cell = of.stride * of.count;
  return fits(of.stride, part) && (cell >= layout.ranks || fits(cell, part));
}

bool fits_servers(const ProcessGroups& of, const JobLayout& layout, int server) {
  const int program = layout.ranks_per_program();
  if (of.shape == ProcessGroups::Shape::Ring || of.stride >= program) return fits(program, server);
  return blocks_alike(of, layout, server);
}

// Parts of the fabric: what stays in a server, and what touches every server of its program in the
// same way, never looks at them.
bool fits_fabric(const ProcessGroups& of, const JobLayout& layout, int server, int part) {
  const int program = layout.ranks_per_program();
  const int cell = of.stride * of.count;
  if (of.shape == ProcessGroups::Shape::Ring || of.stride >= program) {
    return pairs_alike(of.stride, program, part);
  }
  if (cell <= server || (cell == program && of.stride <= server)) return true;
  return blocks_alike(of, layout, part);
}

}  // namespace

bool aligned(const JobLayout& layout, const Platform& platform) {
  const int server = platform.devices_per_server();
  if (layout.programs > 1 && !fits(layout.ranks_per_program(), server)) return false;
  for (const ProcessGroups& of : layout.groups) {
    const bool everybody = of.stride == 1 && of.count == layout.ranks;
    if (of.count == 1 || everybody) continue;
    if (!fits_servers(of, layout, server)) return false;
    for (const int part : platform.fabric_parts()) {
      if (part < layout.ranks && !fits_fabric(of, layout, server, part)) return false;
    }
  }
  return true;
}

}  // namespace orrery
