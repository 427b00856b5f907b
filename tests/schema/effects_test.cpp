// Every key of every table is documented and changes something.
#include <algorithm>

#include <gtest/gtest.h>

#include <orrery/builtin.hpp>
#include <orrery/schema.hpp>
#include <orrery/schema_tables.hpp>
#include <orrery/sdk/single_pass.hpp>

#include "schema/effects.hpp"

namespace orrery::schema_test {
namespace {

const std::string kHere = std::string(ORRERY_SOURCE_DIR) + "/tests/schema/";

Library library() { return Library({std::string(ORRERY_SOURCE_DIR) + "/configs"}); }

// Of all tests of this process: what the probes give is found once.
Effects& builtin_effects() {
  static Effects effects(builtin_registry(), read_probes(kHere + "probes.yaml", library()));
  return effects;
}

// Suites are no scenarios: suite_keys_test.cpp.
std::vector<std::string> tables_of_scenarios() {
  std::vector<std::string> names;
  for (const Table& table : schema_tables(builtin_registry())) {
    if (table.name != "validation") names.push_back(table.name);
  }
  std::ranges::sort(names);
  return names;
}

class TableTest : public testing::TestWithParam<std::string> {};

TEST_P(TableTest, EveryKeyHasAnEffect) {
  for (const std::string& key : builtin_effects().without_effect(GetParam())) {
    ADD_FAILURE() << key;
  }
}

INSTANTIATE_TEST_SUITE_P(Schema, TableTest, testing::ValuesIn(tables_of_scenarios()),
                         [](const auto& of) {
                           std::string name = of.param;
                           std::ranges::replace_if(
                               name, [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

TEST(SchemaEffects, ProbesGiveResults) {
  EXPECT_EQ(builtin_effects().probes_without_result(), std::vector<std::string>{});
}

TEST(SchemaEffects, ExemptKeysHaveNone) {
  EXPECT_EQ(builtin_effects().wrongly_exempt(), std::vector<std::string>{});
}

void expect_documented(const std::string& where, const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    const std::string key = where + field.key;
    EXPECT_FALSE(field.doc.empty()) << key << " has no words";
    EXPECT_EQ(field.doc.find_first_of("|\n"), std::string::npos) << key << ": one cell of a table";
    EXPECT_EQ(field.kind == Field::Kind::Choice, !field.choices.empty()) << key;
    expect_documented(key + ".", field.fields);
  }
}

TEST(SchemaTables, EveryKeyIsDocumented) {
  const std::vector<Table> tables = schema_tables(builtin_registry());
  EXPECT_GT(tables.size(), 30U);
  for (const Table& table : tables) expect_documented(table.name + ".", table.fields);
}

// A model with keys that do nothing: one that is read and dropped, and one below a map.
struct PlantedPart {
  double used = 1;
  double unused = 1;
};
struct PlantedKeys {
  int rows = 1024;
  bool useless = false;
  PlantedPart part;
};

const Schema<PlantedPart>& part_schema() {
  using namespace schema;
  using P = PlantedPart;
  static const Schema<P> result(
      "part", {optional("used", &P::used, at_least(1), "columns are multiplied by it"),
               optional("unused", &P::unused, at_least(1), "nothing is")});
  return result;
}

const Schema<PlantedKeys>& planted_schema() {
  using namespace schema;
  using K = PlantedKeys;
  static const Schema<K> result("planted",
                                {optional("rows", &K::rows, whole(), "of the product"),
                                 optional("useless", &K::useless, "nobody looks at it"),
                                 optional("part", &K::part, &part_schema(), "more of it")});
  return result;
}

class Planted final : public Workload {
 public:
  explicit Planted(const PlantedKeys& keys)
      : product_{.m = static_cast<double>(keys.rows), .n = 1024 * keys.part.used, .k = 1024} {}
  JobLayout layout(const Platform&) const override { return {}; }

 protected:
  LoweredWorkload build(const FoldedJob& job, const LowerOptions&) const override {
    LoweredWorkload lowered;
    add_single_pass(job, lowered.outline, [this](Sequence& sequence, int) {
      sequence.compute({{.name = "product", .shape = product_}});
    });
    return lowered;
  }

 private:
  Gemm product_;
};

TEST(SchemaEffects, PlantedKeysWithoutEffectAreFound) {
  Registry registry = builtin_registry();
  registry.workloads.add(
      "planted",
      [](Reader& reader) -> std::unique_ptr<const Workload> {
        reader.ignore("kind");
        return std::make_unique<Planted>(planted_schema().read(reader));
      },
      []() -> const Table& { return planted_schema().table(); });
  Effects effects(registry, read_probes(kHere + "planted.yaml", library()));
  std::vector<std::string> found;
  for (const std::string& key : effects.without_effect("planted")) {
    found.push_back(key.substr(0, key.find('\n')));
  }
  EXPECT_EQ(found, (std::vector<std::string>{"planted.useless", "planted.part.unused"}));
  EXPECT_EQ(effects.wrongly_exempt(),
            (std::vector<std::string>{"planted.no_key is no key", "planted.rows has an effect"}));
}

}  // namespace
}  // namespace orrery::schema_test
