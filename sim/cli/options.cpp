// The options of the command line, and nothing else: the one file that knows CLI11.
#include <algorithm>

#include <CLI/CLI.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <orrery/node.hpp>

#include "cli/arguments.hpp"

namespace orrery::cli {
namespace {

constexpr int kMostThreads = 1024;

void add_common(CLI::App& command, Arguments& arguments) {
  command.add_option("--set", arguments.sets, "Change a value: path=value (repeatable)")
      ->take_all();
  command.add_option("--library", arguments.libraries,
                     "Folder of library entries, such as CHECKOUT/configs, to search before those "
                     "near the scenario and those that came with this executable (repeatable)");
  command.add_option("--json", arguments.json,
                     "Write the result as JSON to a file, or to the output with '-'");
}

void add_scenario(CLI::App& command, Arguments& arguments) {
  command.add_option("scenario", arguments.target, "Folder with scenario.yaml, or a YAML file")
      ->required();
}

void add_jobs(CLI::App& command, Arguments& arguments) {
  command.add_option("--jobs", arguments.jobs, "Threads (default: one per processor)")
      ->check(CLI::Range(1, kMostThreads));
}

// A command, which sets `arguments.command` when it is the one given.
CLI::App& add(CLI::App& app, Arguments& arguments, Command command, const char* name,
              const char* what) {
  CLI::App* added = app.add_subcommand(name, what);
  added->callback([&arguments, command] { arguments.command = command; });
  return *added;
}

void add_run(CLI::App& app, Arguments& arguments) {
  CLI::App& command = add(app, arguments, Command::Run, "run",
                          "Simulate a scenario and say how long a step takes and why");
  add_scenario(command, arguments);
  add_common(command, arguments);
  command.add_option("--csv", arguments.csv,
                     "Write time series into a folder: job.csv (with `job:`), step.csv");
  command.add_flag("--ignore-memory", arguments.ignore_memory,
                   "Simulate even if the job does not fit");
  command
      .add_option("--fidelity", arguments.fidelity,
                  "event (default): discrete events; analytic: closed form, in microseconds")
      ->check(CLI::IsMember({"event", "analytic"}));
  command.add_flag("--no-fold", arguments.no_fold,
                   "Simulate every rank instead of one for all that behave alike");
  command.add_flag("--timing", arguments.timing, "Also say what the simulation itself took");
}

void add_check(CLI::App& app, Arguments& arguments) {
  CLI::App& command =
      add(app, arguments, Command::Check, "check", "Check a scenario and report every mistake");
  add_scenario(command, arguments);
  command.add_flag("--draw", arguments.draw, "Print the machine's parts and their links");
  add_common(command, arguments);
}

void add_plan(CLI::App& app, Arguments& arguments) {
  CLI::App& command = add(app, arguments, Command::Plan, "plan",
                          "Search the layouts of a training job for the best that fits in memory");
  add_scenario(command, arguments);
  add_common(command, arguments);
  add_jobs(command, arguments);
}

void add_validate(CLI::App& app, Arguments& arguments) {
  CLI::App& command =
      add(app, arguments, Command::Validate, "validate", "Compare predictions with measured runs");
  command.add_option("suites", arguments.names, "Names of suites, or their files; all by default");
  add_common(command, arguments);
  add_jobs(command, arguments);
}

void add_list(CLI::App& app, Arguments& arguments) {
  CLI::App& command = add(app, arguments, Command::List, "list", "List library entries");
  command.add_option("kind", arguments.target,
                     "Such as accelerators, clusters, ai-models; all by default");
  add_common(command, arguments);
}

void add_schema(CLI::App& app, Arguments& arguments) {
  CLI::App& command = add(app, arguments, Command::Schema, "schema",
                          "Say what keys files may have: their types, ranges and meaning");
  command.add_option("tables", arguments.names,
                     "Such as server, software, gpu.tiled; without, their names are listed");
  command.add_option("--fill", arguments.files,
                     "Write the tables that a Markdown file marks into it (repeatable)");
}

// CLI11 would say that a command is missing.
void check_command(const std::string& given, const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  if (given.starts_with('-') || std::find(names.begin(), names.end(), given) != names.end()) return;
  throw ConfigError(
      fmt::format("no command '{}'; expected one of {}; `orrery --help` explains them{}", given,
                  fmt::join(names, ", "), did_you_mean(given, names)));
}

}  // namespace

std::optional<int> parse(int argc, char** argv, Arguments& arguments) {
  CLI::App app{
      "Orrery predicts throughput, memory, power and temperature of AI training on described "
      "hardware"};
  app.set_version_flag("--version", ORRERY_VERSION);
  app.require_subcommand(1);
  add_run(app, arguments);
  add_check(app, arguments);
  add_plan(app, arguments);
  add_validate(app, arguments);
  add_list(app, arguments);
  add_schema(app, arguments);
  if (argc > 1) check_command(argv[1], app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kBadInput;
  }
  return std::nullopt;
}

}  // namespace orrery::cli
