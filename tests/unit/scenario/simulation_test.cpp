#include <orrery/simulation.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <orrery/builtin.hpp>

namespace orrery {
namespace {

/// A device with one parameter of its own, as README.md shows.
class Chip final : public Accelerator {
 public:
  explicit Chip(Reader& reader) : rate_(reader.positive<FlopsPerSecond>("rate")) {
    reader.finish();
  }
  Cost cost(const Work& work, const OperatingPoint&) const override {
    return {.time = work.flops() / static_cast<double>(work.repeat) / rate_};
  }
  const std::string& name() const override { return name_; }
  Bytes memory_capacity() const override { return gigabytes(80); }
  FlopsPerSecond peak(Dtype) const override { return rate_; }
  bool supports(Dtype) const override { return true; }
  BytesPerSecond memory_bandwidth() const override { return gigabytes(1) / Seconds(1); }
  int multiprocessors() const override { return 1; }

 private:
  std::string name_ = "chip";
  FlopsPerSecond rate_;
};

Registry with_chip() {
  Registry registry = builtin_registry();
  registry.accelerators.add("chip.mine",
                            [](Reader& reader) { return std::make_unique<const Chip>(reader); });
  return registry;
}

Scenario scenario(const std::string& accelerator) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  const std::string yaml = "system: {server: {use: servers/dgx-h100, accelerator: " + accelerator +
                           "}}\nworkload: {kind: gemm, m: 1000, n: 1000, k: 1000}\n";
  return make_scenario(parse_yaml(yaml, "mine.yaml"), library, {});
}

TEST(Simulation, RunsAnInlineDeviceInTheLibrarysServer) {
  const Report report =
      Simulation(scenario("{model: chip.mine, rate: 400 TFLOP/s}"), with_chip()).run();
  EXPECT_EQ(report.accelerator, "chip");
  EXPECT_DOUBLE_EQ(report.throughput->step_time.si(), 2e9 / 400e12);
}

TEST(Simulation, ReportsOnlyWhatAnInlineDeviceItselfGetsWrong) {
  try {
    (void)Simulation(scenario("{model: chip.mine, rat: 400 TFLOP/s}"), with_chip()).run();
    FAIL() << "no error";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.messages().size(), 2U) << error.what();  // missing 'rate', unknown 'rat'
  }
}

TEST(Simulation, KeepsItsRegistryWhateverBecomesOfTheCallers) {
  Registry registry = with_chip();
  const Simulation simulation(scenario("{model: chip.mine, rate: 400 TFLOP/s}"), registry);
  registry = Registry{};
  EXPECT_EQ(simulation.run().accelerator, "chip");
}

// Twelve servers on one leaf: one with a slow card, the last two of another build.
TEST(DrawMachine, SaysWhichServersAreAlike) {
  const Library library({std::string(ORRERY_SOURCE_DIR) + "/configs"});
  const Scenario scenario = make_scenario(
      parse_yaml("system: {use: clusters/eos, servers: 12, degraded: [{devices: server3.gpu1, "
                 "scale_up: 0.5}], mixed: [{servers: 2, server: {use: servers/dgx-h200}}]}\n"
                 "workload: {kind: collective, collective: all_reduce, bytes: 1 GB}\n",
                 "draw.yaml"),
      library, {});
  const std::string text = draw_machine(scenario, builtin_registry());
  EXPECT_NE(text.find("drawn: servers 0, 3, 10\n"
                      "servers 0-2, 4-9 are alike\n"
                      "server 3 is like no other\n"
                      "servers 10-11 are alike\n"),
            std::string::npos)
      << text;
  // Half of 450 GB/s.
  EXPECT_NE(text.find("225.0 GB/s"), std::string::npos);
}

}  // namespace
}  // namespace orrery
