// A scenario of one's own lies outside the checkout: library entries and modules are those of the
// executable.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "scenarios/process.hpp"

namespace orrery {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kConfigs = fs::path(ORRERY_SOURCE_DIR) / "configs";

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::string kOwnJob =
    "orrery: scenario/1\n"
    "system: {use: clusters/eos, servers: 1}\n"
    "workload:\n"
    "  model: llama2-7b\n"
    "  sequence_length: 4096\n"
    "  global_batch: 32\n"
    "  microbatch: 4\n"
    "  parallelism: {sharding: zero3}\n"
    "  precision: bf16\n"
    "  software: torchtitan-2024-compile\n";

// Two devices behind one PCIe switch write to the memory of their socket: their copies compete.
const std::string kCompetingCopies =
    "orrery: scenario/1\n"
    "system: {use: clusters/eos, servers: 1}\n"
    "workload:\n"
    "  kind: transfers\n"
    "  copies:\n"
    "    - {from: server0.gpu0, to: server0.cpu0, bytes: 1 GB}\n"
    "    - {from: server0.gpu1, to: server0.cpu0, bytes: 1 GB}\n";

fs::path write_own_job(const std::string& content = kOwnJob) {
  const fs::path folder = scratch("jobs");
  fs::create_directories(folder);
  std::ofstream(folder / "own.yaml") << content;
  return folder / "own.yaml";
}

// A copy of the executable without what lies beside it.
fs::path lone_executable(const fs::path& folder) {
  fs::create_directories(folder);
  fs::copy_file(ORRERY_EXECUTABLE, folder / "orrery", fs::copy_options::overwrite_existing);
  return folder / "orrery";
}

TEST(OwnFile, FindsTheLibraryOfTheExecutableFromAnyFolder) {
  const fs::path job = write_own_job();
  const std::string configs = kConfigs.string();
  const Finished named =
      run_orrery({"run", job.string(), "--library", configs, "--json", "-"}, "cd / &&");
  ASSERT_EQ(named.exit_code, 0) << named.errors;
  const Finished found = run_orrery({"run", job.string(), "--json", "-"}, "cd / &&");
  EXPECT_EQ(found.exit_code, 0) << found.errors;
  EXPECT_EQ(found.output, named.output);
  const Finished beside =
      run_orrery({"run", "own.yaml", "--json", "-"}, "cd '" + job.parent_path().string() + "' &&");
  EXPECT_EQ(beside.exit_code, 0) << beside.errors;
  json expected = json::parse(named.output), got = json::parse(beside.output);
  expected.erase("inputs");  // their paths are relative to the current folder
  got.erase("inputs");
  EXPECT_EQ(got, expected);
  fs::remove_all(job.parent_path());
}

// torchtitan's training configurations recompute every second product; the job does not say it.
TEST(OwnFile, RecomputesWhatItsSoftwareDoesByDefault) {
  const fs::path job = write_own_job();
  const auto report = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"run", job.string(), "--json", "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json::parse(run_orrery(arguments, "cd / &&").output);
  };
  const json silent = report({});
  EXPECT_TRUE(silent["memory"]["fits"]);
  EXPECT_EQ(silent["memory"], report({"--set", "workload.recompute=operator"})["memory"]);
  const json none = report({"--set", "workload.recompute=none"});
  EXPECT_FALSE(none["memory"]["fits"]);  // 34 bytes a token, layer and unit of width are 73 GB
  fs::remove_all(job.parent_path());
}

TEST(OwnFile, FindsTheLibraryOfAPrefix) {
  const fs::path job = write_own_job(), prefix = scratch("prefix");
  const fs::path executable = lone_executable(prefix / "bin");
  fs::create_directories(prefix / "share" / "orrery");
  fs::copy(kConfigs, prefix / "share" / "orrery" / "configs", fs::copy_options::recursive);
  const Finished finished = run_program(
      executable, {"run", job.string(), "--fidelity", "analytic", "--json", "-"}, "cd / &&");
  EXPECT_EQ(finished.exit_code, 0) << finished.errors;
  const std::string entry = json::parse(finished.output)["inputs"][1]["path"];
  EXPECT_TRUE(holds(entry, "prefix/share/orrery/configs/")) << entry;
  fs::remove_all(prefix);
  fs::remove_all(job.parent_path());
}

TEST(OwnFile, SaysWhereItSearchedAndWhatWouldHelp) {
  const fs::path job = write_own_job(), folder = scratch("alone");
  const fs::path executable = lone_executable(folder);
  const Finished finished = run_program(executable, {"run", job.string()}, "cd / &&");
  EXPECT_EQ(finished.exit_code, 2);
  EXPECT_TRUE(holds(finished.errors, "unknown library entry 'clusters/eos'; searched in " +
                                         (folder / "share/orrery/configs").string()))
      << finished.errors;
  EXPECT_TRUE(holds(finished.errors, "--library DIR")) << finished.errors;
  fs::remove_all(folder);
  fs::remove_all(job.parent_path());
}

TEST(OwnFile, SaysThatTheModuleOfTheEventEngineIsMissing) {
  const fs::path job = write_own_job(kCompetingCopies), folder = scratch("alone");
  const fs::path executable = lone_executable(folder);
  std::vector<std::string> arguments{"run", job.string(), "--library", kConfigs.string()};
  const Finished event = run_program(executable, arguments, "cd / &&");
  EXPECT_EQ(event.exit_code, 1);
  EXPECT_TRUE(holds(event.errors, "module simgrid.so of the event engine: not found"))
      << event.errors;
  EXPECT_TRUE(holds(event.errors, (folder / "lib/orrery/simgrid.so").string()));
  arguments.insert(arguments.end(), {"--fidelity", "analytic"});
  EXPECT_EQ(run_program(executable, arguments, "cd / &&").exit_code, 0);
  fs::remove_all(folder);
  fs::remove_all(job.parent_path());
}

}  // namespace
}  // namespace orrery
