#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <orrery/node.hpp>

#include "config/sha256.hpp"

namespace orrery {
namespace {

namespace fs = std::filesystem;
using Messages = std::vector<std::string>;

class LibraryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / (std::string("library_") + test->name());
    write("gpus/h100", "name: H100\nmemory: {size: 80 GB, rate: 3 TB/s}\n");
    write("gpus/b200", "name: B200\nmemory: {size: 180 GB}\n");
    write("servers/dgx", "gpu: {use: gpus/h100}\ncount: 8\n");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string write(const std::string& entry, const std::string& text) const {
    const fs::path file = folder_ / (entry + ".yaml");
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file.string();
  }
  Node resolve(const std::string& text) const { return library().resolve(parse_yaml(text, "f")); }
  Messages errors_of(const std::string& text) const {
    try {
      resolve(text);
    } catch (const ConfigError& error) {
      return error.messages();
    }
    return {};
  }
  Library library() const { return Library({folder_}); }

  fs::path folder_;
};

TEST_F(LibraryTest, PutsTheEntryInPlaceOfUse) {
  const Node tree = resolve("a: [{use: gpus/h100}]");
  const Node& gpu = tree.find("a")->items()[0];
  EXPECT_EQ(gpu.find("use"), nullptr);
  EXPECT_EQ(gpu.find("name")->text(), "H100");
  EXPECT_EQ(gpu.find("name")->where().file, (folder_ / "gpus/h100.yaml").string());
}

TEST_F(LibraryTest, LaysTheKeysBesideUseOverTheEntry) {
  const Node tree = resolve("{memory: {size: 94 GB}, use: gpus/h100}");
  EXPECT_EQ(tree.find("memory")->find("size")->text(), "94 GB");
  EXPECT_EQ(tree.find("memory")->find("size")->where().file, "f");
  EXPECT_EQ(tree.find("memory")->find("rate")->text(), "3 TB/s");
}

TEST_F(LibraryTest, ResolvesUsesInsideEntriesAndEntriesOfEntries) {
  write("servers/hgx", "{use: servers/dgx, count: 4}");
  const Node tree = resolve("use: servers/hgx");
  EXPECT_EQ(tree.find("count")->text(), "4");
  EXPECT_EQ(tree.find("gpu")->find("name")->text(), "H100");
}

TEST_F(LibraryTest, SwapsANestedEntryWhenItsUseIsOverridden) {
  const Node tree = resolve("{use: servers/dgx, gpu: {use: gpus/b200}}");
  EXPECT_EQ(tree.find("gpu")->find("name")->text(), "B200");
  EXPECT_EQ(tree.find("gpu")->find("memory")->find("rate"), nullptr);  // nothing of the H100 stays
}

TEST_F(LibraryTest, AllowsAScenarioToUseAnEntryBelowItself) {
  EXPECT_TRUE(errors_of("{use: servers/dgx, spare: {use: servers/dgx}}").empty());
}

TEST_F(LibraryTest, NamesTheChainOfACycle) {
  write("racks/a", "rack: {use: racks/b}\n");
  const std::string b = write("racks/b", "use: racks/a\n");
  EXPECT_EQ(errors_of("use: racks/a"),
            Messages{b + ":1:6: library entries use each other in a cycle: "
                         "racks/a -> racks/b -> racks/a"});
  write("racks/self", "use: racks/self\n");
  EXPECT_EQ(errors_of("x: {use: racks/self}").size(), 1U);
}

TEST_F(LibraryTest, ReportsEveryUnknownEntryWithSuggestionsAndFolders) {
  const std::string searched = "; searched in " + folder_.string();
  EXPECT_EQ(
      errors_of("a: {use: gpus/h10}\nb: {use: gpus/mi300x}\n"),
      (Messages{
          "f:1:10: unknown library entry 'gpus/h10'" + searched + "; did you mean 'gpus/h100'?",
          "f:2:10: unknown library entry 'gpus/mi300x'" + searched +
              "; expected one of gpus/b200, gpus/h100; --library DIR names another folder, such "
              "as CHECKOUT/configs"}));
}

TEST_F(LibraryTest, RejectsAUseThatNamesNoEntry) {
  for (const char* use : {"[gpus/h100]", "{a: 1}", "~", "h100", "/gpus/h100", "gpus/../gpus/h100",
                          "gpus/h100.yaml", "gpus/", "''"}) {
    const Messages errors = errors_of(std::string("use: ") + use);
    ASSERT_EQ(errors.size(), 1U) << use;
    EXPECT_EQ(errors[0].find("f:1:6: "), 0U) << errors[0];
  }
}

TEST_F(LibraryTest, RejectsAnEntryThatIsNoMap) {
  const std::string file = write("gpus/list", "[1, 2]");
  ASSERT_EQ(errors_of("use: gpus/list").size(), 1U);
  EXPECT_EQ(errors_of("use: gpus/list")[0].find(file + ":1:1: "), 0U);
}

TEST_F(LibraryTest, PrefersTheFirstFolder) {
  const fs::path second = folder_ / "second";
  fs::create_directories(second / "gpus");
  std::ofstream(second / "gpus" / "h100.yaml") << "name: other\n";
  std::ofstream(second / "gpus" / "v100.yaml") << "name: V100\n";
  const Library both({folder_, second});
  EXPECT_EQ(both.file_of("gpus/h100", {}), folder_ / "gpus/h100.yaml");
  EXPECT_EQ(both.file_of("gpus/v100", {}), second / "gpus/v100.yaml");
  const Messages names = both.entries();
  EXPECT_EQ(std::ranges::count(names, "gpus/h100"), 1);
  EXPECT_TRUE(std::ranges::is_sorted(names));
}

TEST_F(LibraryTest, RecordsTheFilesReadOnce) {
  std::vector<InputFile> files;
  const Library lib = library();
  static_cast<void>(lib.resolve(parse_yaml("[{use: servers/dgx}, {use: gpus/h100}]", "f"), files));
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].path, (folder_ / "gpus/h100.yaml").string());
  EXPECT_EQ(files[1].path, (folder_ / "servers/dgx.yaml").string());
  EXPECT_EQ(files[1].sha256, sha256_of("gpu: {use: gpus/h100}\ncount: 8\n"));
  files.clear();
  static_cast<void>(lib.resolve(parse_yaml("{use: gpus/b200}", "f"), files));  // of this call alone
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].path, (folder_ / "gpus/b200.yaml").string());
}

TEST_F(LibraryTest, ReadsAnEntryOnceInItsLife) {
  const Library lib = library(), copy = lib;
  const auto name = [](const Library& of) {
    return of.resolve(parse_yaml("use: gpus/h100", "f")).find("name")->text();
  };
  EXPECT_EQ(name(lib), "H100");
  write("gpus/h100", "name: changed\n");
  EXPECT_EQ(name(lib), "H100");
  EXPECT_EQ(name(copy), "H100");
  EXPECT_EQ(name(library()), "changed");
}

TEST_F(LibraryTest, GivesSeveralThreadsTheSame) {
  const Library lib = library();
  std::vector<std::string> names(8);
  std::vector<std::thread> threads;
  for (std::string& name : names) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        name = lib.resolve(parse_yaml("use: servers/dgx", "f")).find("gpu")->find("name")->text();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(names, std::vector<std::string>(8, "H100"));
}

TEST_F(LibraryTest, ReadsNothingFromFoldersThatDoNotExist) {
  EXPECT_TRUE(Library({folder_ / "none"}).entries().empty());
}

TEST_F(LibraryTest, LeavesATreeWithoutUsesAsItIs) {
  const Node tree = resolve("{a: [1, {b: ~}], c: text}");
  EXPECT_EQ(tree.find("a")->items()[1].find("b")->kind(), Node::Kind::Null);
  EXPECT_EQ(tree.find("c")->where().text(), "f:1:21");
}

}  // namespace
}  // namespace orrery
