"""Runs a check on files, two or more at once, and none again that passed as it is now: ccache remembers (remembered-check)."""
import hashlib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
WRAPPER = ROOT / "scripts/cmake/remembered-check"


INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.M)
FOLDERS = [ROOT / folder for folder in ("sim/include", "models/include", "sim", "models")]


def own_texts(file, seen):
    """The text of `file` and of what it includes of this project, each once."""
    file = Path(os.path.normpath(file))
    if file in seen:
        return
    seen.add(file)
    text = file.read_text()
    yield text
    for name in INCLUDE.findall(text):
        found = next((folder / name for folder in [file.parent, *FOLDERS] if (folder / name).is_file()), None)
        if found:
            yield from own_texts(found, seen)


def system_versions():
    """What decides the text of every other header."""
    return subprocess.run(["dpkg-query", "-W", "*-dev", "g++*"], capture_output=True, text=True, check=True).stdout


def run(check, depends_on, jobs, folder):
    """Runs the command `check` on the file of each job, (file, compile flags), and yields (file, what went wrong or None) in
    their order. `depends_on` is what, besides the file, what it includes and the flags, decides: versions and settings."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = [check, WRAPPER.read_text(), system_versions(), *depends_on]
    key = hashlib.sha256("\n".join(everything).encode()).hexdigest()
    environment = {**os.environ, "ORRERY_CHECK": check, "CCACHE_NODIRECT": "1", "CCACHE_COMPILERTYPE": "gcc",
                   "CCACHE_COMPILERCHECK": f"string:{key}"}

    def one(job):
        file, flags = job
        mark = folder / (hashlib.sha256(str(file).encode()).hexdigest()[:16] + ".o")
        texts = mark.with_suffix(".texts")
        texts.write_text("".join(own_texts(ROOT / file, set())))
        result = subprocess.run(["ccache", WRAPPER, *flags, "-c", file, "-o", mark], cwd=ROOT, capture_output=True, text=True,
                                env={**environment, "ORRERY_TEXTS": str(texts)})
        return file, None if result.returncode == 0 else result.stderr

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(one, jobs)
