"""Users bring their own pipelines: their shape into a simulation, and drawn shapes into their own tests."""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorsched import LocalTarget, Task, build
from actorsched.errors import ConfigError
from actorsched.simulation import (
    Case,
    Plan,
    Simulation,
    cases,
    fault_plans,
    hostile_options,
    plans_of,
    task_graphs,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Luigi's own
    import luigi

BOUNDED = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class Drawn(Task):
    """A native pipeline whose shape is drawn."""

    name: str
    folder: str
    plans: ClassVar[dict[str, Plan]] = {}

    def requires(self) -> Any:
        return [type(self)(name=need, folder=self.folder) for need in self.plans[self.name].deps]

    def output(self) -> Any:
        return LocalTarget(Path(self.folder, self.name))

    def run(self) -> None:
        assert all(need.output().exists() for need in self.requires())
        with self.output().open("w") as file:
            file.write(self.name)


class DrawnLuigi(luigi.Task):  # type: ignore[misc]
    """The same, as Luigi has it."""

    name = luigi.Parameter()
    folder = luigi.Parameter()
    plans: ClassVar[dict[str, Plan]] = {}

    requires, run = Drawn.requires, Drawn.run

    def output(self) -> Any:
        return luigi.LocalTarget(f"{self.folder}/{self.name}")


@pytest.mark.parametrize("kind", [Drawn, DrawnLuigi])
@BOUNDED
@given(graph=task_graphs(max_tasks=6, troubles=(), dynamic=False, external=False))
def test_a_drawn_graph_is_run_by_tasks_of_the_user(kind: Any, graph: tuple[Plan, ...]) -> None:
    """`task_graphs` is of use outside of a simulation, too."""
    kind.plans = {plan.name: plan for plan in graph}
    with TemporaryDirectory() as folder:
        done = build([kind(name=plan.name, folder=folder) for plan in graph], execution="inline")
        assert done.status.name == "SUCCESS"
        assert sorted(path.name for path in Path(folder).iterdir()) == sorted(kind.plans)


class Extract(Task):
    day: int
    priority = 3

    def run(self) -> None: ...


class Outside(luigi.ExternalTask):  # type: ignore[misc]
    pass


class Load(luigi.Task):  # type: ignore[misc]
    """A mixed pipeline: Luigi's task, and what it needs."""

    resources: ClassVar[dict[str, int]] = {"disk": 2}
    retry_count = 2

    def requires(self) -> Any:
        return {"days": [Extract(day=1), Extract(day=2)], "outside": Outside()}

    def run(self) -> None: ...


def test_the_plans_of_a_pipeline_have_its_shape() -> None:
    plans = {plan.name.partition("_")[0]: plan for plan in plans_of(Load(), duration_s=3.0)}
    assert plans["Extract"].priority == 3
    assert plans["Outside"].appears_s == 0.0
    load = plans["Load"]
    assert len(load.deps) == 3
    assert (load.resources, load.retry_count, load.duration_s) == ({"disk": 2}, 2, 3.0)
    assert list(plans)[-1] == "Load"


@BOUNDED
@given(
    cases(
        graphs=st.just(plans_of(Load())),
        faults=fault_plans(["w1", "w2", "scheduler"], max_faults=2, within_s=30),
        options=hostile_options(hostile_s=60.0),
    )
)
def test_a_pipeline_of_the_user_survives(case: Case) -> None:
    report = Simulation.of(case).run()
    assert report.ok, report.describe()
    assert report.complete == 4


def test_a_pipeline_that_cannot_say_what_it_needs_is_refused() -> None:
    class Broken(Task):
        def requires(self) -> Any:
            raise LookupError("no such day")

    with pytest.raises(ConfigError, match=r"Broken\(\) makes no plan: LookupError: no such day"):
        plans_of(Broken())
