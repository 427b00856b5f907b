#pragma once
/// An accelerator that remembers what kernels cost, for searches that ask for the same ones again
/// and again.

#include <array>
#include <cstdint>
#include <unordered_map>

#include <orrery/accelerator.hpp>

namespace orrery {

/// Not thread-safe: one for each thread. Answers as the accelerator that it refers to.
class CostMemo final : public Accelerator {
 public:
  explicit CostMemo(const Accelerator& accelerator) : accelerator_(accelerator) {}

  [[nodiscard]] const std::string& name() const override { return accelerator_.name(); }
  [[nodiscard]] Bytes memory_capacity() const override { return accelerator_.memory_capacity(); }
  [[nodiscard]] FlopsPerSecond peak(Dtype dtype) const override { return accelerator_.peak(dtype); }
  [[nodiscard]] bool supports(Dtype dtype) const override { return accelerator_.supports(dtype); }
  [[nodiscard]] BytesPerSecond memory_bandwidth() const override {
    return accelerator_.memory_bandwidth();
  }
  [[nodiscard]] int multiprocessors() const override { return accelerator_.multiprocessors(); }
  [[nodiscard]] std::string caveat() const override { return accelerator_.caveat(); }
  [[nodiscard]] Cost cost(const Work& work, const OperatingPoint& point) const override;
  [[nodiscard]] const PowerModel* power() const override { return accelerator_.power(); }

  /// Every number of the operating point, which shape it is, and every number of the shape.
  static constexpr std::size_t kFields = 9 + 1 + 11;
  using Key = std::array<double, kFields>;

 private:
  struct Hash {
    std::size_t operator()(const Key& key) const;
  };
  static Key key_of(const Work& work, const OperatingPoint& point);

  const Accelerator& accelerator_;
  mutable std::unordered_map<Key, Cost, Hash> known_;
};

}  // namespace orrery
