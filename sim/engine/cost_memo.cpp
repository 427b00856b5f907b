#include "engine/cost_memo.hpp"

#include <bit>

namespace orrery {
namespace {

template <class Enum>
double number(Enum value) {
  return static_cast<double>(static_cast<int>(value));
}

}  // namespace

CostMemo::Key CostMemo::key_of(const Work& work, const OperatingPoint& point) {
  Key key{};
  std::size_t next = 0;
  const auto add = [&](double value) { key[next++] = value; };
  add(number(point.regime));
  add(point.compute_share);
  add(point.memory_share);
  add(point.slowest_deviations);
  add(point.clock);
  add(point.temperature.kelvin());
  add(point.power_cap.si());
  add(point.clock_limit.si());
  add(point.beside.si());
  if (const auto* gemm = std::get_if<Gemm>(&work.shape)) {
    add(1);
    for (const double value : {gemm->m, gemm->n, gemm->k, gemm->batch}) add(value);
    add(number(gemm->dtype));
    add(gemm->output_size.si());
    add(gemm->accumulate ? 1 : 0);
  } else if (const auto* flash = std::get_if<FlashAttention>(&work.shape)) {
    add(2 + 2 * number(flash->version) + (flash->backward ? 1 : 0));
    add((flash->causal ? 1 : 0) + 2 * number(flash->dtype));
    for (const double value : {flash->batch, flash->heads, flash->kv_heads, flash->query_length,
                               flash->key_length, flash->head_dim, flash->value_dim}) {
      add(value);
    }
    add(-1);
  } else {
    const auto& kernel = std::get<MemoryBound>(work.shape);
    add(-2);
    add(kernel.bytes.si());
    add(kernel.flops.si());
  }
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
