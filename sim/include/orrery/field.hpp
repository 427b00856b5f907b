#pragma once
/// What an entry may say, as plain data: a Table of Fields, one for each key. Schema
/// (orrery/schema.hpp) reads by it; the tables of the documentation are written from it.

#include <limits>
#include <string>
#include <vector>

#include <orrery/quantity.hpp>

namespace orrery {

/// One key of a map.
struct Field {
  enum class Kind {
    Quantity,     ///< a number with a unit of `dimension`
    Temperature,  ///< an absolute one, such as "25 degC"
    Count,        ///< a whole number
    Ratio,        ///< a bare number
    Switch,       ///< true or false
    Choice,       ///< one of `choices`
    Text,
    Map,   ///< of `fields`
    Names  ///< a map whose keys are names that the user chooses
  };
  static constexpr double kUnbounded = std::numeric_limits<double>::infinity();

  std::string key;
  Kind kind = Kind::Text;
  bool list = false;         ///< a sequence of values of `kind`
  Dimension dimension = {};  ///< of a quantity
  /// Range of a number, in SI units where it has one, ends included.
  double low = -kUnbounded;
  double high = kUnbounded;
  bool above_low = false;  ///< `low` itself is excluded
  bool required = true;
  /// What an absent key means: a value as YAML would have it, or where it comes from. Empty: the
  /// thing described is absent, too.
  std::string fallback = {};
  std::string when = {};  ///< the key exists only then: "kind: mla"; empty: always
  std::vector<std::string> choices = {};
  std::string doc = {};            ///< one line of Markdown: what it is
  std::vector<Field> fields = {};  ///< of a map, or of each map of a list
  /// The map is an entry that other files hold and that is documented by itself: "software".
  std::string entry = {};

  [[nodiscard]] bool number() const {
    return kind == Kind::Quantity || kind == Kind::Temperature || kind == Kind::Count ||
           kind == Kind::Ratio;
  }
};

/// What one kind of map may hold. Every map may also have `source` and `notes`, for people.
struct Table {
  std::string name;                ///< "gpu.tiled", "software"
  std::vector<Field> fields = {};  ///< in the order of the documentation
};

/// `table`, then every entry below it that is documented by itself, in the order met.
std::vector<Table> with_entries(const Table& table);

/// Keys that every map may have and nobody reads.
const std::vector<std::string>& prose_keys();

/// "bandwidth in GB/s", "count", "ratio", "list of counts", "ring, tree, auto": the type in words.
std::string type_of(const Field& field);
/// "> 0", "0.01 to 1", "at least 1"; empty where there is no bound worth saying.
std::string range_of(const Field& field);
/// A value in SI units as a file would have it, in the unit that makes it shortest: "40 us".
std::string in_shortest_unit(double si, Dimension dimension);

/// The table in Markdown: a line for each key, nested maps flattened to dotted keys.
std::string to_markdown(const Table& table);
/// `text` with what stands between each `<!-- schema NAME -->` and `<!-- end -->` replaced by the
/// table of that name. @throws ConfigError for a name without a table or a marker without an end.
std::string with_tables(const std::string& text, const std::vector<Table>& tables);

}  // namespace orrery
