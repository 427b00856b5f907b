#pragma once
/// What the entries of this folder have in common.

#include <orrery/reader.hpp>

namespace orrery::accelerator {

/// Everything has `source` and `notes`.
inline void finish(Reader& reader) {
  reader.ignore("source");
  reader.ignore("notes");
  reader.finish();
}

}  // namespace orrery::accelerator
