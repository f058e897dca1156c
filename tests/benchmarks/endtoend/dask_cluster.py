"""dask.distributed: two processes of one thread, the graph as futures of futures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, LocalCluster, wait

from tests.benchmarks.endtoend.contest import Job, compete, touch
from tests.benchmarks.endtoend.shapes import deps_of


def touch_after(path: str, *deps: object) -> None:
    touch(path)


@contextmanager
def dask_cluster(scratch: str) -> Iterator[Job]:
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, local_directory=scratch
        ) as cluster,
        Client(cluster) as client,
    ):
        client.gather(client.map(touch, [f"{scratch}/first-{i}" for i in range(2)], pure=False))

        def job(shape: str, n: int, folder: str) -> None:
            futures: dict[int, Any] = {}
            order = reversed(range(n)) if shape == "tree" else range(n)
            for index in order:
                deps = [futures[dep] for dep in deps_of(shape, index, n)]
                futures[index] = client.submit(
                    touch_after, f"{folder}/{index}", *deps, key=f"touch-{index}", pure=False
                )
            wait(list(futures.values()))

        yield job


if __name__ == "__main__":
    compete(dask_cluster)
