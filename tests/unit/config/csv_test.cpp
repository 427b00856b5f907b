#include "config/csv.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <orrery/error.hpp>

namespace orrery {
namespace {

CsvTable table_of(const std::string& text) {
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "table.csv";
  std::ofstream(file, std::ios::binary) << text;
  CsvTable table = read_csv(file);
  std::filesystem::remove(file);
  return table;
}

TEST(ReadCsv, TakesAByteOrderMarkForNoPartOfTheFirstColumn) {
  const CsvTable table = table_of("\xEF\xBB\xBFname,measured\r\na,1\r\n");
  EXPECT_EQ(table.columns, (std::vector<std::string>{"name", "measured"}));
  EXPECT_EQ(table.rows.front(), (std::vector<std::string>{"a", "1"}));
}

TEST(ReadCsv, ReadsQuotedCommasAndQuotes) {
  const CsvTable table = table_of("a,b\n\"x, \"\"y\"\"\",2\n");
  EXPECT_EQ(table.rows.front(), (std::vector<std::string>{"x, \"y\"", "2"}));
  EXPECT_EQ(table.lines, std::vector<int>{2});
}

std::string problem_of(const std::string& text) {
  try {
    (void)table_of(text);
  } catch (const ConfigError& error) {
    return std::string(error.what()).substr(std::string(error.what()).find("table.csv"));
  }
  return "";
}

TEST(ReadCsv, RefusesColumnsThatCannotBeToldApart) {
  EXPECT_EQ(problem_of("a,b,a\n1,2,3\n"), "table.csv:1:1: two columns are called 'a'");
  EXPECT_EQ(problem_of("a,,c\n1,2,3\n"), "table.csv:1:1: column 2 has no name");
}

TEST(ReadCsv, RefusesAQuoteThatIsNotClosed) {
  EXPECT_EQ(problem_of("a,b\n1,\"2\n"), "table.csv:2:1: a quote is not closed");
}

}  // namespace
}  // namespace orrery
