"""Contestants in turn, round after round, each in a process of its own.

A shared machine is faster in one minute than in the next. So nobody gets all of his runs at a stretch:
a round runs everybody once, and what counts is the median over the rounds.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Sample = dict[str, Any]


def run(module: str, *args: object, timeout_s: float = 300) -> Sample | None:
    """Run a module of this package; return the JSON object in its last line, None when it failed."""
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, args)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        print(f"  {module} {args}: not done within {timeout_s:g} s", file=sys.stderr, flush=True)
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with whatever it left behind
        process.communicate()
    if process.returncode:
        print(f"  {module} {args}: exit {process.returncode}\n{err[-2000:]}", file=sys.stderr, flush=True)
        return None
    return json.loads(out.strip().splitlines()[-1])


def rounds(
    contestants: Mapping[str, Sequence[object]], n: int, timeout_s: float = 300
) -> dict[str, list[Sample]]:
    """Run every contestant (name → module and its arguments) once in each of `n` rounds.

    Whoever fails is not tried again.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in contestants}
    out: set[str] = set()
    for _ in range(n):
        for name, (module, *args) in contestants.items():
            if name in out:
                continue
            sample = run(str(module), *args, timeout_s=timeout_s)
            if sample is None:
                out.add(name)
            else:
                samples[name].append(sample)
    return samples


def median(samples: Iterable[Sample], key: str) -> float | None:
    """The median of one figure; None without samples."""
    values = [sample[key] for sample in samples if sample.get(key) is not None]
    return statistics.median(values) if values else None
