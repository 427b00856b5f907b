#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <orrery/builtin.hpp>
#include <orrery/simulation.hpp>
#include <orrery/validation.hpp>

namespace orrery {
namespace {

namespace fs = std::filesystem;

class Validate : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::path(::testing::TempDir()) / (std::string("validate_") + test->name());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& keys, const std::string& table) const {
    std::ofstream(folder_ / (name + ".csv")) << table;
    std::ofstream(folder_ / (name + ".yaml"))
        << "orrery: validation/1\nname: " << name << "\ntable: " << name << ".csv\n"
        << "metric: throughput.step_time_s\n"
        << keys;
    return folder_ / (name + ".yaml");
  }

  // Products of two sizes on machines of one and two kinds of server.
  fs::path gemms() const {
    std::string table = "name,system.server.use,workload.m,measured\n";
    for (const char* server : {"servers/dgx-h100", "servers/dgx-a100"}) {
      for (const char* m : {"512", "1000", "4096", "8192"}) {
        table += std::string(server) + " " + m + "," + server + "," + m + ",0.001\n";
      }
    }
    return write("gemms",
                 "base:\n  system: {server: {use: servers/dgx-h100}}\n"
                 "  workload: {kind: gemm, dtype: bf16, m: 1, n: 4096, k: 4096}\n",
                 table);
  }

  std::vector<SuiteResult> run(const std::vector<fs::path>& files, int threads) const {
    return validate_suites(files, registry_, options_, threads);
  }

  fs::path folder_;
  Registry registry_ = builtin_registry();
  LoadOptions options_{.library = {fs::path(ORRERY_SOURCE_DIR) / "configs"}, .overrides = {}};
};

TEST_F(Validate, GivesTheSameOnAnyNumberOfThreads) {
  const fs::path reduces =
      write("reduces",
            "base:\n  system: {use: clusters/eos}\n"
            "  workload: {kind: collective, collective: all_reduce, ranks: 8, bytes: 1 MiB}\n",
            "name,system.servers,workload.ranks,workload.bytes,measured\n"
            "a,1,8,1 MiB,1e-5\nb,2,16,1 MiB,1e-5\nc,2,16,1 GiB,1e-2\nd,4,32,1 GiB,1e-2\n");
  const std::string one = to_json(run({gemms(), reduces}, 1));
  EXPECT_NE(one.find("\"predicted\""), std::string::npos);
  EXPECT_EQ(to_json(run({gemms(), reduces}, 2)), one);
  EXPECT_EQ(to_json(run({gemms(), reduces}, 7)), one);
  EXPECT_EQ(to_json({validate_suite(gemms(), registry_, options_),
                     validate_suite(reduces, registry_, options_)}),
            one);
}

// A case on a shared machine is the scenario that its row makes of the base, run by itself.
TEST_F(Validate, SharesMachinesWithoutChangingACase) {
  const SuiteResult suite = run({gemms()}, 1).front();
  ASSERT_EQ(suite.cases.size(), 8U);
  const Node base = parse_yaml(
      "system: {server: {use: servers/dgx-h100}}\n"
      "workload: {kind: gemm, dtype: bf16, m: 1, n: 4096, k: 4096}\n",
      "base");
  for (const ValidationCase& c : suite.cases) {
    const std::size_t space = c.name.find(' ');
    const Scenario scenario = make_scenario(
        base, Library(options_.library),
        {{"system.server.use", c.name.substr(0, space)}, {"workload.m", c.name.substr(space + 1)}});
    const Report report = Simulation(scenario, registry_).run();
    EXPECT_EQ(c.predicted, report.throughput->step_time.si()) << c.name;
  }
}

TEST_F(Validate, SearchesWhatTheRowsLeaveOpen) {
  const std::string keys =
      "search: {workload.m: [4096, 64, 512]}\n"
      "base:\n  system: {server: {use: servers/dgx-h100}}\n"
      "  workload: {kind: gemm, dtype: bf16, n: 4096, k: 4096}\n";
  const SuiteResult open = run({write("open", keys, "name,measured\na,1e-3\n")}, 2).front();
  const SuiteResult fixed =
      run({write("fixed", keys, "name,workload.m,measured\na,64,1e-3\nb,512,1e-3\nc,4096,1e-3\n")},
          2)
          .front();
  EXPECT_EQ(open.cases[0].tried, 3);
  EXPECT_EQ(*open.cases[0].predicted, *fixed.cases[0].predicted);  // the fastest is the smallest
  EXPECT_EQ(open.cases[0].least, *fixed.cases[0].predicted);
  EXPECT_EQ(open.cases[0].greatest, *fixed.cases[2].predicted);
  EXPECT_EQ(fixed.cases[0].tried, 1);
}

TEST_F(Validate, ComparesWithTheRowThatRelativeMakes) {
  const SuiteResult suite = run({write("relative",
                                       "relative: {workload.m: 4096}\n"
                                       "base:\n  system: {server: {use: servers/dgx-h100}}\n"
                                       "  workload: {kind: gemm, dtype: bf16, n: 4096, k: 4096}\n",
                                       "name,workload.m,measured\na,4096,1\nb,8192,2\n")},
                                1)
                                .front();
  EXPECT_EQ(*suite.cases[0].predicted, 1);
  EXPECT_GT(*suite.cases[1].predicted, 1.5);  // twice the work of one that fills the device
  EXPECT_LT(*suite.cases[1].predicted, 2.5);
}

TEST_F(Validate, ReportsTheFirstRowThatIsWrongOnAnyNumberOfThreads) {
  std::string table = "name,workload.m,measured\n";
  for (int i = 0; i < 20; ++i) table += fmt::format("good {},64,1\n", i);
  table += "first,zero,1\nsecond,none,1\n";
  for (int i = 20; i < 40; ++i) table += fmt::format("good {},64,1\n", i);
  const fs::path file = write("wrong",
                              "base:\n  system: {server: {use: servers/dgx-h100}}\n"
                              "  workload: {kind: gemm, dtype: bf16, n: 64, k: 64}\n",
                              table);
  for (const int threads : {1, 2, 8}) {
    try {
      run({file}, threads);
      ADD_FAILURE() << "no error with " << threads;
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find("'zero'"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace orrery
