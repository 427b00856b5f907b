#include <functional>

#include "sdk/findings.hpp"

namespace orrery {
namespace {

// Rounding of a model's own sums.
constexpr double kRounding = 1e-9;
constexpr Dtype kDtypes[] = {Dtype::Fp32, Dtype::Tf32, Dtype::Fp16,
                             Dtype::Bf16, Dtype::Fp8,  Dtype::Int8};

struct Named {
  std::string name;
  Work less, more;  // `more` is the same with every length doubled
};

Work product(Dtype dtype, double size) {
  return {.name = "product", .shape = Gemm{.m = size, .n = size, .k = size, .dtype = dtype}};
}

Work attention(Dtype dtype, double length, bool backward) {
  return {.name = "attention",
          .shape = FlashAttention{.backward = backward,
                                  .heads = 16,
                                  .kv_heads = 16,
                                  .query_length = length,
                                  .key_length = length,
                                  .dtype = dtype}};
}

Work copy(double bytes) { return {.name = "copy", .shape = MemoryBound{.bytes = Bytes(bytes)}}; }

std::vector<Named> kernels_of(const Accelerator& device) {
  std::vector<Named> kernels;
  for (const Dtype dtype : kDtypes) {
    if (!device.supports(dtype)) continue;
    for (const double size : {64.0, 1024.0, 8192.0}) {
      kernels.push_back({fmt::format("{} product of {}", to_text(dtype), size),
                         product(dtype, size), product(dtype, 2 * size)});
    }
  }
  for (const bool backward : {false, true}) {
    if (!device.supports(Dtype::Bf16)) break;
    kernels.push_back({backward ? "attention backward" : "attention",
                       attention(Dtype::Bf16, 2048, backward),
                       attention(Dtype::Bf16, 4096, backward)});
  }
  for (const double bytes : {1e3, 1e6, 1e9}) {
    kernels.push_back({fmt::format("copy of {} bytes", bytes), copy(bytes), copy(2 * bytes)});
  }
  return kernels;
}

bool equal(const Cost& a, const Cost& b) {
  return a.time == b.time && a.bound == b.bound && a.clock == b.clock &&
         a.power.total() == b.power.total() && a.capped == b.capped;
}

bool negative(const BoardPower& power) {
  for (const Watts part :
       {power.fixed, power.leakage, power.clock, power.compute, power.memory, power.link}) {
    if (!sound(part.si())) return true;
  }
  return false;
}

class AcceleratorCheck {
 public:
  explicit AcceleratorCheck(const Accelerator& device) : device_(device) {}

  Findings run() {
    check_.guard("a fact of the device", [&] { facts(); });
    for (const Named& kernel : kernels_of(device_)) {
      for (const auto regime : {OperatingPoint::Regime::Burst, OperatingPoint::Regime::Sustained}) {
        check_.guard(kernel.name, [&] { times(kernel, {.regime = regime}); });
      }
      check_.guard(kernel.name, [&] { powers(kernel); });
    }
    return check_.take();
  }

 private:
  void facts() {
    check_.expect(!device_.name().empty(), "the device has no name");
    check_.expect(device_.memory_capacity() > Bytes(0), "memory_capacity() is not positive");
    check_.expect(device_.memory_bandwidth() > BytesPerSecond(0),
                  "memory_bandwidth() is not positive");
    check_.expect(device_.multiprocessors() > 0, "multiprocessors() is not positive");
    for (const Dtype dtype : kDtypes) {
      check_.expect(!device_.supports(dtype) || device_.peak(dtype) > FlopsPerSecond(0),
                    "peak({}) is not positive, but the format is supported", to_text(dtype));
    }
  }

  [[nodiscard]] Seconds time(const Work& work, const OperatingPoint& point) const {
    return device_.cost(work, point).time;
  }

  void times(const Named& kernel, const OperatingPoint& point) {
    const Cost cost = device_.cost(kernel.less, point);
    const Seconds longer = time(kernel.more, point);
    check_.expect(equal(cost, device_.cost(kernel.less, point)),
                  "{}: two equal calls of cost() differ", kernel.name);
    check_.expect(sound(cost.time.si()) && cost.time > Seconds(0),
                  "{}: the time is {} s, not positive and finite", kernel.name, cost.time.si());
    check_.expect(longer >= cost.time, "{}: twice the lengths take {}, less than {}", kernel.name,
                  to_text(longer), to_text(cost.time));
    Work often = kernel.less;
    often.repeat = 3;
    check_.expect(time(often, point) == cost.time, "{}: `repeat` changes the time of one launch",
                  kernel.name);
    bounds(kernel, cost);
    shares(kernel, point, cost.time);
  }

  void bounds(const Named& kernel, const Cost& cost) {
    if (const auto* gemm = std::get_if<Gemm>(&kernel.less.shape)) {
      const FlopsPerSecond rate = gemm->flops() / cost.time;
      check_.expect(rate <= device_.peak(gemm->dtype) * (1 + kRounding),
                    "{}: {} is above the peak of {}", kernel.name, to_text(rate),
                    to_text(device_.peak(gemm->dtype)));
    }
    const auto* copied = std::get_if<MemoryBound>(&kernel.less.shape);
    if (copied == nullptr || copied->bytes < Bytes(1e9)) return;  // a cache may hold less
    const BytesPerSecond rate = copied->bytes / cost.time;
    check_.expect(rate <= device_.memory_bandwidth() * (1 + kRounding),
                  "{}: {} is above the memory's {}", kernel.name, to_text(rate),
                  to_text(device_.memory_bandwidth()));
  }

  // What takes something away makes nothing faster.
  void shares(const Named& kernel, const OperatingPoint& point, Seconds whole) {
    const auto slower = [&](const char* what, OperatingPoint less) {
      const Seconds slowed = time(kernel.less, less);
      check_.expect(slowed >= whole * (1 - kRounding), "{}: with {} it takes {}, less than {}",
                    kernel.name, what, to_text(slowed), to_text(whole));
    };
    OperatingPoint less = point;
    less.clock = 0.5;
    slower("half the clock", less);
    less = point;
    less.memory_share = 0.5;
    slower("half the memory bandwidth", less);
    // Under a cap fewer multiprocessors run at a higher clock: only a burst shows them alone.
    if (point.regime != OperatingPoint::Regime::Burst) return;
    less = point;
    less.compute_share = 0.5;
    slower("half the multiprocessors", less);
  }

  void powers(const Named& kernel) {
    const PowerModel* power = device_.power();
    if (power == nullptr) return;
    const OperatingPoint point;
    const Cost cost = device_.cost(kernel.less, point);
    check_.expect(!negative(cost.power), "{}: a part of its power is negative", kernel.name);
    // What traffic to memory draws no clock can take away.
    check_.expect(cost.power.total() <= power->limit() * (1 + 1e-6) ||
                      cost.clock <= power->lowest_clock() * (1 + kRounding),
                  "{}: it draws {}, more than the cap of {}", kernel.name,
                  to_text(cost.power.total()), to_text(power->limit()));
    check_.expect(
        power->held(point).total() >= power->idle(point.temperature).total() * (1 - kRounding),
        "a process that holds the device draws less than an idle one");
    OperatingPoint less = point;
    less.power_cap = power->lowest_cap();
    check_.expect(time(kernel.less, less) >= cost.time * (1 - kRounding),
                  "{}: the lowest cap makes it faster", kernel.name);
    less = point;
    less.clock_limit = power->lowest_clock();
    check_.expect(time(kernel.less, less) >= cost.time * (1 - kRounding),
                  "{}: the lowest clock makes it faster", kernel.name);
  }

  const Accelerator& device_;
  Check check_;
};

}  // namespace

Findings check_accelerator(const Accelerator& device) { return AcceleratorCheck(device).run(); }

}  // namespace orrery
