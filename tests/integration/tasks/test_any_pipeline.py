"""Any pipeline, from end to end: what runs, once; what fails, what is left; whether the result is true."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar, NamedTuple

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
    """What the tasks of one example share; they run in this process."""

    nodes: ClassVar[list[Node]] = []
    done: ClassVar[set[int]] = set()
    began: ClassVar[Counter[int]] = Counter()
    early: ClassVar[set[int]] = set()


class Step(Task):
    n: int

    def requires(self) -> Any:
        node = World.nodes[self.n]
        if node.kind == "sick":
            raise ValueError("no idea")
        return [make(n) for n in node.static]

    def complete(self) -> bool:
        if World.nodes[self.n].kind == "mute":
            raise OSError("away")
        return self.n in World.done

    def run(self) -> Any:
        node = World.nodes[self.n]
        World.began[self.n] += 1
        for n in (*node.static, *node.dynamic):
            if n in node.dynamic:
                yield make(n)
            if not make(n).complete():
                World.early.add(self.n)
        if node.kind == "fails":
            raise RuntimeError("bad luck")
        if node.kind != "lazy":
            World.done.add(self.n)


class External(Step):
    run = None  # type: ignore[assignment]


class Wrapper(WrapperTask):
    n: int

    def requires(self) -> Any:
        return [make(n) for n in World.nodes[self.n].static]


def make(n: int) -> Task:
    kind = World.nodes[n].kind
    return External(n) if kind == "external" else Wrapper(n) if kind == "wrapper" else Step(n)


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


def run(nodes: list[Node]) -> RunResult:
    World.nodes[:] = nodes
    World.done.clear()
    World.done.update(n for n, node in enumerate(nodes) if node.kind == "done")
    World.began.clear()
    World.early.clear()
    return actorsched.build(
        [make(0)], execution="inline", wait_interval=0.005, wait_jitter=0.0, log_dir="off", suspended_max=SIZE
    )


def check(nodes: list[Node]) -> None:
    complete, began, looked_at = expected(nodes)
    result = run(nodes)
    story = result.summary_text + repr(nodes)
    assert result.succeeded == (0 in complete), story
    assert not World.early, story
    assert set(World.began) == began, story
    # who asks for a task that has failed asks for another try
    assert {n for n, times in World.began.items() if times > 1 and nodes[n].kind == "ok"} == set(), story
    steps = {n for n in range(SIZE) if nodes[n].kind != "wrapper"}
    assert complete & steps <= World.done, story
    bad = [n for n in began if nodes[n].kind in ("fails", "lazy")]
    ended_badly = {n for n in bad if set(nodes[n].dynamic) <= complete}
    assert numbers(result, "failed") == ended_badly, story
    assert numbers(result, "scheduling_failed") == {
        n for n in looked_at if nodes[n].kind in ("sick", "mute")
    }, story
    assert numbers(result, "missing_external") == {n for n in looked_at if nodes[n].kind == "external"}, story
    assert numbers(result, "ran") & steps == complete & began, story


def numbers(result: RunResult, outcome: str) -> set[int]:
    return {int(task.name.partition("n=")[2].rstrip(")")) for task in result.tasks[outcome]}


OK = Node("ok", (), ())
WAITS = Node("ok", (), (3,))
#: 2 waits for 3 when 1 asks for 2: it must go on waiting
ASKED_FOR_WHILE_WAITING = [Node("wrapper", (2, 1), ()), Node("ok", (), (2,)), WAITS, *[OK] * 5]


@given(pipelines())
@example(ASKED_FOR_WHILE_WAITING)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.timeout(300)
def test_any_pipeline_ends_as_it_must(nodes: list[Node]) -> None:
    """Against a model that knows nothing of workers and schedulers."""
    check(nodes)
