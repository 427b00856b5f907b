#include <orrery/validation.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "study/suite_runner.hpp"

namespace orrery {
namespace {

// A suite on its way: rows in any order, results in that of the table.
struct Running {
  Running(const std::filesystem::path& file, const Library& library, const Registry& registry)
      : suite(read_suite(file)), runner(suite, library, registry) {
    suite.result.cases.resize(suite.table.rows.size());
  }
  Suite suite;
  SuiteRunner runner;
};

// Takes the rows of all suites one after the other.
class Workers {
 public:
  explicit Workers(std::vector<std::unique_ptr<Running>>& suites) {
    for (const auto& suite : suites) {
      for (std::size_t row = 0; row < suite->suite.table.rows.size(); ++row) {
        rows_.push_back({suite.get(), row});
      }
    }
  }

  void run(unsigned threads) {
    std::vector<std::thread> others;
    for (unsigned i = 1; i < threads; ++i) others.emplace_back([this] { work(); });
    work();
    for (std::thread& other : others) other.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  struct Row {
    Running* suite;
    std::size_t index;
  };

  void work() {
    for (std::size_t at = next_++; at < rows_.size(); at = next_++) {
      try {
        const auto [suite, index] = rows_[at];
        suite->suite.result.cases[index] = suite->runner.run(index);
      } catch (...) {
        fail(at);
        return;
      }
    }
  }

  // The failure of the first row is reported, whichever thread met one first: rows are taken in
  // order, and those that were taken before this one are finished.
  void fail(std::size_t at) {
    const std::lock_guard lock(mutex_);
    if (at < failed_at_) {
      failed_at_ = at;
      failure_ = std::current_exception();
    }
    next_ = rows_.size();
  }

  std::vector<Row> rows_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;  // of what follows
  std::size_t failed_at_ = static_cast<std::size_t>(-1);
  std::exception_ptr failure_;
};

// Libraries by their folders, so that suites of one folder share what was read.
const Library& library_for(const std::filesystem::path& suite, const LoadOptions& options,
                           std::map<std::vector<std::filesystem::path>, Library>& libraries) {
  const std::filesystem::path folder = suite.parent_path();
  const auto folders = library_folders(folder.empty() ? "." : folder, options);
  return libraries.try_emplace(folders, folders).first->second;
}

}  // namespace

std::vector<std::filesystem::path> validation_suites(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw ConfigError(fmt::format("{}: no such folder of validation suites", folder.string()));
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

SuiteResult validate_suite(const std::filesystem::path& file, const Registry& registry,
                           const LoadOptions& options) {
  return validate_suites({file}, registry, options, 1).front();
}

std::vector<SuiteResult> validate_suites(const std::vector<std::filesystem::path>& files,
                                         const Registry& registry, const LoadOptions& options,
                                         int threads) {
  std::map<std::vector<std::filesystem::path>, Library> libraries;
  std::vector<std::unique_ptr<Running>> suites;
  for (const std::filesystem::path& file : files) {
    suites.push_back(
        std::make_unique<Running>(file, library_for(file, options, libraries), registry));
  }
  const unsigned all = std::max(1U, std::thread::hardware_concurrency());
  Workers(suites).run(threads > 0 ? static_cast<unsigned>(threads) : all);
  std::vector<SuiteResult> results;
  for (const auto& suite : suites) results.push_back(std::move(suite->suite.result));
  return results;
}

}  // namespace orrery
