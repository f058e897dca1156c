"""What the contestants share: reading their arguments, keeping time, saying what came out."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

#: does the job of a shape and a size in a folder
Job = Callable[[str, int, str], None]


def touch(path: str) -> None:
    """The work of a task."""
    with open(path, "wb"):
        pass


def compete(system: Callable[[str], AbstractContextManager[Job]]) -> None:
    """Start the system (which is given a folder for whatever it needs), do the job, print the times."""
    shape, size, folder = sys.argv[1:]
    n = int(size)
    target, scratch = f"{folder}/out", f"{folder}/scratch"
    os.mkdir(target)
    os.mkdir(scratch)
    began = time.perf_counter()
    with system(scratch) as job:
        started = time.perf_counter()
        job(shape, n, target)
        done = time.perf_counter()
    found = len(os.listdir(target))
    if found != n:
        sys.exit(f"{found} files instead of {n}")
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_s = sum(each.ru_utime + each.ru_stime for each in usage)
    print(json.dumps({"start_s": started - began, "job_s": done - started, "cpu_s": cpu_s}))
