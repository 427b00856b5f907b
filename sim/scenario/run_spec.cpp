#include "scenario/run_spec.hpp"

namespace orrery {

const Schema<Scenario>& run_schema() {
  using namespace schema;
  using S = Scenario;
  static const Schema<S> result(
      "run",
      {optional("ignore_memory", &S::ignore_memory, "as `--ignore-memory`"),
       optional("fidelity", &S::fidelity,
                Choices<Fidelity>{{"event", Fidelity::Event}, {"analytic", Fidelity::Analytic}},
                "as `--fidelity`"),
       optional("fold", &S::fold, "false: as `--no-fold`, every rank is simulated"),
       optional("coalesce", &S::coalesce, "false: every operation is an event of its own"),
       otherwise("the device's",
                 optional("cap", &S::power_cap, positive, "power cap of every device")),
       otherwise("the device's",
                 optional("clock", &S::clock, positive, "locked clock of every device")),
       optional("seed", &S::seed, whole(0, kMostExact),
                "draws devices: the server with the slowest is looked at by itself; without it all "
                "run as the slowest is expected to")},
      [](Reader& reader, S& scenario) {
        scenario.cap_at = reader.where("cap");
        scenario.clock_at = reader.where("clock");
      });
  return result;
}

namespace {

// Parts that others read: what is documented elsewhere, as `entry`.
std::vector<Binding<Scenario>> part_keys() {
  using namespace schema;
  using S = Scenario;
  return {entry("system", required("system", &S::system,
                                   "the machine: `{use: clusters/eos}`, or "
                                   "one server")),
          entry("training or another kind of workload",
                required("workload", &S::workload, "what it runs; read by its `kind`")),
          entry("environment", optional("environment", &S::environment, "surroundings")),
          entry("job", optional("job", &S::job, "the course of the job in time")),
          entry("record", optional("record", &S::record, "what is kept of it")),
          entry("plan", optional("plan", &S::plan, "what `orrery plan` searches"))};
}

}  // namespace

const Schema<Scenario>& scenario_schema() {
  using namespace schema;
  using S = Scenario;
  static const Schema<S> result(
      "scenario",
      std::vector{custom<S>({.key = "orrery", .doc = "what this file is: `scenario/1`"},
                            [](Reader&, S&) {}),
                  otherwise("the file's", optional("name", &S::name, "in reports")),
                  optional("description", &S::description, "one line for the summary")} +
          part_keys() +
          std::vector{custom<S>({.key = "run",
                                 .kind = Field::Kind::Map,
                                 .required = false,
                                 .doc = "how it is evaluated",
                                 .entry = "run"},
                                [](Reader& reader, S& scenario) {
                                  Reader run = reader.child("run", false);
                                  run_schema().read(run, scenario);
                                })});
  return result;
}

}  // namespace orrery
