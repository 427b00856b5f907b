#!/usr/bin/env python3
"""scripts/layers finds what it must: includes planted into a copy of the sources. Called by ctest with the root of the tree."""
import importlib.machinery
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(sys.argv.pop(1)).resolve()
SCRIPT = ROOT / "scripts" / "layers"
loader = importlib.machinery.SourceFileLoader("layers", str(SCRIPT))
layers = importlib.util.module_from_spec(importlib.util.spec_from_loader("layers", loader))
sys.dont_write_bytecode = True
loader.exec_module(layers)

# File, include, and what must be said of it: at least one arrow up for every room, every third party outside of its files, and
# the ways to write an include that a search for text overlooks.
PLANTED = [
    # Passed the former check: folders that it did not name, and rooms that its patterns left out.
    ("sim/job/fleet.cpp", '"study/plan_spec.hpp"', "job may not include study"),
    ("sim/job/ledger.hpp", '"scenario/machine.hpp"', "job may not include scenario"),
    ("sim/telemetry/write_csv.cpp", '"engine/executor.hpp"', "telemetry may not include engine"),
    ("sim/engine/tiling.cpp", '"job/fleet.hpp"', "engine may not include job"),
    ("sim/install/installation.cpp", "<orrery/platform.hpp>", "install may not include platform"),
    ("sim/kernel/event_kernel.cpp", '"thermal/network.hpp"', "kernel may not include thermal"),
    ("sim/platform/layout.cpp", '"thermal/network.hpp"', "platform may not include thermal"),
    # A room each.
    ("sim/include/orrery/error.hpp", "<orrery/quantity.hpp>", "errors may not include units"),
    ("sim/units/to_text.cpp", "<orrery/reader.hpp>", "units may not include config"),
    ("sim/config/csv.cpp", "<orrery/platform.hpp>", "config may not include platform"),
    ("sim/include/orrery/reader.hpp", "<orrery/work.hpp>", "config may not include contracts"),
    ("sim/telemetry/write_csv.cpp", "<orrery/program.hpp>", "telemetry may not include program"),
    ("sim/kernel/kernel.hpp", "<orrery/program.hpp>", "kernel may not include program"),
    ("sim/thermal/network.cpp", "<orrery/accelerator.hpp>", "thermal may not include contracts"),
    ("sim/include/orrery/accelerator.hpp", "<orrery/platform.hpp>", "contracts may not include platform"),
    ("sim/platform/layout.cpp", "<orrery/outline.hpp>", "platform may not include program"),
    ("sim/program/outline.cpp", '"engine/cost_table.hpp"', "program may not include engine"),
    ("sim/engine/cost_table.cpp", "<orrery/report.hpp>", "engine may not include report"),
    ("sim/include/orrery/step_result.hpp", "<orrery/operation_report.hpp>", "engine may not include job"),
    ("sim/job/job_environment.cpp", "<orrery/report.hpp>", "job may not include report"),
    ("sim/job/job_environment.cpp", "<orrery/registry.hpp>", "job may not include registry"),
    ("sim/include/orrery/workload.hpp", "<orrery/step_result.hpp>", "folding may not include engine"),
    ("sim/sdk/sequence.cpp", "<orrery/report.hpp>", "sdk may not include report"),
    ("sim/engine/tiling.cpp", "<orrery/sdk/sequence.hpp>", "engine may not include sdk"),
    ("sim/include/orrery/registry.hpp", "<orrery/scenario.hpp>", "registry may not include scenario"),
    ("sim/scenario/scenario.cpp", "<orrery/plan.hpp>", "scenario may not include study"),
    ("sim/report/summary.cpp", "<orrery/simulation.hpp>", "report may not include study"),
    ("sim/report/summary.cpp", '"kernel/kernel.hpp"', "report may not include kernel"),
    ("sim/study/plan.cpp", "<orrery/builtin.hpp>", "study may not include builtin"),
    ("sim/study/plan.cpp", '"accelerator/gpu.hpp"', "study may not include models/accelerator"),
    ("sim/cli/main.cpp", '"engine/executor.hpp"', "cli may not include engine"),
    ("sim/cli/main.cpp", '"accelerator/gpu.hpp"', "cli may not include models/accelerator"),
    ("models/accelerator/gpu.cpp", '"engine/cost_table.hpp"', "models/accelerator may not include engine"),
    ("models/accelerator/gpu.cpp", '"cooling/reading.hpp"', "models/accelerator may not include models/cooling"),
    ("models/collective/nccl.cpp", "<orrery/workload.hpp>", "models/collective may not include folding"),
    ("models/cooling/heat_chain.cpp", "<orrery/platform.hpp>", "models/cooling may not include platform"),
    ("models/workload/groups.cpp", "<orrery/simulation.hpp>", "models/workload may not include study"),
    ("models/builtin.cpp", "<orrery/report.hpp>", "builtin may not include report"),
    ("tests/api/consumer/main.cpp", '"engine/executor.hpp"', "consumer may not include engine"),
    # Third parties.
    ("sim/engine/executor.cpp", "<simgrid/s4u.hpp>", "simgrid is for"),
    ("sim/config/csv.cpp", "<yaml-cpp/yaml.h>", "yaml-cpp is for"),
    ("sim/platform/layout.cpp", "<boost/graph/graph_traits.hpp>", "boost is for"),
    ("models/cooling/heat_chain.cpp", "<Eigen/Dense>", "Eigen is for"),
    ("sim/report/summary_text.hpp", "<nlohmann/json_fwd.hpp>", "nlohmann is for"),
    ("sim/scenario/scenario.cpp", "<nlohmann/json.hpp>", "nlohmann is for"),
    ("sim/scenario/scenario.cpp", "<openssl/sha.h>", "openssl is for"),
    ("sim/study/plan.cpp", "<CLI/CLI.hpp>", "CLI is for"),
    ("sim/cli/commands.cpp", "<CLI/CLI.hpp>", "CLI is for"),
    ("sim/include/orrery/report.hpp", "<fmt/core.h>", "fmt is for"),
    ("sim/engine/tiling.cpp", "<gtest/gtest.h>", "gtest is for"),
    ("sim/engine/tiling.cpp", "<curl/curl.h>", "curl is in no list"),
    ("sim/engine/tiling.cpp", "<sys/stat.h>", "sys is for"),
    ("sim/engine/tiling.cpp", "<unistd.h>", "unistd.h is for"),
    ("sim/engine/tiling.cpp", "<dlfcn.h>", "dlfcn.h is for"),
    ("sim/engine/tiling.cpp", "<link.h>", "link.h is for"),
    # Other ways to write it.
    ("sim/units/to_text.cpp", '"../study/plan_spec.hpp"', "units may not include study"),
    ("sim/units/to_text.cpp", "<study/plan_spec.hpp>", "units may not include study"),
    ("sim/engine/tiling.cpp", '"../../models/accelerator/gpu.hpp"', "engine may not include models/accelerator"),
    ("sim/engine/tiling.cpp", '"engine/no_such_file.hpp"', "no such file"),
    ("sim/engine/tiling.cpp", '"engine/cost_table.cpp"', "a .cpp is not included"),
]


class Layers(unittest.TestCase):
    def test_every_planted_include_is_found(self):
        for path, include, expected in PLANTED:
            for line in (f"#include {include}\n", f"  #  include {include} // why\n"):
                with self.subTest(path=path, include=include):
                    self.assertTrue((ROOT / path).is_file(), f"{path}: plant it elsewhere")
                    found = list(layers.violations(ROOT, path, line))
                    self.assertEqual(len(found), 1, found)
                    self.assertRegex(found[0], f"^{path}:1: {expected}")

    def test_every_room_has_a_planted_include(self):
        planted = {layers.room_of(path) for path, _, _ in PLANTED}
        rooms = {layers.room_of(path) for path in layers.sources(ROOT)}
        self.assertEqual(rooms - planted - {"tests"}, set(), "plant an include that these may not have")
        self.assertEqual(rooms - set(layers.ALLOWED), set())
        parties = {expected.removesuffix(" is for") for _, _, expected in PLANTED if expected.endswith(" is for")}
        self.assertEqual(set(layers.THIRD_PARTIES) - parties, set())

    def test_rooms_have_no_cycle(self):
        def above(room, path):
            self.assertNotIn(room, path, f"{path} come back to {room}")
            for other in layers.ALLOWED[room] & set(layers.ALLOWED):
                above(other, path + [room])
        for room in layers.ALLOWED:
            above(room, [])

    def test_the_script_fails_on_a_planted_tree_and_on_what_has_no_room(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder).resolve()
            for part in ("sim", "models", "tests"):
                shutil.copytree(ROOT / part, copy / part, ignore=lambda at, names: [
                    n for n in names if not (Path(at) / n).is_dir() and not n.endswith((".cpp", ".hpp"))])
            self.assertEqual(self.output_of(copy), (0, ""))
            (copy / "sim/job/fleet.cpp").write_text('#include "cli/cli.hpp"\n')
            (copy / "sim/cli/cli.hpp").write_text("")
            (copy / "sim/attic").mkdir()
            (copy / "sim/attic/old.hpp").write_text("#include <orrery/error.hpp>\n")
            (copy / "sim/include/orrery/new.hpp").write_text("#include <orrery/error.hpp>\n")
            status, output = self.output_of(copy)
            self.assertEqual(status, 1)
            self.assertEqual(output.splitlines(), [
                "sim/attic/old.hpp:1: sim/attic/old.hpp has no room: name it in scripts/layers",
                "sim/include/orrery/new.hpp:1: sim/include/orrery/new.hpp has no room: name it in scripts/layers",
                "sim/job/fleet.cpp:1: job may not include cli (sim/cli/cli.hpp)"])

    def test_where_is_what_names_files_that_are_there(self):
        page = (ROOT / "sim/README.md").read_text().split("## Where is what")[1].split("\n## ")[0]
        named = re.findall(r"`([^`]+)`", page)
        self.assertGreater(len(named), 30)
        self.assertEqual([name for name in named if not (ROOT / name).is_file()], [])

    def output_of(self, root):
        run = subprocess.run([sys.executable, SCRIPT, root], capture_output=True, text=True)
        return run.returncode, run.stdout


unittest.main()
