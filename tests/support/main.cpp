// The main of every test executable. ctest runs them with GTEST_BRIEF=1, which prints what fails
// and no more; so a test that ends the whole process says its name here.
#include <array>
#include <csignal>
#include <cstring>
#include <string>

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

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::UnitTest::GetInstance()->listeners().Append(new RememberRunning);
  for (const int signal : {SIGABRT, SIGTERM, SIGFPE}) std::signal(signal, report);
#ifndef __SANITIZE_ADDRESS__  // which has a report of its own
  std::signal(SIGSEGV, report);
#endif
  return RUN_ALL_TESTS();
}
