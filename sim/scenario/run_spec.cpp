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

}  // namespace orrery
