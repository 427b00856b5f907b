// The executable as a user or a script meets it: exit codes and what goes where.
#include <cmath>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "scenarios/process.hpp"

namespace orrery {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kScenarios = fs::path(ORRERY_SOURCE_DIR) / "scenarios";
const std::string kAllReduce = (kScenarios / "allreduce-1gb").string();
const std::string kLlama = (kScenarios / "llama2-7b-dgx-h100").string();

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(CommandLine, RunEndsWithZeroAndASummary) {
  const Finished finished = run_orrery({"run", kAllReduce});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.errors, "");
  EXPECT_TRUE(holds(finished.output, "allreduce-1gb"));
  EXPECT_TRUE(holds(finished.output, "bus bandwidth"));
}

TEST(CommandLine, TakesTheFileAsWellAsItsFolder) {
  const Finished folder = run_orrery({"run", kAllReduce});
  const Finished file = run_orrery({"run", kAllReduce + "/scenario.yaml"});
  EXPECT_EQ(file.exit_code, 0);
  EXPECT_EQ(file.output, folder.output);
}

TEST(CommandLine, HelpEndsWithZero) {
  for (const char* command : {"", "run", "check", "plan", "validate", "list"}) {
    std::vector<std::string> arguments;
    if (*command != '\0') arguments.emplace_back(command);
    arguments.emplace_back("--help");
    const Finished finished = run_orrery(arguments);
    EXPECT_EQ(finished.exit_code, 0) << command;
    EXPECT_TRUE(holds(finished.output, "Usage:")) << command;
    EXPECT_EQ(finished.errors, "") << command;
  }
}

TEST(CommandLine, VersionEndsWithZero) {
  const Finished finished = run_orrery({"--version"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_TRUE(holds(finished.output, "."));
}

TEST(CommandLine, RunsAtBothFidelitiesAndUnfolded) {
  const std::string job = (kScenarios / "mixtral-8x7b-h100").string();
  const auto step = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments{"run", job, "--json", "-"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished finished = run_orrery(arguments);
    EXPECT_EQ(finished.exit_code, 0) << finished.errors;
    return json::parse(finished.output);
  };
  const json event = step({}), analytic = step({"--fidelity", "analytic"});
  const json unfolded = step({"--no-fold"});
  EXPECT_EQ(event["fidelity"], "event");
  EXPECT_EQ(analytic["fidelity"], "analytic");
  EXPECT_EQ(unfolded["ranks"].size(), 64U);
  const double seconds = event["throughput"]["step_time_s"];
  EXPECT_NEAR(analytic["throughput"]["step_time_s"].get<double>(), seconds, 0.05 * seconds);
  EXPECT_NEAR(unfolded["throughput"]["step_time_s"].get<double>(), seconds, 1e-9 * seconds);
}

TEST(CommandLine, PlanRanksLayoutsAndSaysWhyOthersAreRejected) {
  const std::vector<std::string> narrow{
      "plan", kLlama, "--set", "plan.search.tensor=[1, 2]", "--set", "plan.confirm=1"};
  const Finished table = run_orrery(narrow);
  EXPECT_EQ(table.exit_code, 0) << table.errors;
  EXPECT_TRUE(holds(table.output, "legal strategies evaluated in closed form"));
  EXPECT_TRUE(holds(table.output, "The best, for `orrery run`:"));
  EXPECT_TRUE(holds(table.output, "does not fit in memory"));
  std::vector<std::string> arguments = narrow;
  arguments.insert(arguments.end(), {"--json", "-"});
  const json result = json::parse(run_orrery(arguments).output);
  EXPECT_EQ(result["evaluated"], result["legal"]);
  EXPECT_TRUE(result["best"][0].contains("event_step_time_s"));
  EXPECT_FALSE(result["best"][1].contains("event_step_time_s"));
}

TEST(CommandLine, PlanEndsWithOneWhenNothingFits) {
  const Finished finished = run_orrery({"plan", kLlama, "--set", "plan.memory_share=0.01"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_TRUE(holds(finished.output, "nearest to fitting:"));
}

TEST(CommandLine, BadUseEndsWithTwo) {
  const std::vector<std::vector<std::string>> uses{{},
                                                   {"simulate"},
                                                   {"run"},
                                                   {"run", kAllReduce, "--no-such-option"},
                                                   {"run", kAllReduce, "extra"}};
  for (const auto& use : uses) {
    const Finished finished = run_orrery(use);
    EXPECT_EQ(finished.exit_code, 2);
    EXPECT_EQ(finished.output, "");
    EXPECT_NE(finished.errors, "");
  }
}

TEST(CommandLine, JsonToOutputIsNothingButJson) {
  const Finished finished = run_orrery({"run", kLlama, "--json", "-"});
  ASSERT_EQ(finished.exit_code, 0);
  const json report = json::parse(finished.output, nullptr, false);
  ASSERT_FALSE(report.is_discarded()) << finished.output;
  EXPECT_EQ(report.at("schema"), "orrery-report/1");
  double sum = 0;
  for (const auto& [tile, seconds] : report.at("breakdown_s").items()) sum += seconds.get<double>();
  const double step = report.at("throughput").at("step_time_s");
  EXPECT_NEAR(sum, step, step * 1e-12);                      // rounding of 11 terms
  EXPECT_FALSE(report.at("simulation").contains("wall_s"));  // differs from run to run
}

TEST(CommandLine, JsonToAFileLeavesTheSummary) {
  const fs::path file = scratch("report.json");
  const Finished finished = run_orrery({"run", kAllReduce, "--json", file.string(), "--timing"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_TRUE(holds(finished.output, "bus bandwidth"));
  const json report = json::parse(text_of(file), nullptr, false);
  ASSERT_FALSE(report.is_discarded());
  EXPECT_GT(report.at("simulation").at("wall_s"), 0.0);
  fs::remove(file);
}

TEST(CommandLine, UnwritableJsonEndsWithOneAndSaysWhere) {
  const Finished finished =
      run_orrery({"run", kAllReduce, "--json", "/nowhere/at/all/report.json"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_TRUE(holds(finished.errors, "/nowhere/at/all/report.json: cannot be written"))
      << finished.errors;
}

TEST(CommandLine, JsonThatCannotBeWrittenLeavesTheOldFile) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const fs::path file = scratch("report.json");
  std::ofstream(file) << "old";
  fs::create_symlink("/dev/full", file.string() + ".part");  // the disk is full beside the file
  EXPECT_EQ(run_orrery({"run", kAllReduce, "--json", file.string()}).exit_code, 1);
  EXPECT_EQ(text_of(file), "old");
  fs::remove(file);
}

TEST(CommandLine, JsonForAFullDiskNamesTheFileAndWhy) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const Finished finished = run_orrery({"run", kAllReduce, "--json", "/dev/full"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_TRUE(holds(finished.errors,
                    "the output could not be written: /dev/full: cannot be written (No space left"))
      << finished.errors;
  EXPECT_FALSE(holds(finished.errors, "the run could not finish"));
}

TEST(CommandLine, OutputThatCannotBeWrittenEndsWithOne) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  const std::string suite = (kScenarios / "validation" / "gemm-mamf.yaml").string();
  const std::vector<std::vector<std::string>> uses{
      {"run", kAllReduce},
      {"run", kAllReduce, "--json", "-"},
      {"check", kAllReduce},
      {"plan", kLlama, "--set", "plan.search={tensor: [1], microbatch: [1], recompute: [full]}"},
      {"validate", suite},
      {"validate", suite, "--json", "-"},
      {"list"},
      {"--help"}};
  for (const auto& use : uses) {
    const Finished finished = run_orrery(use, "exec >/dev/full;");
    EXPECT_EQ(finished.exit_code, 1) << use.front();
    EXPECT_TRUE(holds(finished.errors,
                      "the output could not be written: standard output: cannot be written (No "
                      "space left"))
        << use.front() << ": " << finished.errors;
  }
}

TEST(CommandLine, ValidateTakesAFileOfTheWorkingDirectory) {
  const fs::path folder = kScenarios / "validation";
  const Finished here = run_orrery({"validate", "gemm-mamf.yaml"}, "cd " + folder.string() + " &&");
  EXPECT_EQ(here.exit_code, 0) << here.errors;
  EXPECT_EQ(here.output, run_orrery({"validate", "gemm-mamf"}).output);
}

TEST(CommandLine, SaysWhatOfPowerAndTemperatureIsNotKnown) {
  const Finished full = run_orrery({"run", kLlama, "--fidelity", "analytic"});
  EXPECT_FALSE(holds(full.output, "not known")) << full.output;
  const Finished less =
      run_orrery({"run", kLlama, "--fidelity", "analytic", "--set", "system.server.supplies=~",
                  "--set", "system.server.cooling=~"});
  EXPECT_EQ(less.exit_code, 0) << less.errors;
  EXPECT_TRUE(holds(less.output, "power at the wall is not known: the server has no 'supplies'"));
  EXPECT_TRUE(holds(less.output, "temperatures are not known: the server has no 'cooling'"));
  const Finished part =
      run_orrery({"run", kLlama, "--fidelity", "analytic", "--set", "system.server.cpu.power=~"});
  EXPECT_TRUE(holds(part.output, "counted as 0 W, for the server has no power of them: cpu"))
      << part.output;
}

// 7 billion parameters x 16 B (16-bit weights and gradients, 12 B of optimizer) pass 80 GB on every
// device.
const std::vector<std::string> kTooBig{"run", kLlama, "--set",
                                       "workload.parallelism.sharding=none"};

TEST(CommandLine, WhatDoesNotFitEndsWithOneAndShowsMemory) {
  const Finished finished = run_orrery(kTooBig);
  EXPECT_EQ(finished.exit_code, 1);
  for (const char* part : {"weights", "optimizer", "activations", "total"}) {
    EXPECT_TRUE(holds(finished.output, part)) << finished.output;
  }
  EXPECT_FALSE(holds(finished.output, "step time"));
}

TEST(CommandLine, WhatDoesNotFitIsSaidInJson) {
  auto arguments = kTooBig;
  arguments.insert(arguments.end(), {"--json", "-"});
  const Finished finished = run_orrery(arguments);
  EXPECT_EQ(finished.exit_code, 1);
  const json report = json::parse(finished.output, nullptr, false);
  ASSERT_FALSE(report.is_discarded());
  EXPECT_EQ(report.at("memory").at("fits"), false);
  EXPECT_NE(report.at("memory").at("advice"), "");
  EXPECT_FALSE(report.contains("throughput"));
}

TEST(CommandLine, IgnoreMemoryRunsWhatDoesNotFit) {
  auto arguments = kTooBig;
  arguments.emplace_back("--ignore-memory");
  const Finished finished = run_orrery(arguments);
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_TRUE(holds(finished.output, "step time"));
  EXPECT_TRUE(holds(finished.output, "does not fit")) << "a warning";
}

TEST(CommandLine, PipeGetsNoEscapeCodes) {
  for (const char* environment : {"", "NO_COLOR=1", "TERM=xterm-256color"}) {
    const Finished finished = run_orrery({"run", kLlama}, environment);
    EXPECT_FALSE(holds(finished.output, "\x1b")) << environment;
  }
}

TEST(CommandLine, SetChangesAndRepeats) {
  const Finished finished = run_orrery({"run", kAllReduce, "--set", "workload.ranks=16", "--set",
                                        "workload.bytes=2 GB", "--json", "-"});
  ASSERT_EQ(finished.exit_code, 0) << finished.errors;
  const json report = json::parse(finished.output);
  EXPECT_EQ(report.at("devices"), 16);
  const json& c = report.at("collective");
  const double algorithm = c.at("algorithm_bandwidth_bytes_per_s");
  EXPECT_NEAR(algorithm * report.at("throughput").at("step_time_s").get<double>(), 2e9,
              2e9 * 1e-12);
  // nccl-tests: 2 (n - 1) / n with n = 16
  EXPECT_NEAR(c.at("bus_bandwidth_bytes_per_s").get<double>() / algorithm, 1.875, 1e-12);
}

TEST(CommandLine, CsvWritesTheJobAndTheStep) {
  const fs::path folder = fs::path(testing::TempDir()) / "csv" / "new";
  const Finished finished =
      run_orrery({"run", kLlama, "--set", "job={duration: 60 s}", "--csv", folder.string()});
  EXPECT_EQ(finished.exit_code, 0) << finished.errors;
  for (const char* file : {"job.csv", "step.csv"}) {
    std::ifstream stream(folder / file);
    std::string header;
    std::getline(stream, header);
    EXPECT_TRUE(header.rfind("time_s,", 0) == 0) << file << ": " << header;
    EXPECT_TRUE(holds(header, "_power_w")) << file << ": " << header;
  }
  fs::remove_all(folder.parent_path());
}

TEST(CommandLine, CsvOfACollectiveSaysWhatIsMissing) {
  const Finished finished = run_orrery({"run", kAllReduce, "--set", "run.fidelity=analytic",
                                        "--csv", (fs::path(testing::TempDir()) / "none").string()});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_TRUE(holds(finished.errors, "--csv: nothing to write")) << finished.errors;
}

TEST(CommandLine, AJobThatHeatEndsSaysSoAndEndsWithOne) {
  const std::string job =
      "job={duration: 2 h, events: [{at: 60 s, what: fans, servers: [0], left: 0}]}";
  const Finished finished =
      run_orrery({"run", kLlama, "--fidelity", "analytic", "--set", job, "--json", "-"});
  EXPECT_EQ(finished.exit_code, 1);
  const json report = json::parse(finished.output);
  EXPECT_TRUE(holds(report["job"]["stopped"], "devices shut down; its fans failed at"));
  EXPECT_LT(report["job"]["duration_s"], 7200);
}

TEST(CommandLine, ListShowsLibraryEntriesOfAKind) {
  const Finished finished = run_orrery({"list", "clusters"});
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_TRUE(holds(finished.output, "clusters/selene\n"));
  EXPECT_FALSE(holds(finished.output, "servers/"));
  const Finished misspelt = run_orrery({"list", "clustres"});
  EXPECT_EQ(misspelt.exit_code, 2);
  EXPECT_TRUE(holds(misspelt.errors, "expected one of accelerators, ai-models, clusters,"))
      << misspelt.errors;
  EXPECT_TRUE(holds(misspelt.errors, "did you mean 'clusters'?")) << misspelt.errors;
}

TEST(CommandLine, CheckSaysOkOrEveryMistake) {
  const Finished good = run_orrery({"check", kAllReduce});
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_TRUE(holds(good.output, "ok"));
  const fs::path cases = fs::path(ORRERY_SOURCE_DIR) / "tests" / "errors" / "cases";
  const Finished bad = run_orrery({"check", (cases / "two-errors.yaml").string()});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_EQ(bad.output, "");
  EXPECT_TRUE(holds(bad.errors, "global_batch:"));
  EXPECT_TRUE(holds(bad.errors, "recompute:"));
}

TEST(CommandLine, ACommandThatThereIsNotIsNamedWithThoseThatThereAre) {
  const Finished unknown = run_orrery({"show", kAllReduce});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_TRUE(holds(unknown.errors,
                    "no command 'show'; expected one of run, check, plan, validate, list, schema;"))
      << unknown.errors;
  EXPECT_TRUE(holds(run_orrery({"valdate"}).errors, "did you mean 'validate'?"));
}

TEST(CommandLine, ValidateListsSuitesWhoseNamesHoldWhatWasGiven) {
  const Finished part = run_orrery({"validate", "allreduce"});
  EXPECT_EQ(part.exit_code, 2);
  EXPECT_TRUE(holds(part.errors,
                    "no validation suite 'allreduce', and no such file; expected one of "
                    "allreduce-a100, allreduce-h100, allreduce-p4de-2nodes"))
      << part.errors;
  const Finished nothing = run_orrery({"validate", "x-y-z"});
  EXPECT_TRUE(holds(nothing.errors, "a100-dvfs-power, ")) << nothing.errors;
  EXPECT_TRUE(holds(nothing.errors, "tpu-microbench")) << nothing.errors;
}

TEST(CommandLine, CheckDrawsEveryLinkUnderBothOfItsEnds) {
  const Finished drawn =
      run_orrery({"check", "--draw", (kScenarios / "shared-pcie-switch").string()});
  EXPECT_EQ(drawn.exit_code, 0) << drawn.errors;
  EXPECT_TRUE(holds(drawn.output,
                    "server0.gpu0, gpu1\n"
                    "  hbm      2.039 TB/s    hbm\n"
                    "  pcie     31.50 GB/s    pcie_switch0\n"
                    "server0.pcie_switch0\n"
                    "  pcie     31.50 GB/s    gpu0, gpu1, cpu0, nic0, nic1\n"
                    "  drive    4.000 GB/s out, 6.800 GB/s in  ssd0, ssd1\n"))
      << drawn.output;
}

TEST(CommandLine, ValidateSuggestsAMisspeltSuite) {
  const Finished finished = run_orrery({"validate", "megatron-sc12"});
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_TRUE(holds(finished.errors, "did you mean 'megatron-sc21'?")) << finished.errors;
}

}  // namespace
}  // namespace orrery
