#include <orrery/telemetry.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <orrery/error.hpp>

#include "config/csv.hpp"

namespace orrery {
namespace {

namespace fs = std::filesystem;

const TimeSeries kSeries = {.columns = {"time_s", "power_w"},
                            .rows = {{0, 700}, {1.5, 1.0 / 3.0}, {86400, 1e-12}}};

TEST(WriteCsv, WritesWhatCanBeReadBack) {
  const fs::path file = fs::path(testing::TempDir()) / "series.csv";
  write_csv(kSeries, file);
  const CsvTable table = read_csv(file);
  EXPECT_EQ(table.columns, kSeries.columns);
  ASSERT_EQ(table.rows.size(), 3U);
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 2; ++column) {
      const double value = kSeries.rows[row][column];
      // Nine digits.
      EXPECT_NEAR(std::stod(table.rows[row][column]), value, 1e-9 * value);
    }
  }
  EXPECT_FALSE(fs::exists(file.string() + ".part"));
  fs::remove(file);
}

std::string problem(const fs::path& file) {
  try {
    write_csv(kSeries, file);
  } catch (const SimulationError& error) {
    return error.what();
  }
  return "";
}

TEST(WriteCsv, SaysWhatItCannotWrite) {
  const fs::path folder = fs::path(testing::TempDir()) / "no" / "such";
  EXPECT_NE(problem(folder / "series.csv").find("cannot be written"), std::string::npos);
  const fs::path plain = fs::path(testing::TempDir()) / "plain";
  std::ofstream(plain) << "a file";
  EXPECT_NE(problem(plain / "series.csv").find("cannot be written"), std::string::npos);
  fs::remove(plain);
}

TEST(WriteCsv, KeepsTheOldFileWhenTheDiskIsFull) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  // The part beside a file is a link to a device that is always full.
  const fs::path file = fs::path(testing::TempDir()) / "kept.csv";
  std::ofstream(file) << "old";
  fs::create_symlink("/dev/full", file.string() + ".part");
  EXPECT_NE(problem(file).find("cannot be written"), std::string::npos);
  std::ostringstream kept;
  kept << std::ifstream(file).rdbuf();
  EXPECT_EQ(kept.str(), "old");
  fs::remove(file);
}

}  // namespace
}  // namespace orrery
