// The main of every test executable. ctest runs them with GTEST_BRIEF=1, which prints what fails
// and no more; so a test that ends the whole process says its name here.
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include <unistd.h>

namespace {

std::array<char, 512> running{};  // a signal handler must not allocate

class RememberRunning final : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo& test) override {
    const std::string text =
        std::string("ended the process: ") + test.test_suite_name() + "." + test.name() + "\n";
    std::strncpy(running.data(), text.c_str(), running.size() - 1);
  }
};

void report(int signal) {
  [[maybe_unused]] const auto written = write(2, running.data(), std::strlen(running.data()));
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// testing::TempDir() of this process: what runs beside it, of this build or another, has another.
class OwnFolder {
 public:
  OwnFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "orrery-test-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("no folder " + path);
    path_ = path;
    setenv("TEST_TMPDIR", path_.c_str(), 1);
  }
  ~OwnFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;

 private:
  std::filesystem::path path_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new RememberRunning);
  for (const int signal : {SIGABRT, SIGTERM, SIGFPE}) std::signal(signal, report);
#ifndef ORRERY_SANITIZED  // which has a report of its own
  std::signal(SIGSEGV, report);
#endif
  const OwnFolder folder;
  return RUN_ALL_TESTS();
}
