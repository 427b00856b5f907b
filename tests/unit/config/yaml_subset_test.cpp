// The quick reader against yaml-cpp: what it takes, it reads alike; what it does not take may be
// anything.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "config/plain_text.hpp"
#include "config/yaml_subset.hpp"

namespace orrery {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<fs::path> yaml_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Everything that a tree says, place by place.
void write(const Node& node, std::string& text) {
  const std::string where = "@" + node.where().text() + " ";
  text += where + std::to_string(static_cast<int>(node.kind())) + (node.quoted() ? "q" : "p");
  text += "<" + node.text() + ">";
  for (const Node& item : node.items()) write(item, text += "- ");
  for (const Node::Entry& entry : node.entries()) {
    write(entry.value, text += "\n" + entry.key + "@" + entry.where.text() + ": ");
  }
  text += ";";
}

std::string written(const Node& node) {
  std::string text;
  write(node, text);
  return text;
}

// What yaml-cpp makes of it; empty for an error.
std::string by_yaml_cpp(const std::string& text) {
  try {
    return written(parse_whole_yaml(text, "f"));
  } catch (const ConfigError&) {
    return "";
  }
}

bool is_plain_text(const std::string& text) {
  try {
    check_plain_text(text, "f");
    return true;
  } catch (const ConfigError&) {
    return false;
  }
}

// Whether the quick reader took it.
bool expect_same(const std::string& text) {
  const std::optional<Node> quick = parse_yaml_subset(text, "f");
  if (quick) {
    EXPECT_EQ(written(*quick), by_yaml_cpp(text)) << text;
  }
  return quick.has_value();
}

TEST(YamlSubset, ReadsEveryFileOfTheRepositoryAsYamlCppDoes) {
  const fs::path root = ORRERY_SOURCE_DIR;
  for (const char* folder : {"configs", "scenarios", "tests/errors"}) {
    int files = 0, taken = 0;
    for (const fs::path& file : yaml_files(root / folder)) {
      const std::string text = text_of(file);
      if (!is_plain_text(text)) continue;
      ++files;
      taken += expect_same(text) ? 1 : 0;
    }
    EXPECT_GT(files, 0) << folder;
    // Bad files are for yaml-cpp's messages; the others should be quick.
    if (std::string(folder) != "tests/errors") {
      EXPECT_GE(taken, files * 95 / 100) << folder;
    }
  }
}

TEST(YamlSubset, TakesWhatTheLibraryIsWrittenIn) {
  for (const char* text :
       {"a: 1\n", "a:\n  b: {c: [1, 2 ms, x y], d: ~}\n  e: 'q'  # comment\n\n# end\n",
        "- a: 1\n  b: 2\n-  c\n", "a:\n- x\n- y: {}\nb: []\n", "value\n", "[1, 2]\n", "-1.5e3\n",
        "a: >-\n  one\n  two\nb: |\n  three\n  four\n\nc: 1\n", "a: {b: 1,\n  c: 2}\n",
        "a:   # comment\n\n  b: x#y\n", "x.y/z-1: \"a: b # c\"\n", "a: -1\nb: .5\nc: 7 - 3\n",
        "a:\n  {b: 1,\n   c: [2]}  # comment\nd: 3\n", "- a:\n    [1, 2]\n  b: 3\n"}) {
    EXPECT_TRUE(expect_same(text)) << text;
  }
}

TEST(YamlSubset, LeavesTheRestToYamlCpp) {
  for (const char* text : {"",
                           "a:\n",
                           "a: b: c\n",
                           "a: 1\na: 2\n",
                           "a: &x 1\n",
                           "a: *x\n",
                           "a: !t 1\n",
                           "<<: 1\n",
                           "a: one\n  two\n",
                           "'a': 1\n",
                           "a: 'it''s'\n",
                           "a: \"\\n\"\n",
                           "---\na: 1\n",
                           "a: 1\n...\n",
                           "a: [1, ]\n",
                           "{a}\n",
                           "[a: 1]\n",
                           "a: >\n\n  b\n",
                           "a: >+\n  b\n",
                           "a: >-\n  b\n    c\n",
                           "a: 1\n  b: 2\n",
                           "a:\n    b: 1\n  c: 2\n",
                           "a:\tb\n",
                           "a: 1",
                           "null: 1\n",
                           "a: {b: 1\n",
                           "\xEF\xBB\xBFx\n",
                           "? a\n",
                           "a: @b\n",
                           "a: ,b\n",
                           "a:\n  {b: 1}: 2\n",
                           "a:\n  [1] 2\n",
                           "a:\n[1]\n"}) {
    EXPECT_FALSE(parse_yaml_subset(text, "f")) << text;
  }
}

// A changed file is often still YAML, and then means something else. Each mutation changes one to
// three characters of a stretch of lines to ones that YAML gives a meaning, drops them or doubles
// them.
TEST(YamlSubset, AgreesWithYamlCppOnMutations) {
  constexpr std::string_view kMeaning = " \n:,-#[]{}'\"&*!|>?%@~x1.";
  std::vector<std::string> texts;
  for (const fs::path& file : yaml_files(fs::path(ORRERY_SOURCE_DIR) / "configs")) {
    texts.push_back(text_of(file).substr(0, 400));
    texts.back().erase(texts.back().rfind('\n') + 1);
  }
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same mutations every time
  const auto below = [&](std::size_t end) { return random() % end; };
  int taken = 0;
  for (int i = 0; i < 8'000; ++i) {
    std::string text = texts[below(texts.size())];
    for (std::size_t change = 0; change <= below(3) && !text.empty(); ++change) {
      const std::size_t at = below(text.size());
      const std::size_t way = below(4);
      if (way == 0) text.erase(at, 1 + below(4));
      if (way == 1) text.insert(at, 1 + below(2), kMeaning[below(kMeaning.size())]);
      if (way == 2) text[at] = kMeaning[below(kMeaning.size())];
      if (way == 3) text.insert(at, text.substr(below(text.size()), 1 + below(12)));
    }
    if (is_plain_text(text) && expect_same(text)) ++taken;
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(taken, 800);  // so that most of what it reads was compared
}

}  // namespace
}  // namespace orrery
