"""The task of the comparison, as Luigi's."""

from __future__ import annotations

import luigi

from tests.benchmarks.endtoend.contest import touch
from tests.benchmarks.endtoend.shapes import deps_of, roots_of


class LuigiTouch(luigi.Task):
    shape = luigi.Parameter()
    n = luigi.IntParameter()
    folder = luigi.Parameter()
    index = luigi.IntParameter()

    def requires(self):
        return [self.clone(index=dep) for dep in deps_of(self.shape, self.index, self.n)]

    def output(self):
        return luigi.LocalTarget(f"{self.folder}/{self.index}")

    def run(self):
        touch(f"{self.folder}/{self.index}")


def luigi_job(shape: str, n: int, folder: str, **options: object) -> None:
    tasks = [LuigiTouch(shape, n, folder, index) for index in roots_of(shape, n)]
    if not luigi.build(tasks, workers=2, no_lock=True, log_level="ERROR", **options):
        raise RuntimeError("luigi failed")
