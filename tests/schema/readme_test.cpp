// The tables in the documentation are those of the schema.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <orrery/builtin.hpp>
#include <orrery/error.hpp>
#include <orrery/schema_tables.hpp>

namespace orrery::schema_test {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = ORRERY_SOURCE_DIR;

std::vector<std::string> documents() {
  return {"configs/README.md", "scenarios/README.md", "models/accelerator/README.md",
          "models/collective/README.md", "models/cooling/README.md"};
}

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class DocumentTest : public testing::TestWithParam<std::string> {};

TEST_P(DocumentTest, TablesAreThoseOfTheSchema) {
  const std::string text = text_of(kRoot / GetParam());
  EXPECT_EQ(with_tables(text, schema_tables(builtin_registry())), text)
      << "run: build/release/orrery schema --fill " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Schema, DocumentTest, testing::ValuesIn(documents()), [](const auto& of) {
  std::string name = of.param;
  std::ranges::replace_if(name, [](char c) { return !std::isalnum(c); }, '_');
  return name;
});

TEST(Documents, EveryTableIsInOne) {
  std::string all;
  for (const std::string& file : documents()) all += text_of(kRoot / file);
  for (const Table& table : schema_tables(builtin_registry())) {
    EXPECT_NE(all.find("<!-- schema " + table.name + " -->"), std::string::npos)
        << table.name << " is in no document";
  }
}

// The table of a newcomer: every file that it names is there, and its first questions are answered.
TEST(Documents, WhereIsWhatNamesFilesThatThereAre) {
  const std::string text = text_of(kRoot / "sim/README.md");
  const std::size_t begin = text.find("## Where is what");
  ASSERT_NE(begin, std::string::npos);
  const std::string table = text.substr(begin, text.find("\n## ", begin + 1) - begin);
  std::size_t files = 0;
  for (std::size_t open = table.find('`'); open != std::string::npos;) {
    const std::size_t close = table.find('`', open + 1);
    const std::string file = table.substr(open + 1, close - open - 1);
    EXPECT_TRUE(fs::is_regular_file(kRoot / file)) << file;
    ++files;
    open = table.find('`', close + 1);
  }
  EXPECT_GT(files, 30U);
  for (const char* topic : {"| HBM", "| power cap", "| checkpoint", "| contention", "| fat tree"}) {
    EXPECT_NE(table.find(topic), std::string::npos) << topic;
  }
}

TEST(Documents, MarkersAreReplacedAndMistakesNamed) {
  const std::vector<Table> tables = {
      {.name = "chip",
       .fields = {
           {.key = "rate", .kind = Field::Kind::Ratio, .low = 0, .high = 1, .doc = "of it"}}}};
  const std::string filled = with_tables("a <!-- schema chip --> old <!-- end --> b", tables);
  EXPECT_EQ(filled,
            "a <!-- schema chip -->\n\n"
            "| key | type | range | default | meaning |\n|---|---|---|---|---|\n"
            "| `rate` | ratio | 0 to 1 | required | of it |\n\n<!-- end --> b");
  EXPECT_EQ(with_tables(filled, tables), filled);
  EXPECT_THROW(with_tables("<!-- schema chp --> <!-- end -->", tables), ConfigError);
  EXPECT_THROW(with_tables("<!-- schema chip --> no end", tables), ConfigError);
}

}  // namespace
}  // namespace orrery::schema_test
