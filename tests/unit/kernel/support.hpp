#pragma once
/// What the suites of Kernel share: they run on the engine's kernel and on the reference.

#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/reference_kernel.hpp"

namespace orrery {

using MakeKernel = std::unique_ptr<Kernel> (*)();

/// Completions with their dates; `then` may start more.
struct Recorder final : CompletionHandler {
  struct Completion {
    Token token;
    double date;  // s
  };
  explicit Recorder(Kernel& k) : kernel(k) {}
  void completed(std::span<const Token> tokens) override {
    batches.emplace_back(tokens.begin(), tokens.end());
    for (const Token token : tokens) {
      order.push_back({token, kernel.now().si()});
      if (then) then(token);
    }
  }
  [[nodiscard]] double date_of(Token token) const {
    for (const Completion& completion : order) {
      if (completion.token == token) return completion.date;
    }
    return std::nan("");
  }
  [[nodiscard]] std::vector<Token> tokens() const {
    std::vector<Token> result;
    for (const Completion& completion : order) result.push_back(completion.token);
    return result;
  }
  Kernel& kernel;
  std::function<void(Token)> then;
  std::vector<std::vector<Token>> batches;
  std::vector<Completion> order;
};

// SimGrid's clock is older than the kernel: a few roundings of seconds.
inline constexpr double kRounding = 1e-12;
inline constexpr BytesPerSecond kUnlimited{1e30};

/// A flow over some resources, of which it takes as much as it advances.
inline void start_over(Kernel& kernel, const std::vector<Kernel::Resource>& resources, double size,
                       Token token, BytesPerSecond bound = kUnlimited, double weight = 1) {
  std::vector<Demand> demands;
  for (const Kernel::Resource resource : resources) demands.push_back({.resource = resource});
  kernel.start_flow({.demands = demands, .size = Bytes(size), .bound = bound, .weight = weight},
                    token);
}

class KernelConformance : public testing::TestWithParam<MakeKernel> {
 protected:
  std::unique_ptr<Kernel> kernel = GetParam()();
};

inline std::string kernel_name(const testing::TestParamInfo<MakeKernel>& tested) {
  return tested.index == 0 ? "Engine" : "Reference";
}

}  // namespace orrery
