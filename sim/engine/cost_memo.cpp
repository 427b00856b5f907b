#include "engine/cost_memo.hpp"

#include <bit>
#include <type_traits>

namespace orrery {
namespace {

// Writes what a key is made of. Structures are taken apart by structured bindings: a field that is
// added to one does not compile until it is part of the key.
class KeyWriter {
 public:
  explicit KeyWriter(CostMemo::Key& key) : key_(key) {}

  void add(double value) { key_[next_++] = value; }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void add(Enum value) {
    add(static_cast<double>(static_cast<int>(value)));
  }
  template <class... Values>
  void all(const Values&... values) {
    static_assert(sizeof...(values) <= CostMemo::kFields);
    (add(values), ...);
  }

 private:
  CostMemo::Key& key_;
  std::size_t next_ = 0;
};

void write(const OperatingPoint& point, KeyWriter& key) {
  const auto& [regime, compute, memory, deviations, clock, die, cap, limit, beside] = point;
  key.all(regime, compute, memory, deviations, clock, die.kelvin(), cap.si(), limit.si(),
          beside.si());
}

void write(const Gemm& gemm, KeyWriter& key) {
  const auto& [m, n, k, batch, dtype, output, accumulate] = gemm;
  key.all(m, n, k, batch, dtype, output.si(), static_cast<double>(accumulate));
}

void write(const FlashAttention& flash, KeyWriter& key) {
  const auto& [version, backward, causal, batch, heads, kv_heads, queries, keys, head, value,
               dtype] = flash;
  key.all(version, static_cast<double>(backward), static_cast<double>(causal), batch, heads,
          kv_heads, queries, keys, head, value, dtype);
}

void write(const MemoryBound& kernel, KeyWriter& key) {
  const auto& [bytes, flops] = kernel;
  key.all(bytes.si(), flops.si());
}

}  // namespace

CostMemo::Key CostMemo::key_of(const Work& work, const OperatingPoint& point) {
  Key key{};
  KeyWriter writer(key);
  write(point, writer);
  writer.add(static_cast<double>(work.shape.index()));
  // A shape without an overload does not compile.
  std::visit([&](const auto& shape) { write(shape, writer); }, work.shape);
  return key;
}

// FNV-1a over the numbers' bits.
std::size_t CostMemo::Hash::operator()(const Key& key) const {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const double value : key) {
    hash = (hash ^ std::bit_cast<std::uint64_t>(value)) * 0x100000001b3ULL;
  }
  return static_cast<std::size_t>(hash ^ (hash >> 32));
}

Cost CostMemo::cost(const Work& work, const OperatingPoint& point) const {
  const Key key = key_of(work, point);
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  return known_.emplace(key, accelerator_.cost(work, point)).first->second;
}

}  // namespace orrery
