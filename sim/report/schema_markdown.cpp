// Tables of fields for people.
#include <algorithm>

#include <fmt/format.h>

#include <orrery/error.hpp>
#include <orrery/field.hpp>

namespace orrery {
namespace {

constexpr const char* kNone = "–";

std::string default_of(const Field& field) {
  if (field.required) return "required";
  return field.fallback.empty() ? kNone : field.fallback;
}

std::string meaning_of(const Field& field) {
  return field.when.empty() ? field.doc : fmt::format("with {}: {}", field.when, field.doc);
}

std::string type_cell(const Field& field) {
  const char* const map = field.list ? "list of maps" : "map";
  return field.entry.empty() ? type_of(field) : fmt::format("{}: {}", map, field.entry);
}

void add_rows(const std::vector<Field>& fields, const std::string& above, std::string& text) {
  for (const Field& field : fields) {
    const std::string key = above + field.key;
    text += fmt::format("| `{}` | {} | {} | {} | {} |\n", key, type_cell(field), range_of(field),
                        default_of(field), meaning_of(field));
    if (!field.entry.empty()) continue;
    add_rows(field.fields, key + (field.list ? "[]." : "."), text);
  }
}

const Table& table_named(const std::string& name, const std::vector<Table>& tables) {
  const auto found = std::ranges::find(tables, name, &Table::name);
  if (found != tables.end()) return *found;
  throw ConfigError(fmt::format("no table of fields '{}' to put between markers", name));
}

}  // namespace

std::string to_markdown(const Table& table) {
  std::string text = "| key | type | range | default | meaning |\n|---|---|---|---|---|\n";
  add_rows(table.fields, "", text);
  return text;
}

std::string with_tables(const std::string& text, const std::vector<Table>& tables) {
  const std::string open = "<!-- schema ", close = " -->", end = "<!-- end -->";
  std::string result;
  std::size_t at = 0;
  for (std::size_t start = 0; (start = text.find(open, at)) != std::string::npos;) {
    const std::size_t name_at = start + open.size();
    const std::size_t name_end = text.find(close, name_at);
    const std::size_t stop = text.find(end, name_at);
    if (stop == std::string::npos || name_end > stop) {
      throw ConfigError(fmt::format("'{}' without '{}'", open, end));
    }
    const std::string name = text.substr(name_at, name_end - name_at);
    result += text.substr(at, name_end + close.size() - at) + "\n\n";
    result += to_markdown(table_named(name, tables)) + "\n" + end;
    at = stop + end.size();
  }
  return result + text.substr(at);
}

}  // namespace orrery
