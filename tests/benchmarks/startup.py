"""A whole command for one task that does nothing, from the shell and back."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.rounds import Sample, median
from tests.benchmarks.table import show

OURS = """
from actorsched import Task
class Nothing(Task):
    def run(self): pass
"""
LUIGI = """
import luigi
class Nothing(luigi.Task):
    done = False
    def run(self): self.done = True
    def complete(self): return self.done
"""
DOIT = """
def task_nothing():
    return {"actions": [lambda: None]}
"""


def suite(n_rounds: int) -> None:
    bin_ = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("ours.py", OURS), ("theirs.py", LUIGI), ("dodo.py", DOIT)):
            Path(folder, name).write_text(text)
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "actorsched run": [str(bin_ / "actorsched"), "run", "ours.py", "Nothing"],
            "luigi": [str(bin_ / "luigi"), "--module", "theirs", "Nothing", "--local-scheduler"],
            "doit": [str(bin_ / "doit")],
        }
        environment = os.environ | {"PYTHONPATH": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody compiles a program for each start
        samples: dict[str, list[Sample]] = {}
        for _ in range(n_rounds + 1):
            for name, command in commands.items():
                began = time.perf_counter()
                done = subprocess.run(
                    command,
                    cwd=folder,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
                spent = time.perf_counter() - began
                if done.returncode:
                    print(f"  {name}: exit {done.returncode}\n{done.stderr[-1000:]}", file=sys.stderr)
                samples.setdefault(name, []).append({"s": spent})
    rows = [[name, median(found[1:], "s")] for name, found in samples.items()]
    show(f"one task that does nothing, whole command, medians of {n_rounds}", ["", "s"], rows)
