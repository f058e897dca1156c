"""What the wanted tasks need is found: breadth first, one question a task, nothing global."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import luigi
import pytest

from actorsched import Event, ExternalTask, LocalTarget, Task, WrapperTask
from actorsched.config import WorkerSettings
from actorsched.errors import TaskDefinitionError
from actorsched.tasks.completeness import CompletionCache
from actorsched.tasks.discovery import Discovered, discover

SETTINGS = WorkerSettings()

THREADS = pytest.mark.parametrize("threads", [0, 1, 4])


class Node(Task):
    """A node of the graph that a test has laid out, complete when the test says so."""

    name: str
    graph: ClassVar[dict[str, str]] = {}
    done: ClassVar[set[str]] = set()
    asked: ClassVar[Counter[str]] = Counter()

    def requires(self) -> list[Task]:
        self.asked[f"requires {self.name}"] += 1
        return [Node(name) for name in self.graph[self.name]]

    def complete(self) -> bool:
        self.asked[f"complete {self.name}"] += 1
        return self.name in self.done


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    def clear() -> None:
        Node.graph.clear()
        Node.done.clear()
        Node.asked.clear()

    clear()
    yield
    clear()


def find(*roots: Any, seen: set[str] | None = None, **options: Any) -> list[Discovered]:
    settings = options.pop("settings", SETTINGS)
    known: set[str] = set() if seen is None else seen
    return list(discover(roots, settings=settings, seen=known, **options))


def names(found: list[Discovered]) -> list[str]:
    return [item.task.name for item in found]


@THREADS
def test_it_goes_breadth_first_and_asks_each_task_once(threads: int) -> None:
    """The same order with any number of threads: ties between tasks are decided by it."""
    Node.graph.update(a="bc", b="d", c="de", d="f", e="f", f="")
    found = find(Node("a"), threads=threads)
    assert names(found) == list("abcdef")
    assert {item.kind for item in found} == {"pending"}
    assert set(Node.asked.values()) == {1}
    assert found[2].registration.deps == (Node("d").task_id, Node("e").task_id)


@THREADS
def test_what_a_complete_task_needs_is_not_looked_at(threads: int) -> None:
    """It may be gone long ago."""
    Node.graph.update(a="bc", b="", c="")
    Node.done.add("b")
    found = find(Node("a"), threads=threads)
    assert [(item.task.name, item.kind, item.registration.status) for item in found] == [
        ("a", "pending", "PENDING"),
        ("b", "complete", "DONE"),
        ("c", "pending", "PENDING"),
    ]
    assert not found[1].registration.runnable
    assert Node.asked["requires b"] == 0


def test_what_was_seen_is_not_looked_at_again() -> None:
    """Several wanted tasks share most of what they need."""
    Node.graph.update(a="c", b="cd", c="", d="")
    seen: set[str] = set()
    assert names(find(Node("a"), seen=seen)) == ["a", "c"]
    assert names(find(Node("b"), seen=seen)) == ["b", "d"]
    assert set(Node.asked.values()) == {1}


def test_nothing_is_looked_at_before_it_is_its_turn() -> None:
    """The first tasks can be registered while the last are still unknown."""
    Node.graph.update(a="bc", b="", c="")
    ahead = discover([Node("a")], settings=SETTINGS, seen=set())
    next(ahead)
    assert set(Node.asked) == {"complete a", "requires a"}
    ahead.close()


class Broken(Node):
    how: str

    def requires(self) -> Any:
        if self.how == "requires":
            raise ValueError("cannot say what I need")
        if self.how == "class":
            return [Node]
        if self.how == "target":
            return LocalTarget("/x")
        if self.how == "text":
            return ["a"]
        return []

    def complete(self) -> bool:
        if self.how == "complete":
            raise OSError("the store is away")
        if self.how == "exit":
            sys.exit(3)
        if self.how == "none":
            return None  # type: ignore[return-value]
        return False

    @property
    def priority(self) -> Any:
        if self.how == "priority":
            raise KeyError("prio")
        return "high" if self.how == "odd priority" else 0

    @property
    def worker_timeout(self) -> Any:
        return "an hour" if self.how == "timeout" else None

    @property
    def retry_jitter(self) -> Any:
        return 1.5 if self.how == "jitter" else None

    @property
    def resources(self) -> Any:
        return {"db": -1} if self.how == "resources" else {}


@THREADS
@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("complete", "OSError: the store is away"),
        ("exit", "SystemExit: 3"),
        ("none", "complete() of Broken returned None: True or False is expected"),
        ("requires", "ValueError: cannot say what I need"),
        ("class", "requires() of Broken gave the class Node: make a task of it, Node(…)"),
        ("target", "requires() of Broken gave a target, LocalTarget('/x'): wrap it in an ExternalTask"),
        ("text", "requires() of Broken must give tasks, not 'a' (str)"),
        ("priority", "KeyError: 'prio'"),
        ("odd priority", "Broken.priority is 'high': a number is expected"),
        ("resources", "Broken.resources['db'] is -1: a count is expected"),
        ("jitter", "Broken.retry_jitter is 1.5: a number from 0 to 1 is expected"),
        ("timeout", "Broken.worker_timeout is 'an hour': a number is expected"),
    ],
)
def test_a_hook_that_raises_stops_only_its_own_task(how: str, cause: str, threads: int) -> None:
    """And is the story of that task."""

    class Wanted(Task):
        def requires(self) -> list[Task]:
            return [Broken("x", how), Node("a")]

        def complete(self) -> bool:
            return False

    Node.graph.update(a="")
    found = {item.task.task_family: item for item in find(Wanted(), threads=threads)}
    assert {family: item.kind for family, item in found.items()} == {
        "Wanted": "pending",
        "Broken": "failed",
        "Node": "pending",
    }
    broken = found["Broken"]
    assert broken.error.splitlines()[-1] == cause
    assert broken.registration.status == "UNKNOWN"
    assert not broken.registration.runnable
    assert broken.registration.expl == broken.error


def test_a_task_that_was_not_initialised_is_told_so() -> None:
    """A constructor that forgot its base."""

    class Forgot(Task):
        def __init__(self) -> None:
            pass

    class Needs(Node):
        def requires(self) -> Any:
            return Forgot()

    (found,) = find(Needs("a"))
    assert "Forgot is not initialised; its __init__ must call super().__init__()" in found.error
    with pytest.raises(TaskDefinitionError, match="the list of wanted tasks: Forgot is not initialised"):
        find(Forgot())
    with pytest.raises(TaskDefinitionError, match="gave the class Node"):
        find(Node)


@THREADS
def test_ctrl_c_is_heeded(threads: int) -> None:
    """It is meant for the program, not for the task."""

    class Interrupted(Node):
        def complete(self) -> bool:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find(Interrupted("a"), threads=threads)


def test_external_tasks_wait_for_somebody_else() -> None:
    """They can be tried again when that is wanted."""

    class Given(ExternalTask):
        def requires(self) -> Any:
            raise AssertionError

        def output(self) -> LocalTarget:
            return LocalTarget("/nowhere/at/all")

    (found,) = find(Given())
    assert (found.kind, found.registration.status, found.registration.runnable) == (
        "external",
        "PENDING",
        False,
    )
    (found,) = find(Given(), settings=WorkerSettings(retry_external_tasks=True))
    assert found.registration.runnable


def test_a_disabled_task_says_so() -> None:
    """Its dependencies are registered all the same."""

    class Off(Node):
        disabled = True

    Node.graph.update(a="b", b="")
    found = find(Off("a"))
    assert [item.registration.status for item in found] == ["DISABLED", "PENDING"]


# cycles


@THREADS
def test_the_members_of_a_cycle_fail_with_the_way_round(threads: int) -> None:
    """Others do not."""
    Node.graph.update(a="bx", b="c", c="db", d="", x="")
    found = find(Node("a"), threads=threads)
    failed = [item for item in found if item.kind == "failed"]
    assert names(failed) == ["b", "c"]
    text = "dependency cycle: Node(name=b) -> Node(name=c) -> Node(name=b)"
    assert [item.error for item in failed] == [text, text]
    assert [item.registration.status for item in failed] == ["FAILED", "FAILED"]
    assert not any(item.registration.runnable for item in failed)
    assert names(found) == ["a", "b", "x", "c", "d", "b", "c"]


def test_a_task_that_needs_itself_is_a_cycle() -> None:
    """The shortest one."""
    Node.graph.update(a="a")
    assert find(Node("a"))[-1].error == "dependency cycle: Node(name=a) -> Node(name=a)"


def test_a_cycle_that_is_complete_somewhere_is_none() -> None:
    """What a complete task requires does not matter."""
    Node.graph.update(a="b", b="a")
    Node.done.add("b")
    assert [item.kind for item in find(Node("a"))] == ["pending", "complete"]


def test_a_long_cycle_is_shown_by_its_beginning() -> None:
    """A message of a megabyte helps nobody."""

    class Ring(Task):
        n: int

        def requires(self) -> Task:
            return Ring((self.n + 1) % 1000)

        def complete(self) -> bool:
            return False

    found = find(Ring(0))
    assert len(found) == 2000
    assert found[-1].error.startswith("dependency cycle: Ring(n=0) -> Ring(n=1) -> ")
    assert found[-1].error.endswith("… (1000 tasks)")
    assert len(found[-1].error) < 500


def test_deep_chains_need_no_recursion() -> None:
    """1e5 tasks, one behind the other; with a cycle at the end."""

    class Link(Task):
        n: int
        last: int

        def requires(self) -> Any:
            return Link(self.n + 1 if self.n < self.last else self.n - 1, self.last)

        def complete(self) -> bool:
            return False

    found = find(Link(0, 100_000))
    assert len(found) == 100_003
    assert [item.task.n for item in found[-2:]] == [99_999, 100_000]
    assert found[-1].kind == "failed"


# wrappers


class Wrap(WrapperTask):
    """A wrapper in the graph that a test has laid out; capital letters are wrappers."""

    name: str

    def requires(self) -> Any:
        Node.asked[f"requires {self.name}"] += 1
        return [Wrap(name) if name.isupper() else Node(name) for name in Node.graph[self.name]]


class LuigiWrap(luigi.WrapperTask):  # type: ignore[misc]
    name = luigi.Parameter()

    def requires(self) -> Any:
        Node.asked[f"requires {self.name}"] += 1
        return [LuigiWrap(name=name) if name.isupper() else Node(name) for name in Node.graph[self.name]]


WRAPS = pytest.mark.parametrize("wrap", [Wrap, lambda name: LuigiWrap(name=name)])


@THREADS
@WRAPS
def test_what_a_wrapper_holds_is_asked_once(wrap: Any, threads: int) -> None:
    """Not once more for each wrapper around it."""
    Node.graph.update(A="BCx", B="ab", C="bD", D="c", a="", b="", c="", x="")
    Node.done.update("abx")
    found = find(wrap("A"), threads=threads)
    kinds = {item.task.name: item.kind for item in found}
    assert kinds == {
        "A": "pending", "B": "complete", "C": "pending", "x": "complete", "b": "complete", "D": "pending",
        "c": "pending",
    }  # fmt: skip
    assert names(found) == list("ABCxbDc")
    assert max(Node.asked.values()) == 1
    Node.asked.clear()
    Node.done.add("c")
    assert [(item.task.name, item.kind) for item in find(wrap("A"), threads=threads)] == [("A", "complete")]
    assert max(Node.asked.values()) == 1


@THREADS
@WRAPS
def test_wrappers_in_a_circle_are_a_cycle(wrap: Any, threads: int) -> None:
    """And do not keep anybody going round."""
    Node.graph.update(A="aB", B="C", C="B", a="")
    Node.done.add("a")
    found = find(wrap("A"), threads=threads)
    assert [item.task.name for item in found if item.kind == "failed"] == ["B", "C"]


@THREADS
def test_a_wrapper_whose_part_cannot_answer_waits_for_it(threads: int) -> None:
    """The failure is that of the part."""

    class Holds(WrapperTask):
        name: str = "W"

        def requires(self) -> Any:
            return [Broken("x", "complete"), Node("a")]

    class Sick(WrapperTask):
        name: str = "S"

        def requires(self) -> Any:
            raise ValueError("no")

    class Both(WrapperTask):
        name: str = "B"

        def requires(self) -> Any:
            return [Holds(), Sick()]

    Node.graph.update(a="")
    found = find(Both(), threads=threads)
    assert {item.task.name: item.kind for item in found} == {
        "B": "pending", "W": "pending", "S": "failed", "x": "failed", "a": "pending",
    }  # fmt: skip


@pytest.mark.parametrize("last", [False, True])
def test_wrappers_in_wrappers_need_no_recursion_and_no_square_of_time(last: bool) -> None:
    """Twenty thousand, one in the other."""

    class Deep(WrapperTask):
        n: int

        def requires(self) -> Any:
            return Deep(self.n + 1) if self.n < 20_000 else Node("a")

    Node.graph.update(a="")
    Node.done.update("a" if last else "")
    found = find(Deep(0))
    assert len(found) == (1 if last else 20_002)
    assert Node.asked["complete a"] == 1
    assert Deep(0).complete() is last


def test_a_wrapper_with_a_complete_of_its_own_is_asked_itself() -> None:
    """It knows better."""

    class Knows(WrapperTask):
        name: str = "K"

        def requires(self) -> Any:
            return Node("a")

        def complete(self) -> bool:
            return True

    Node.graph.update(a="")
    assert [item.kind for item in find(Knows())] == ["complete"]
    assert not Node.asked


def test_parts_of_a_wrapper_are_asked_at_the_same_time() -> None:
    """When nothing is left to do, all that a wrapper holds is asked; that must not take its turn."""
    together = threading.Barrier(4)

    class Slow(Task):
        n: int

        def complete(self) -> bool:
            together.wait(30)
            return True

    class All(WrapperTask):
        def requires(self) -> Any:
            return [Slow(n) for n in range(40)]

    assert [item.kind for item in find(All(), threads=4)] == ["complete"]


# events, limit, cache, threads


def test_events_tell_what_is_found() -> None:
    """Luigi's four."""
    told: list[tuple[Any, ...]] = []

    class Base(Node):
        pass

    for event in ("DEPENDENCY_DISCOVERED", "DEPENDENCY_MISSING", "DEPENDENCY_PRESENT", "BROKEN_TASK"):

        @Base.event_handler(getattr(Event, event))
        def note(task: Any, *more: Any, event: str = event) -> None:
            told.append((event, task.name, *[getattr(one, "name", str(one)) for one in more]))

    class Start(Base):
        def requires(self) -> Any:
            return [Present("present"), Absent("absent"), Mute("mute"), Sick("sick")]

    class Present(Base):
        def complete(self) -> bool:
            return True

    class Absent(Base):
        run = None  # type: ignore[assignment]

    class Mute(Base):
        def complete(self) -> bool:
            raise OSError("away")

    class Sick(Base):
        def requires(self) -> Any:
            raise ValueError("no")

    find(Start("start"))
    assert told == [
        ("DEPENDENCY_DISCOVERED", "start", "present"),
        ("DEPENDENCY_DISCOVERED", "start", "absent"),
        ("DEPENDENCY_DISCOVERED", "start", "mute"),
        ("DEPENDENCY_DISCOVERED", "start", "sick"),
        ("DEPENDENCY_PRESENT", "present"),
        ("DEPENDENCY_MISSING", "absent"),
        ("DEPENDENCY_MISSING", "mute"),
        ("BROKEN_TASK", "sick", "no"),
    ]


@THREADS
def test_what_is_past_the_limit_is_named_and_not_asked(threads: int) -> None:
    """So that a run of a huge pipeline can be tried with its beginning."""
    Node.graph.update(a="bcd", b="e", c="", d="", e="")
    found = find(Node("a"), threads=threads, limit=3)
    assert [(item.task.name, item.kind) for item in found] == [
        ("a", "pending"),
        ("b", "pending"),
        ("c", "pending"),
        ("d", "beyond"),
        ("e", "beyond"),
    ]
    assert found[-1].error == "not scheduled: the limit of 3 tasks is reached (task_limit)"
    assert (found[-1].registration.status, found[-1].registration.runnable) == ("UNKNOWN", False)
    assert Node.asked["complete d"] == Node.asked["complete e"] == 0


def test_a_cache_answers_for_what_was_complete() -> None:
    """When tasks are looked at again."""
    Node.graph.update(a="b", b="")
    Node.done.add("b")
    cache = CompletionCache()
    for _ in range(3):
        find(Node("a"), completeness=cache)
    assert Node.asked["complete b"] == 1
    assert Node.asked["complete a"] == 3


def test_threads_ask_at_the_same_time_and_handlers_stay_where_they_are() -> None:
    """Only the two slow questions leave the caller's thread."""
    together = threading.Barrier(4)
    where: dict[str, set[str]] = {"complete": set(), "requires": set(), "handler": set()}

    class Slow(Task):
        n: int

        def complete(self) -> bool:
            where["complete"].add(threading.current_thread().name)
            if self.n:
                together.wait(30)  # breaks unless four are asked at once
            return False

        def requires(self) -> Any:
            where["requires"].add(threading.current_thread().name)
            return [] if self.n else [Slow(n) for n in range(1, 9)]

    @Slow.event_handler(Event.DEPENDENCY_DISCOVERED)
    def note(task: Task, dep: Task) -> None:
        where["handler"].add(threading.current_thread().name)

    found = find(Slow(0), threads=4)
    assert [item.task.n for item in found] == list(range(9))
    assert where["handler"] == {threading.current_thread().name}
    assert len(where["complete"]) >= 4
    assert threading.current_thread().name not in where["complete"] | where["requires"]
    assert asking() == []


def test_whoever_stops_early_leaves_no_thread() -> None:
    """What was not asked yet is not asked any more."""
    asked = []

    class Many(Task):
        n: int

        def complete(self) -> bool:
            asked.append(self.n)
            return False

        def requires(self) -> Any:
            return [] if self.n else [Many(n) for n in range(1, 1000)]

    ahead = discover([Many(0)], settings=SETTINGS, seen=set(), threads=2)
    next(ahead)
    pool = asking()
    assert pool
    ahead.close()
    for thread in pool:
        thread.join(30)
    assert not any(thread.is_alive() for thread in pool)
    assert len(asked) < 1000
    assert asking() == []


def asking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("actorsched-discovery")]
