"""Runs a check on files, two or more at once, and none again that passed as it is now: ccache remembers (remembered-check)."""
import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WRAPPER = ROOT / "scripts/cmake/remembered-check"


def run(check, depends_on, jobs, folder):
    """Runs the command `check` on the file of each job, (file, compile flags), and yields (file, what went wrong or None) in
    their order. `depends_on` is what, besides the file, what it includes and the flags, decides: versions and settings."""
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256("\n".join([check, WRAPPER.read_text(), *depends_on]).encode()).hexdigest()
    environment = {**os.environ, "ORRERY_CHECK": check, "CCACHE_COMPILERTYPE": "gcc", "CCACHE_COMPILERCHECK": f"string:{key}"}

    def one(job):
        file, flags = job
        mark = folder / (hashlib.sha256(str(file).encode()).hexdigest()[:16] + ".o")
        result = subprocess.run(["ccache", WRAPPER, *flags, "-c", file, "-o", mark], cwd=ROOT, capture_output=True, text=True,
                                env=environment)
        return file, None if result.returncode == 0 else result.stderr

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(one, jobs)
