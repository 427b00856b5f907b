#include "cli/commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <orrery/plan.hpp>
#include <orrery/schema_tables.hpp>
#include <orrery/simulation.hpp>
#include <orrery/validation.hpp>

#include "cli/output.hpp"
#include "install/installation.hpp"

namespace orrery::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::pair<std::string, std::string>> overrides(const Arguments& arguments) {
  std::vector<std::pair<std::string, std::string>> result;
  for (const std::string& set : arguments.sets) {
    const auto equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw ConfigError(
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

LoadOptions load_options(const Arguments& arguments) {
  LoadOptions options;
  for (const std::string& folder : arguments.libraries) {
    if (!fs::is_directory(folder)) {
      throw ConfigError(fmt::format("--library {}: no such folder", folder));
    }
    options.library.emplace_back(folder);
  }
  options.overrides = overrides(arguments);
  return options;
}

int run(const Arguments& arguments, const Registry& registry) {
  const auto scenario = load_scenario(arguments.target, load_options(arguments));
  const Report report = Simulation(scenario, registry).run();
  if (arguments.json != "-") {
    const bool colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
    std::cout << to_summary(report, {.colour = colour, .timing = arguments.timing});
  }
  if (!arguments.json.empty()) {
    write_file(arguments.json, to_json(report, {.timing = arguments.timing}));
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

int plan(const Arguments& arguments, const Registry& registry) {
  const auto scenario = load_scenario(arguments.target, load_options(arguments));
  PlanOptions options{.threads = arguments.jobs, .progress = {}, .stop = {}};
  options.stop = [] { return interrupted != 0; };
  if (isatty(STDERR_FILENO) != 0) options.progress = show_progress;
  // The first Ctrl-C ends the search, the second the process.
  std::signal(SIGINT, [](int) {
    interrupted = 1;
    std::signal(SIGINT, SIG_DFL);
  });
  const PlanResult result = plan(scenario, registry, options);
  if (arguments.json != "-") std::cout << to_text(result);
  if (!arguments.json.empty()) write_file(arguments.json, to_json(result));
  return result.best.empty() || result.interrupted ? kCannotFinish : kOk;
}

int check(const Arguments& arguments, const Registry& registry) {
  const auto scenario = load_scenario(arguments.target, load_options(arguments));
  (void)Simulation(scenario, registry).run();
  if (arguments.draw) std::cout << draw_machine(scenario, registry);
  std::cout << arguments.target << ": ok\n";
  return kOk;
}

// The validation suites that came with this executable; none where they are not installed.
std::vector<fs::path> shipped_suites() {
  const fs::path scenarios = find_shared_data("scenarios").path;
  if (scenarios.empty()) return {};
  return validation_suites(scenarios / "validation");
}

// Those of `names` that what the user gave is a part of, or all of them.
std::string names_like(const std::string& given, const std::vector<std::string>& names) {
  std::vector<std::string> like;
  for (const std::string& name : names) {
    if (name.find(given) != std::string::npos) like.push_back(name);
  }
  return fmt::format("{}", fmt::join(like.empty() ? names : like, ", "));
}

// The files of the suites that the user names; all of them where none is named.
std::vector<fs::path> suite_files(const std::vector<std::string>& named) {
  const auto all = shipped_suites();
  std::vector<fs::path> files;
  for (const std::string& name : named) {
    const std::size_t before = files.size();
    if (fs::is_regular_file(name)) files.emplace_back(name);
    for (const fs::path& file : all) {
      if (file.stem() == name) files.push_back(file);
    }
    if (files.size() == before) {
      std::vector<std::string> names;
      for (const fs::path& file : all) names.push_back(file.stem().string());
      throw ConfigError(
          fmt::format("no validation suite '{}', and no such file; expected one of {}{}", name,
                      names_like(name, names), did_you_mean(name, names)));
    }
  }
  if (named.empty()) files = all;
  if (!files.empty()) return files;
  throw ConfigError(
      fmt::format("no validation suites in {}; expected them beside this executable, as a build or "
                  "`cmake --install` leaves them; name the files of suites instead",
                  find_shared_data("scenarios").searched_text()));
}

int validate(const Arguments& arguments, const Registry& registry) {
  const std::vector<fs::path> files = suite_files(arguments.names);
  const std::vector<SuiteResult> results =
      validate_suites(files, registry, load_options(arguments), arguments.jobs);
  if (arguments.json != "-") {
    if (!arguments.names.empty()) {
      for (const auto& result : results) std::cout << cases_to_text(result);
    }
    std::cout << to_text(results);
  }
  if (!arguments.json.empty()) write_file(arguments.json, to_json(results));
  const bool held = std::all_of(results.begin(), results.end(),
                                [](const auto& suite) { return suite.failure().empty(); });
  return held ? kOk : kCannotFinish;
}

int list(const Arguments& arguments) {
  const LoadOptions options = load_options(arguments);
  const Library library(library_folders(fs::current_path(), options));
  const std::string kind = arguments.target.empty() ? "" : arguments.target + "/";
  int found = 0;
  std::vector<std::string> kinds;  // those of entries, which are sorted
  for (const std::string& entry : library.entries()) {
    const std::string own = entry.substr(0, entry.find('/'));
    if (kinds.empty() || kinds.back() != own) kinds.push_back(own);
    if (entry.rfind(kind, 0) != 0) continue;
    std::cout << entry << '\n';
    ++found;
  }
  if (found > 0) return kOk;
  throw ConfigError(fmt::format("no library entries of kind '{}'; expected one of {}{}",
                                arguments.target, fmt::join(kinds, ", "),
                                did_you_mean(arguments.target, kinds)));
}

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  if (stream) return text.str();
  throw ConfigError(fmt::format("{}: cannot be read", file.string()));
}

int schema(const Arguments& arguments, const Registry& registry) {
  const std::vector<Table> tables = schema_tables(registry);
  for (const std::string& file : arguments.files) {
    write_file(file, with_tables(text_of(file), tables));
  }
  std::vector<std::string> known;
  for (const Table& table : tables) known.push_back(table.name);
  if (arguments.names.empty() && arguments.files.empty()) {
    std::sort(known.begin(), known.end());
    for (const std::string& name : known) std::cout << name << '\n';
  }
  for (const std::string& name : arguments.names) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end()) {
      throw ConfigError(fmt::format("no table '{}'{}; `orrery schema` lists them", name,
                                    did_you_mean(name, known)));
    }
    std::cout << to_markdown(tables[static_cast<std::size_t>(found - known.begin())]);
  }
  return kOk;
}

}  // namespace

int execute(const Arguments& arguments, const Registry& registry) {
  switch (arguments.command) {
    case Command::Run:
      return run(arguments, registry);
    case Command::Check:
      return check(arguments, registry);
    case Command::Plan:
      return plan(arguments, registry);
    case Command::Validate:
      return validate(arguments, registry);
    case Command::List:
      return list(arguments);
    case Command::Schema:
      return schema(arguments, registry);
  }
  return kBug;
}

}  // namespace orrery::cli
