#include "config/csv.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

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

}  // namespace
}  // namespace orrery
