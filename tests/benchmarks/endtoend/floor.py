"""The floor: the standard library's process pool and a loop that respects the dependencies.

It knows no completeness, no priorities, no failures, and holds no state that could be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

from tests.benchmarks.endtoend.contest import Job, compete, touch
from tests.benchmarks.endtoend.shapes import deps_of


@contextmanager
def pool(scratch: str) -> Iterator[Job]:
    with ProcessPoolExecutor(2) as executor:
        list(executor.map(touch, [f"{scratch}/{i}" for i in range(2)]))

        def job(shape: str, n: int, folder: str) -> None:
            missing: dict[int, int] = {}
            waiting: dict[int, list[int]] = {}
            done: SimpleQueue[tuple[int, Future[None]]] = SimpleQueue()

            def submit(index: int) -> None:
                future = executor.submit(touch, f"{folder}/{index}")
                future.add_done_callback(lambda future: done.put((index, future)))

            for index in range(n):
                deps = deps_of(shape, index, n)
                missing[index] = len(deps)
                for dep in deps:
                    waiting.setdefault(dep, []).append(index)
            for index in range(n):
                if not missing[index]:
                    submit(index)
            for _ in range(n):
                index, future = done.get()
                future.result()
                for dependent in waiting.pop(index, ()):
                    missing[dependent] -= 1
                    if not missing[dependent]:
                        submit(dependent)

        yield job


if __name__ == "__main__":
    compete(pool)
