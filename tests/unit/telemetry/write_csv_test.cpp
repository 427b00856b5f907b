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

TEST(WriteText, LeavesALinkALinkAndKeepsPermissions) {
  const fs::path folder = fs::path(testing::TempDir()) / "links";
  fs::create_directories(folder);
  std::ofstream(folder / "real") << "old";
  fs::permissions(folder / "real", fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("real", folder / "link");
  write_text("new", folder / "link");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  std::ostringstream text;
  text << std::ifstream(folder / "real").rdbuf();
  EXPECT_EQ(text.str(), "new");
  EXPECT_EQ(fs::status(folder / "real").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  fs::remove_all(folder);
}

TEST(WriteText, WritesToADeviceAsItIs) {
  write_text("gone", "/dev/null");
  EXPECT_FALSE(fs::is_regular_file("/dev/null"));
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  EXPECT_THROW(write_text("too much", "/dev/full"), SimulationError);
}

}  // namespace
}  // namespace orrery
