"""doit with two processes; tasks are made from the shape, as a dodo file would make them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain

from tests.benchmarks.endtoend.contest import Job, compete, touch
from tests.benchmarks.endtoend.shapes import deps_of


@contextmanager
def doit_run(scratch: str) -> Iterator[Job]:
    def job(shape: str, n: int, folder: str) -> None:
        def task_touch() -> Iterator[dict[str, Any]]:
            for index in range(n):
                path = f"{folder}/{index}"
                yield {
                    "name": str(index),
                    "actions": [(touch, [path])],
                    "targets": [path],
                    "task_dep": [f"touch:{dep}" for dep in deps_of(shape, index, n)],
                }

        loader = ModuleTaskLoader({"task_touch": task_touch})
        database = f"{scratch}/doit-{n}.db"
        code = DoitMain(loader).run(
            ["run", "-n", "2", "--db-file", database, "--reporter", "zero", "--verbosity", "0"]
        )
        if code:
            raise RuntimeError(f"doit ended with {code}")

    os.environ.setdefault("TMPDIR", scratch)
    job("flat", 2, scratch)
    yield job


if __name__ == "__main__":
    compete(doit_run)
