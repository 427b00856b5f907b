#include "install/installation.hpp"

#include <dlfcn.h>
#include <link.h>

#include <array>
#include <climits>
#include <cstring>
#include <sstream>
#include <string_view>

namespace orrery {
namespace {

namespace fs = std::filesystem;

// The run path of the program or shared library that holds this function, as written: DT_RUNPATH,
// or its older form.
std::string run_path_of(const link_map& object) {
  const char* strings = nullptr;
  const ElfW(Dyn)* entry = nullptr;
  for (const ElfW(Dyn)* at = object.l_ld; at->d_tag != DT_NULL; ++at) {
    // The loader has made an address of it.
    if (at->d_tag == DT_STRTAB)
      std::memcpy(static_cast<void*>(&strings), &at->d_un.d_ptr, sizeof strings);
    const bool older = at->d_tag == DT_RPATH && entry == nullptr;
    if (at->d_tag == DT_RUNPATH || older) entry = at;
  }
  if (strings == nullptr || entry == nullptr) return "";
  return strings + entry->d_un.d_val;
}

// What `$ORIGIN` stands for. The loader has no answer before it was asked for its folders.
std::string origin_of(link_map& object) {
  Dl_serinfo size{};
  std::array<char, PATH_MAX> origin{};
  if (dlinfo(&object, RTLD_DI_SERINFOSIZE, &size) != 0) return "";
  return dlinfo(&object, RTLD_DI_ORIGIN, origin.data()) == 0 ? origin.data() : "";
}

std::vector<fs::path> run_path() {
  Dl_info here{};
  void* object = nullptr;
  const auto* self = reinterpret_cast<const void*>(&run_path);
  if (dladdr1(self, &here, &object, RTLD_DL_LINKMAP) == 0) return {};
  link_map& map = *static_cast<link_map*>(object);
  std::istringstream text(run_path_of(map));
  std::vector<fs::path> folders;
  for (std::string folder; std::getline(text, folder, ':');) {
    for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"}) {
      const std::size_t at = folder.find(token);
      if (at != std::string::npos) folder.replace(at, token.size(), origin_of(map));
    }
    fs::path path = fs::path(folder).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    if (path.is_absolute()) folders.push_back(std::move(path));
  }
  return folders;
}

// PREFIX of "PREFIX/lib", "PREFIX/lib64" and "PREFIX/lib/x86_64-linux-gnu".
fs::path prefix_of(const fs::path& folder) {
  const auto is_lib = [](const fs::path& at) { return at.filename().string().starts_with("lib"); };
  const fs::path parent = folder.parent_path();
  return !is_lib(folder) && is_lib(parent) ? parent.parent_path() : parent;
}

Located first_of(auto candidate) {
  Located result;
  for (const fs::path& folder : run_path()) {
    const fs::path place = candidate(folder);
    result.searched.push_back(place);
    std::error_code missing;
    result.path = fs::canonical(place, missing);
    if (!missing) break;
  }
  return result;
}

}  // namespace

std::string Located::searched_text() const {
  std::string text;
  for (const fs::path& place : searched) text += (text.empty() ? "" : ", ") + place.string();
  return text;
}

Located find_shared_data(const std::string& name) {
  return first_of(
      [&](const fs::path& folder) { return prefix_of(folder) / "share" / "orrery" / name; });
}

Located find_module(const std::string& file_name) {
  return first_of([&](const fs::path& folder) { return folder / "orrery" / file_name; });
}

}  // namespace orrery
