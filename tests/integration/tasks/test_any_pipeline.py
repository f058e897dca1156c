"""Any pipeline, from end to end: what runs, once; what fails, what is left; whether the result is true."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import actorsched
from actorsched import Task, WrapperTask
from actorsched.facade.result import RunResult

SIZE = 8


class Node(NamedTuple):
    """What a task of the pipeline does; it needs only nodes with higher numbers.

    Attributes:
        kind: "ok"; "done": complete from the start; "fails"; "lazy": its run changes nothing; "external":
            nobody makes it; "sick": its requires() raises; "mute": its complete() raises; "wrapper".
        static: what requires() gives; dynamic: what run() yields, one after the other.
    """

    kind: str
    static: tuple[int, ...]
    dynamic: tuple[int, ...]


KINDS = ["ok"] * 6 + ["done", "fails", "lazy", "external", "sick", "mute", "wrapper", "wrapper"]


@st.composite
def pipelines(draw: st.DrawFn) -> list[Node]:
    nodes = []
    for n in range(SIZE):
        others = st.lists(st.integers(n + 1, SIZE - 1), max_size=3) if n < SIZE - 1 else st.just([])
        kind = draw(st.sampled_from(KINDS))
        dynamic = tuple(draw(others)[:2]) if kind in ("ok", "fails", "lazy") else ()
        nodes.append(Node(kind, tuple(draw(others)), dynamic))
    mute = {n for n, node in enumerate(nodes) if node.kind == "mute"}

    def without_mute(numbers: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(n for n in numbers if n not in mute)

    # whoever asks a mute task while running fails, sooner or later, as chance will have it
    return [
        Node(
            node.kind,
            without_mute(node.static) if node.kind == "wrapper" else node.static,
            without_mute(node.dynamic),
        )
        for node in nodes
    ]


class World:
    """What the tasks of one example share: files in a folder, for they may run in other processes."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        plain = json.loads((self.folder / "nodes").read_text())
        self.nodes = [Node(kind, tuple(static), tuple(dynamic)) for kind, static, dynamic in plain]

    @classmethod
    def make(cls, folder: Path, nodes: list[Node]) -> World:
        (folder / "nodes").write_text(json.dumps(nodes))
        world = cls(str(folder))
        for n, node in enumerate(nodes):
            if node.kind == "done":
                world.note("done", n)
        return world

    def note(self, what: str, n: int) -> None:
        fd = os.open(self.folder / what, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, f"{n}\n".encode())
        os.close(fd)

    def noted(self, what: str) -> Counter[int]:
        file = self.folder / what
        return Counter(map(int, file.read_text().split())) if file.exists() else Counter()

    def task(self, n: int) -> Task:
        kind, folder = self.nodes[n].kind, str(self.folder)
        if kind == "external":
            return External(folder, n)
        return Wrapper(folder, n) if kind == "wrapper" else Step(folder, n)


class Step(Task):
    folder: str
    n: int

    def requires(self) -> Any:
        world = World(self.folder)
        node = world.nodes[self.n]
        if node.kind == "sick":
            raise ValueError("no idea")
        return [world.task(n) for n in node.static]

    def complete(self) -> bool:
        world = World(self.folder)
        if world.nodes[self.n].kind == "mute":
            raise OSError("away")
        return self.n in world.noted("done")

    def run(self) -> Any:
        world = World(self.folder)
        node = world.nodes[self.n]
        world.note("began", self.n)
        for n in (*node.static, *node.dynamic):
            if n in node.dynamic:
                yield world.task(n)
            if not world.task(n).complete():
                world.note("early", self.n)
        if node.kind == "fails":
            raise RuntimeError("bad luck")
        if node.kind != "lazy":
            world.note("done", self.n)


class External(Step):
    run = None  # type: ignore[assignment]


class Wrapper(WrapperTask):
    folder: str
    n: int

    def requires(self) -> Any:
        world = World(self.folder)
        return [world.task(n) for n in world.nodes[self.n].static]


def expected(nodes: list[Node]) -> tuple[set[int], set[int], set[int]]:
    """Return which nodes are complete in the end, which began to run, and which were looked at."""
    complete = {n for n, node in enumerate(nodes) if node.kind == "done"}
    for n in reversed(range(SIZE)):  # a wrapper may be complete from the start
        if nodes[n].kind == "wrapper" and set(nodes[n].static) <= complete:
            complete.add(n)
    looked_at: set[int] = set()
    began: set[int] = set()
    resolved: dict[int, bool] = {}

    def look(n: int) -> None:
        if n in looked_at:
            return
        looked_at.add(n)
        if n not in complete and nodes[n].kind not in ("external", "sick", "mute"):
            for dep in nodes[n].static:
                look(dep)

    def settle(n: int) -> bool:
        """Say whether the node is complete when nothing moves any more."""
        if n not in resolved:
            look(n)
            resolved[n] = n in complete or (nodes[n].kind not in ("external", "sick", "mute") and work(n))
        return resolved[n]

    def work(n: int) -> bool:
        parts = [settle(dep) for dep in nodes[n].static]
        if not all(parts):
            return False
        if nodes[n].kind != "wrapper":
            began.add(n)
        return all(settle(dep) for dep in nodes[n].dynamic) and nodes[n].kind in ("ok", "wrapper")

    settle(0)
    return {n for n, done in resolved.items() if done}, began, looked_at


def check(nodes: list[Node], **options: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World.make(Path(folder), nodes)
        result = actorsched.build(
            [world.task(0)],
            wait_interval=0.005,
            wait_jitter=0.0,
            log_dir="off",
            suspended_max=SIZE,
            **options,
        )
        done, began, early = (world.noted(what) for what in ("done", "began", "early"))
    will_complete, will_begin, looked_at = expected(nodes)
    story = result.summary_text + repr(nodes)
    assert result.succeeded == (0 in will_complete), story
    assert not early, story
    assert set(began) == will_begin, story
    # who asks for a task that has failed asks for another try
    assert {n for n, times in began.items() if times > 1 and nodes[n].kind == "ok"} == set(), story
    steps = {n for n in range(SIZE) if nodes[n].kind != "wrapper"}
    assert will_complete & steps <= set(done), story
    bad = [n for n in began if nodes[n].kind in ("fails", "lazy")]
    ended_badly = {n for n in bad if set(nodes[n].dynamic) <= will_complete}
    assert numbers(result, "failed") == ended_badly, story
    mute = {n for n in looked_at if nodes[n].kind in ("sick", "mute")}
    assert numbers(result, "scheduling_failed") == mute, story
    external = {n for n in looked_at if nodes[n].kind == "external"}
    assert numbers(result, "missing_external") == external, story
    assert numbers(result, "ran") & steps == will_complete & will_begin, story


def numbers(result: RunResult, outcome: str) -> set[int]:
    return {int(task.name.partition("n=")[2].rstrip(")")) for task in result.tasks[outcome]}


OK = Node("ok", (), ())
WAITS = Node("ok", (), (3,))
#: 2 waits for 3 when 1 asks for 2: it must go on waiting
ASKED_FOR_WHILE_WAITING = [Node("wrapper", (2, 1), ()), Node("ok", (), (2,)), WAITS, *[OK] * 5]


@given(pipelines())
@example(ASKED_FOR_WHILE_WAITING)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.timeout(300)
def test_any_pipeline_ends_as_it_must(nodes: list[Node]) -> None:
    """Against a model that knows nothing of workers and schedulers."""
    check(nodes, execution="inline")


@given(pipelines())
@example(ASKED_FOR_WHILE_WAITING)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.timeout(300)
def test_any_pipeline_ends_as_it_must_with_two_slots(nodes: list[Node]) -> None:
    """In child processes, which keep what waits."""
    check(nodes, workers=2)
