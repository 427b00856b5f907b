// The command line: the composition root of the executable.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <orrery/builtin.hpp>
#include <orrery/plan.hpp>
#include <orrery/simulation.hpp>
#include <orrery/validation.hpp>

#include "install/installation.hpp"

namespace {

namespace fs = std::filesystem;

enum ExitCode { kOk = 0, kCannotFinish = 1, kBadInput = 2, kBug = 3 };

struct Arguments {
  bool draw = false;
  std::string target;
  std::vector<std::string> sets;
  std::vector<std::string> libraries;
  std::string json;
  std::string csv;
  std::string fidelity;
  int jobs = 0;
  bool ignore_memory = false;
  bool no_fold = false;
  bool timing = false;
  std::vector<std::string> suites;
};

std::vector<std::pair<std::string, std::string>> overrides(const Arguments& arguments) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const std::string& set : arguments.sets) {
    const auto equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw orrery::ConfigError(
          fmt::format("--set {}: expected path=value, such as workload.ranks=128", set));
    }
    result.emplace_back(set.substr(0, equals), set.substr(equals + 1));
  }
  if (arguments.ignore_memory) result.emplace_back("run.ignore_memory", "true");
  if (!arguments.fidelity.empty()) result.emplace_back("run.fidelity", arguments.fidelity);
  if (!arguments.csv.empty()) result.emplace_back("record.step", "true");
  if (arguments.no_fold) result.emplace_back("run.fold", "false");
  return result;
}

orrery::LoadOptions load_options(const Arguments& arguments) {
  orrery::LoadOptions options;
  for (const std::string& folder : arguments.libraries) {
    if (!fs::is_directory(folder)) {
      throw orrery::ConfigError(fmt::format("--library {}: no such folder", folder));
    }
    options.library.emplace_back(folder);
  }
  options.overrides = overrides(arguments);
  return options;
}

void write_file(const std::string& path, const std::string& text) {
  if (path == "-") {
    std::cout << text;
    return;
  }
  orrery::write_text(text, path);
}

// What a full disk or a closed pipe kept back would be missed by whoever reads the output.
void check_output() {
  errno = 0;
  std::cout.flush();
  if (std::cout) return;
  throw orrery::SimulationError(
      fmt::format("standard output: cannot be written ({}); the result is not complete",
                  errno != 0 ? std::strerror(errno) : "write failed"));
}

void write_series(const orrery::Report& report, const fs::path& folder) {
  const orrery::OperationReport none;
  const orrery::OperationReport& operation = report.operation ? *report.operation : none;
  if (operation.job_series.empty() && operation.step_series.empty()) {
    throw orrery::ConfigError(
        "--csv: nothing to write; expected a scenario with `job:` (job.csv) or long work at event "
        "fidelity on devices whose power is known (step.csv)");
  }
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) {
    throw orrery::SimulationError(fmt::format("--csv {}: the folder cannot be made ({})",
                                              folder.string(), problem.message()));
  }
  if (!operation.job_series.empty()) orrery::write_csv(operation.job_series, folder / "job.csv");
  if (!operation.step_series.empty()) {
    orrery::write_csv(operation.step_series, folder / "step.csv");
  }
}

int run(const Arguments& arguments) {
  const auto scenario = orrery::load_scenario(arguments.target, load_options(arguments));
  const orrery::Registry registry = orrery::builtin_registry();
  const orrery::Report report = orrery::Simulation(scenario, registry).run();
  if (arguments.json != "-") {
    const bool colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
    std::cout << orrery::to_summary(report, {.colour = colour, .timing = arguments.timing});
  }
  if (!arguments.json.empty()) {
    write_file(arguments.json, orrery::to_json(report, {.timing = arguments.timing}));
  }
  if (!arguments.csv.empty()) write_series(report, arguments.csv);
  const bool stopped =
      report.operation && report.operation->job && !report.operation->job->stopped.empty();
  return report.throughput && !stopped ? kOk : kCannotFinish;
}

volatile std::sig_atomic_t interrupted = 0;

// A line that is written over itself, on a terminal only.
void show_progress(std::size_t done, std::size_t all) {
  static std::size_t last = 0;
  const std::size_t percent = all == 0 ? 100 : done * 100 / all;
  if (percent == last && done != all) return;
  last = percent;
  std::cerr << fmt::format("\r{} of {} strategies", done, all) << (done == all ? "\n" : "")
            << std::flush;
}

int plan(const Arguments& arguments) {
  const auto scenario = orrery::load_scenario(arguments.target, load_options(arguments));
  const orrery::Registry registry = orrery::builtin_registry();
  orrery::PlanOptions options{.threads = arguments.jobs, .progress = {}, .stop = {}};
  options.stop = [] { return interrupted != 0; };
  if (isatty(STDERR_FILENO) != 0) options.progress = show_progress;
  // The first Ctrl-C ends the search, the second the process.
  std::signal(SIGINT, [](int) {
    interrupted = 1;
    std::signal(SIGINT, SIG_DFL);
  });
  const orrery::PlanResult result = orrery::plan(scenario, registry, options);
  if (arguments.json != "-") std::cout << orrery::to_text(result);
  if (!arguments.json.empty()) write_file(arguments.json, orrery::to_json(result));
  return result.best.empty() || result.interrupted ? kCannotFinish : kOk;
}

int check(const Arguments& arguments) {
  const auto scenario = orrery::load_scenario(arguments.target, load_options(arguments));
  const orrery::Registry registry = orrery::builtin_registry();
  (void)orrery::Simulation(scenario, registry).run();
  if (arguments.draw) std::cout << orrery::draw_machine(scenario, registry);
  std::cout << arguments.target << ": ok\n";
  return kOk;
}

// The validation suites that came with this executable; none where they are not installed.
std::vector<fs::path> shipped_suites() {
  const fs::path scenarios = orrery::find_shared_data("scenarios").path;
  if (scenarios.empty()) return {};
  return orrery::validation_suites(scenarios / "validation");
}

int validate(const Arguments& arguments) {
  const orrery::Registry registry = orrery::builtin_registry();
  std::vector<fs::path> files;
  const auto all = shipped_suites();
  for (const std::string& name : arguments.suites) {
    const std::size_t before = files.size();
    if (fs::is_regular_file(name)) files.emplace_back(name);
    for (const fs::path& file : all) {
      if (file.stem() == name) files.push_back(file);
    }
    if (files.size() == before) {
      std::vector<std::string> names;
      for (const fs::path& file : all) names.push_back(file.stem().string());
      throw orrery::ConfigError(
          fmt::format("no validation suite '{}'{}", name, orrery::did_you_mean(name, names)));
    }
  }
  if (arguments.suites.empty()) files = all;
  if (files.empty()) {
    throw orrery::ConfigError(fmt::format(
        "no validation suites in {}; expected them beside this executable, as a build or "
        "`cmake --install` leaves them; name the files of suites instead",
        orrery::find_shared_data("scenarios").searched_text()));
  }
  const std::vector<orrery::SuiteResult> results =
      orrery::validate_suites(files, registry, load_options(arguments), arguments.jobs);
  if (arguments.json != "-") {
    if (!arguments.suites.empty()) {
      for (const auto& result : results) std::cout << orrery::cases_to_text(result);
    }
    std::cout << orrery::to_text(results);
  }
  if (!arguments.json.empty()) write_file(arguments.json, orrery::to_json(results));
  const bool held = std::all_of(results.begin(), results.end(),
                                [](const auto& suite) { return suite.failure().empty(); });
  return held ? kOk : kCannotFinish;
}

int list(const Arguments& arguments) {
  const orrery::LoadOptions options = load_options(arguments);
  const orrery::Library library(orrery::library_folders(fs::current_path(), options));
  const std::string kind = arguments.target.empty() ? "" : arguments.target + "/";
  int found = 0;
  for (const std::string& entry : library.entries()) {
    if (entry.rfind(kind, 0) != 0) continue;
    std::cout << entry << '\n';
    ++found;
  }
  if (found == 0)
    throw orrery::ConfigError(fmt::format("no library entries of kind '{}'", arguments.target));
  return kOk;
}

void add_common(CLI::App& command, Arguments& arguments) {
  command.add_option("--set", arguments.sets, "Change a value: path=value (repeatable)")
      ->take_all();
  command.add_option("--library", arguments.libraries,
                     "Folder of library entries, such as CHECKOUT/configs, to search before those "
                     "near the scenario and those that came with this executable (repeatable)");
  command.add_option("--json", arguments.json,
                     "Write the result as JSON to a file, or to the output with '-'");
}

int dispatch(int argc, char** argv) {
  CLI::App app{
      "Orrery predicts throughput, memory, power and temperature of AI training on described "
      "hardware"};
  app.set_version_flag("--version", ORRERY_VERSION);
  app.require_subcommand(1);
  Arguments arguments;
  auto* run_command =
      app.add_subcommand("run", "Simulate a scenario and say how long a step takes and why");
  run_command->add_option("scenario", arguments.target, "Folder with scenario.yaml, or a YAML file")
      ->required();
  add_common(*run_command, arguments);
  run_command->add_option("--csv", arguments.csv,
                          "Write time series into a folder: job.csv (with `job:`), step.csv");
  run_command->add_flag("--ignore-memory", arguments.ignore_memory,
                        "Simulate even if the job does not fit");
  run_command
      ->add_option("--fidelity", arguments.fidelity,
                   "event (default): discrete events; analytic: closed form, in microseconds")
      ->check(CLI::IsMember({"event", "analytic"}));
  run_command->add_flag("--no-fold", arguments.no_fold,
                        "Simulate every rank instead of one for all that behave alike");
  run_command->add_flag("--timing", arguments.timing, "Also say what the simulation itself took");
  auto* check_command = app.add_subcommand("check", "Check a scenario and report every mistake");
  check_command
      ->add_option("scenario", arguments.target, "Folder with scenario.yaml, or a YAML file")
      ->required();
  check_command->add_flag("--draw", arguments.draw, "Print the machine's parts and their links");
  add_common(*check_command, arguments);
  auto* plan_command = app.add_subcommand(
      "plan", "Search the layouts of a training job for the best that fits in memory");
  plan_command
      ->add_option("scenario", arguments.target, "Folder with scenario.yaml, or a YAML file")
      ->required();
  add_common(*plan_command, arguments);
  plan_command->add_option("--jobs", arguments.jobs, "Threads (default: one per processor)")
      ->check(CLI::Range(1, 1024));
  auto* validate_command = app.add_subcommand("validate", "Compare predictions with measured runs");
  validate_command->add_option("suites", arguments.suites,
                               "Names of suites, or their files; all by default");
  add_common(*validate_command, arguments);
  validate_command->add_option("--jobs", arguments.jobs, "Threads (default: one per processor)")
      ->check(CLI::Range(1, 1024));
  auto* list_command = app.add_subcommand("list", "List library entries");
  list_command->add_option("kind", arguments.target,
                           "Such as accelerators, clusters, ai-models; all by default");
  add_common(*list_command, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadInput;
  }
  if (run_command->parsed()) return run(arguments);
  if (check_command->parsed()) return check(arguments);
  if (plan_command->parsed()) return plan(arguments);
  if (validate_command->parsed()) return validate(arguments);
  return list(arguments);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int code = dispatch(argc, argv);
    check_output();
    return code;
  } catch (const orrery::ConfigError& error) {
    std::cerr << error.what() << '\n';
    return kBadInput;
  } catch (const orrery::SimulationError& error) {
    std::cerr << "the run could not finish: " << error.what() << '\n';
    return kCannotFinish;
  } catch (const std::exception& error) {
    std::cerr << "internal error, please report it: " << error.what() << '\n';
    return kBug;
  }
}
