#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <orrery/node.hpp>

namespace orrery {
namespace {

using Messages = std::vector<std::string>;

Messages errors_of(const std::string& text) {
  try {
    parse_yaml(text, "f.yaml");
  } catch (const ConfigError& error) {
    return error.messages();
  }
  return {};
}

void expect_error(const std::string& text, const std::string& start) {
  const Messages errors = errors_of(text);
  ASSERT_FALSE(errors.empty()) << text.substr(0, 80);
  EXPECT_EQ(errors.front().substr(0, start.size()), start);
}

TEST(Yaml, CountsLinesAndColumnsFromOne) {
  const Node tree = parse_yaml("a: 1\nb:\n  c: two\n", "f.yaml");
  EXPECT_EQ(tree.find("a")->where().text(), "f.yaml:1:4");
  EXPECT_EQ(tree.entries()[1].where.text(), "f.yaml:2:1");
  EXPECT_EQ(tree.find("b")->find("c")->where().text(), "f.yaml:3:6");
}

TEST(Yaml, TellsQuotedTextFromPlainText) {
  const Node tree = parse_yaml("a: '8'\nb: 8\nc: \"null\"\nd: !!str 8\n", "f");
  EXPECT_TRUE(tree.find("a")->quoted());
  EXPECT_FALSE(tree.find("b")->quoted());
  EXPECT_EQ(tree.find("c")->kind(), Node::Kind::Scalar);
  EXPECT_TRUE(tree.find("d")->quoted());
}

TEST(Yaml, ReadsNothingTildeAndNullAsNull) {
  const Node tree = parse_yaml("a:\nb: ~\nc: null\n", "f");
  for (const Node::Entry& entry : tree.entries()) {
    EXPECT_EQ(entry.value.kind(), Node::Kind::Null) << entry.key;
  }
}

TEST(Yaml, KeepsOldBooleansAsText) {
  EXPECT_EQ(parse_yaml("a: [no, off, 010]", "f").find("a")->items()[0].text(), "no");
}

TEST(Yaml, ReportsEveryDuplicateKeyWithBothPlaces) {
  EXPECT_EQ(errors_of("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n"),
            (Messages{"f.yaml:3:1: duplicate key 'a'; first at line 1",
                      "f.yaml:4:11: duplicate key 'd'; first at line 4"}));
}

TEST(Yaml, AllowsTheSameKeyInDifferentMaps) {
  EXPECT_TRUE(errors_of("a: {x: 1}\nb: {x: 2}\n").empty());
}

TEST(Yaml, RejectsMergeKeysButNotQuotedOnes) {
  expect_error("a: &a {x: 1}\nb:\n  <<: *a\n", "f.yaml:3:3: merge key '<<' is not supported");
  EXPECT_TRUE(errors_of("'<<': 1").empty());
}

TEST(Yaml, RejectsASecondDocument) {
  expect_error("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document");
  EXPECT_TRUE(errors_of("---\na: 1\n...\n").empty());
}

TEST(Yaml, SharesAliasedNodes) {
  const Node tree = parse_yaml("a: &x {k: 1}\nb: *x\n", "f");
  EXPECT_EQ(tree.find("b")->find("k")->text(), "1");
  EXPECT_EQ(tree.find("b")->where().line, 1);
}

TEST(Yaml, RejectsAnAliasToANodeThatContainsIt) {
  expect_error("a: &x\n  b: *x\n", "f.yaml:2:6: an alias in a cycle");
  expect_error("&x [*x]", "f.yaml:1:5: an alias in a cycle");
}

TEST(Yaml, RejectsAnUnknownAliasAndTag) {
  expect_error("a: *nowhere\n", "f.yaml:1:4: not valid YAML: the referenced anchor is not defined");
  expect_error("a: !gpu {x: 1}\n", "f.yaml:1:4: unknown tag");
}

TEST(Yaml, RejectsAnAliasBomb) {
  std::string text = "a0: &a0 x\n";
  for (int i = 1; i < 30; ++i) {  // 2^29 nodes
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            ", *a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_NE(errors_of(text).at(0).find("too large"), std::string::npos);
}

TEST(Yaml, AcceptsSixtyFourLevelsAndRejectsMore) {
  const auto nested = [](int levels) {  // the innermost value is a level as well
    const auto brackets = static_cast<std::size_t>(levels - 1);
    return std::string(brackets, '[') + "x" + std::string(brackets, ']');
  };
  EXPECT_TRUE(errors_of(nested(64)).empty());
  EXPECT_NE(errors_of(nested(65)).at(0).find("nested too deeply"), std::string::npos);
  EXPECT_NE(errors_of(nested(20'000)).at(0).find("nested too deeply"), std::string::npos);
}

TEST(Yaml, RejectsBinaryContentWhereItStarts) {
  expect_error(std::string("a: 1\nb: \0", 9),
               "f.yaml:2:4: not a text file; expected YAML in UTF-8");
  expect_error("a: \xff\xfe", "f.yaml:1:4: not a text file");
  expect_error("a: \xc0\xaf", "f.yaml:1:4: not a text file");      // overlong '/'
  expect_error("a: \xed\xa0\x80", "f.yaml:1:4: not a text file");  // surrogate
  expect_error("a: 1\n\x04garbage: [", "f.yaml:2:1: not a text file");
}

TEST(Yaml, AcceptsUnicodeAByteOrderMarkAndCrLf) {
  EXPECT_EQ(parse_yaml("\xef\xbb\xbf"
                       "a: 25 \xc2\xb0\r\nb: 2\r\n",
                       "f")
                .find("a")
                ->text(),
            "25 \xc2\xb0");
}

TEST(Yaml, PlacesSyntaxErrors) {
  expect_error("a: [1, 2\n", "f.yaml:2:1: not valid YAML: end of sequence flow not found");
  expect_error("a: b: c\n", "f.yaml:1:5: not valid YAML: illegal map value");
  expect_error("a: 1\nb:2\nc: 3\n", "f.yaml:");
}

TEST(Yaml, RejectsKeysThatAreNoNames) {
  expect_error("? [a, b]\n: 1\n", "f.yaml:1:3: a map or sequence as a key; expected a name");
  expect_error("~: 1\n", "f.yaml:1:1: a key without a name");
}

class YamlFile : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(::testing::TempDir()) / (std::string("yaml_") + test->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  static std::string error_of(const std::filesystem::path& file) {
    try {
      load_yaml(file);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no error";
  }

  std::filesystem::path folder_;
};

TEST_F(YamlFile, IsLoadedWithItsPathInEveryPlace) {
  const auto file = write("a.yaml", "x: 1\n");
  EXPECT_EQ(load_yaml(file).find("x")->where().file, file.string());
}

TEST_F(YamlFile, SuggestsANeighbourWhenMissing) {
  write("server.yaml", "x: 1\n");
  const auto file = folder_ / "sever.yaml";
  EXPECT_EQ(error_of(file), file.string() +
                                ": file not found; expected a YAML file; check the path"
                                "; did you mean 'server.yaml'?");
}

TEST_F(YamlFile, RejectsADirectory) {
  EXPECT_EQ(error_of(folder_),
            folder_.string() + ": is a directory; expected a YAML file; name a file in it");
}

TEST_F(YamlFile, RejectsEmptyAndCommentOnlyFiles) {
  for (const char* text : {"", "\n \n", "# only words\n", "---\n"}) {
    const auto file = write("empty.yaml", text);
    EXPECT_EQ(error_of(file).find(file.string() + ": file is empty"), 0U) << text;
  }
}

}  // namespace
}  // namespace orrery
