#include <orrery/schema.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace orrery {
namespace {

using Messages = std::vector<std::string>;

enum class Shape { Ring, Tree };

struct Fan {
  int count = 0;
  Watts power{};
};

struct Box {
  std::string name = "box";
  BytesPerSecond rate{};
  Seconds latency{microseconds(4)};
  Temperature inlet = Temperature::celsius(25);
  int ports = 2;
  double share = 0.5;
  bool open = false;
  Shape shape = Shape::Ring;
  std::optional<Watts> limit;
  std::vector<int> rows;
  std::vector<Fan> fans;
  std::optional<Fan> pump;
  Node part;
  int branches = 0;
};

const Schema<Fan>& fan_schema() {
  using namespace schema;
  static const Schema<Fan> result("fan", {required("count", &Fan::count, whole(), "of them"),
                                          optional("power", &Fan::power, positive, "of one")});
  return result;
}

void check_box(Reader& reader, const Box& box) {
  if (reader.has("hand")) return;  // no key: see KeysReadByHandAreUnknown
  (void)reader.raw("hand");
  if (box.ports == 13) reader.error("ports", "ports: 13 is unlucky");
}

const Schema<Box>& box_schema() {
  using namespace schema;
  using B = Box;
  static const Schema<B> result(
      "box",
      {optional("name", &B::name, "in reports"),
       required("rate", &B::rate, positive, "in each direction"),
       optional("latency", &B::latency, "of one"), optional("inlet", &B::inlet, "of the air"),
       optional("ports", &B::ports, whole(2, 64), "for cables"),
       optional("share", &B::share, between(0.1, 1), "of it"),
       optional("open", &B::open, "without a lid"),
       optional("shape", &B::shape, Choices<Shape>{{"ring", Shape::Ring}, {"tree", Shape::Tree}},
                "of the network"),
       when(
           "shape: tree", [](const B& box) { return box.shape == Shape::Tree; },
           required("branches", &B::branches, whole(), "of a node")),
       otherwise("the device's", optional("limit", &B::limit, positive, "of power")),
       optional("rows", &B::rows, whole(), "of devices"),
       optional("fans", &B::fans, &fan_schema(), "in its back"),
       entry("pumps", optional("pump", &B::pump, &fan_schema(), "of the loop")),
       optional("part", &B::part, "read by somebody else")},
      check_box);
  return result;
}

struct Outcome {
  Box box;
  Messages errors;
};

Outcome read(const std::string& text) {
  Diagnostics diagnostics;
  Reader reader(parse_yaml(text, "f"), "box", diagnostics);
  Outcome outcome{.box = box_schema().read(reader), .errors = {}};
  try {
    diagnostics.throw_if_any();
  } catch (const ConfigError& error) {
    outcome.errors = error.messages();
  }
  return outcome;
}

TEST(Schema, ReadsEveryKindOfValue) {
  const Outcome outcome = read(
      "{name: mine, rate: 50 GB/s, latency: 2 us, inlet: 30 degC, ports: 8, share: 0.25, open: "
      "true, "
      "shape: tree, branches: 3, limit: 700 W, rows: [4, 4], fans: [{count: 2}, {count: 3, power: "
      "9 W}], "
      "pump: {count: 1}, part: {anything: 1}}");
  EXPECT_EQ(outcome.errors, Messages{});
  const Box& box = outcome.box;
  EXPECT_EQ(box.name, "mine");
  EXPECT_EQ(box.rate, BytesPerSecond(50e9));
  EXPECT_EQ(box.latency, microseconds(2));
  EXPECT_DOUBLE_EQ(box.inlet.kelvin(), 303.15);
  EXPECT_EQ(box.ports, 8);
  EXPECT_EQ(box.share, 0.25);
  EXPECT_TRUE(box.open);
  EXPECT_EQ(box.shape, Shape::Tree);
  EXPECT_EQ(box.branches, 3);
  EXPECT_EQ(box.limit, Watts(700));
  EXPECT_EQ(box.rows, (std::vector<int>{4, 4}));
  ASSERT_EQ(box.fans.size(), 2U);
  EXPECT_EQ(box.fans[1].power, Watts(9));
  ASSERT_TRUE(box.pump);
  EXPECT_EQ(box.pump->count, 1);
  EXPECT_NE(box.part.find("anything"), nullptr);
}

TEST(Schema, AbsentKeysKeepWhatTheMemberHolds) {
  const Outcome outcome = read("{rate: 1 GB/s}");
  EXPECT_EQ(outcome.errors, Messages{});
  EXPECT_EQ(outcome.box.latency, microseconds(4));
  EXPECT_EQ(outcome.box.ports, 2);
  EXPECT_FALSE(outcome.box.limit);
  EXPECT_FALSE(outcome.box.pump);
}

TEST(Schema, AKeyWithoutValueIsAbsent) {
  EXPECT_EQ(read("{rate: 1 GB/s, ports: ~, pump: ~}").errors, Messages{});
  EXPECT_EQ(read("{rate: ~}").errors, Messages{"f:1:8: missing value of 'rate' in box"});
}

TEST(Schema, MissingKeysAreNamed) {
  EXPECT_EQ(read("{shape: tree}").errors,
            (Messages{"f:1:1: missing key 'rate' in box", "f:1:1: missing key 'branches' in box"}));
}

TEST(Schema, RangesUnitsAndChoicesAreChecked) {
  const auto errors = [](const std::string& more) { return read("{rate: 1 GB/s, " + more).errors; };
  EXPECT_EQ(
      read("{rate: 0 GB/s}").errors,
      Messages{"f:1:8: rate: must be greater than zero; expected a bandwidth such as '50 GB/s'; "
               "got '0 GB/s'"});
  EXPECT_EQ(errors("latency: 3 GB}"),
            Messages{"f:1:25: latency: expected a time such as '5 us'; got '3 GB'"});
  EXPECT_EQ(errors("ports: 1}"),
            Messages{"f:1:23: ports: expected an integer of at least 2; got '1'"});
  EXPECT_EQ(errors("ports: 65}"), Messages{"f:1:23: ports: expected at most 64; got 65"});
  EXPECT_EQ(errors("share: 2}"),
            Messages{"f:1:23: share: expected a number between 0.1 and 1 without a unit; got '2'"});
  EXPECT_EQ(errors("open: yes}"), Messages{"f:1:22: open: expected true or false; got 'yes'"});
  EXPECT_EQ(
      errors("shape: rings}"),
      Messages{"f:1:23: shape: expected one of ring, tree; got 'rings'; did you mean 'ring'?"});
  EXPECT_EQ(errors("fans: {count: 1}}"),
            Messages{"f:1:22: fans: expected a sequence of maps; got a map"});
  EXPECT_EQ(errors("fans: [{count: 0}]}"),
            Messages{"f:1:31: count: expected an integer of at least 1; got '0'"});
}

TEST(Schema, UnknownKeysAreReportedWithASuggestion) {
  EXPECT_EQ(read("{rate: 1 GB/s, prots: 2}").errors,
            Messages{"f:1:16: unknown key 'prots' in box; did you mean 'ports'?"});
  EXPECT_EQ(read("{rate: 1 GB/s, pump: {count: 1, colour: red}}").errors,
            Messages{"f:1:33: unknown key 'colour' in pump; expected one of count, power, source, "
                     "notes"});
}

TEST(Schema, AKeyOfAnotherCaseIsUnknown) {
  EXPECT_EQ(read("{rate: 1 GB/s, branches: 3}").errors.size(), 1U);
}

TEST(Schema, AKeyOfAnotherCaseCanBeTakenBack) {
  EXPECT_EQ(read("{rate: 1 GB/s, branches: ~}").errors, Messages{});
  EXPECT_EQ(read("{rate: 1 GB/s, branch: ~}").errors.size(), 1U);
}

TEST(Schema, KeysReadByHandAreUnknown) {
  EXPECT_EQ(read("{rate: 1 GB/s, hand: 3}").errors.size(), 1U);
}

TEST(Schema, ProseIsAllowedInEveryMap) {
  EXPECT_EQ(read("{source: a, notes: b, rate: 1 GB/s, pump: {count: 1, source: c, notes: d}, fans: "
                 "[{count: 1, source: e}]}")
                .errors,
            Messages{});
}

TEST(Schema, ChecksComeLast) {
  EXPECT_EQ(read("{rate: 1 GB/s, ports: 13}").errors, Messages{"f:1:23: ports: 13 is unlucky"});
}

TEST(Schema, DescribesItsKeys) {
  const std::string text = to_markdown(box_schema().table());
  const auto has = [&text](const std::string& line) {
    EXPECT_NE(text.find(line + "\n"), std::string::npos) << line << "\nin\n" << text;
  };
  has("| key | type | range | default | meaning |");
  has("| `name` | text |  | box | in reports |");
  has("| `rate` | bandwidth in GB/s | > 0 | required | in each direction |");
  has("| `latency` | time in us |  | 4 us | of one |");
  has("| `inlet` | temperature in degC |  | 25.0 degC | of the air |");
  has("| `ports` | count | 2 to 64 | 2 | for cables |");
  has("| `share` | ratio | 0.1 to 1 | 0.5 | of it |");
  has("| `open` | boolean |  | false | without a lid |");
  has("| `shape` | ring, tree |  | ring | of the network |");
  has("| `branches` | count | at least 1 | required | with shape: tree: of a node |");
  has("| `limit` | power in W | > 0 | the device's | of power |");
  has("| `rows` | list of counts | at least 1 | – | of devices |");
  has("| `fans` | list of maps |  | – | in its back |");
  has("| `fans[].count` | count | at least 1 | required | of them |");
  has("| `pump` | map: pumps |  | – | of the loop |");
  EXPECT_EQ(text.find("`pump.count`"), std::string::npos) << "an entry has a table of its own";
}

TEST(Schema, EntriesHaveTablesOfTheirOwn) {
  const std::vector<Table> tables = with_entries(box_schema().table());
  ASSERT_EQ(tables.size(), 2U);
  EXPECT_EQ(tables[1].name, "pumps");
  ASSERT_EQ(tables[1].fields.size(), 2U);
  EXPECT_EQ(tables[1].fields[0].key, "count");
}

}  // namespace
}  // namespace orrery
