"""One run of a task, and how it ends."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from actorsched import Event, ExternalTask, LocalTarget, Task, WrapperTask
from actorsched.config import WorkerSettings
from actorsched.tasks.completeness import CompletionCache
from actorsched.tasks.outcome import Outcome
from actorsched.tasks.running import Attempt, run_task
from actorsched.tasks.travel import unpack
from actorsched.tasks.voice import SchedulerMessage

SETTINGS = WorkerSettings()


def silent(kind: str, value: Any) -> None:
    raise AssertionError((kind, value))


def run(task: Any, **options: Any) -> Outcome:
    granted = options.pop("granted", ())
    return run_task(task, settings=WorkerSettings(**options), report=silent, granted=granted)


class Stored(Task):
    """A task with a file; counts the questions that it is asked."""

    folder: Path
    name: str = "a"
    asked: ClassVar[list[str]] = []
    ran: ClassVar[list[str]] = []

    def output(self) -> LocalTarget:
        return LocalTarget(self.folder / self.name)

    def complete(self) -> bool:
        self.asked.append(self.name)
        return super().complete()

    def run(self) -> Any:
        self.ran.append(self.name)
        with self.output().open("w") as stream:
            stream.write(self.name)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    Stored.asked.clear()
    Stored.ran.clear()
    yield
    Stored.asked.clear()
    Stored.ran.clear()


class Raises(Task):
    what: str

    def run(self) -> None:
        if self.what == "exit":
            sys.exit(3)
        if self.what == "interrupt":
            raise KeyboardInterrupt
        if self.what == "base":
            raise BaseException("odd")
        if self.what == "mute":

            class MuteError(Exception):
                def __str__(self) -> str:
                    raise RuntimeError("no text")

            raise MuteError
        raise ValueError(f"bad luck\nwith {'x' * 200_000 if self.what == 'long' else self.what}")


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("exit", "sys.exit(3) was called"),
        ("interrupt", "KeyboardInterrupt"),
        ("base", "BaseException: odd"),
        ("value", "ValueError: bad luck"),
        ("mute", "MuteError: (its text cannot be shown)"),
        ("long", "ValueError: bad luck"),
    ],
)
def test_whatever_is_raised_ends_in_an_outcome(what: str, cause: str) -> None:
    """The one place where user code is guarded."""
    outcome = run(Raises(what))
    assert (outcome.status, outcome.cause) == ("FAILED", cause)
    assert "test_running.py" in outcome.error
    assert "actorsched/tasks/running.py" not in outcome.error
    assert len(outcome.error) < 70_000


def test_a_run_that_returns_is_done(tmp_path: Path) -> None:
    """And has taken some time."""
    outcome = run(Stored(tmp_path))
    assert outcome == Outcome(status="DONE", elapsed_s=outcome.elapsed_s)
    assert outcome.elapsed_s > 0


def test_a_run_that_leaves_its_task_incomplete_is_a_failure(tmp_path: Path) -> None:
    """Unless one says that it is not."""

    class Idle(Stored):
        def run(self) -> None:
            return

    outcome = run(Idle(tmp_path))
    assert outcome.status == "FAILED"
    assert outcome.cause == (
        f"IncompleteError: run() of Idle returned, but complete() is still false: {tmp_path}/a does not exist"
    )
    assert run(Idle(tmp_path), check_complete_on_run=False).status == "DONE"


def test_a_store_may_settle_late(tmp_path: Path) -> None:
    """For as long as the grace allows; time is handed in."""

    class Slow(Stored):
        def run(self) -> None:
            return

    task = Slow(tmp_path)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if sum(waits) > 0.3:
            (tmp_path / "a").touch()

    attempt = Attempt(task, settings=WorkerSettings(completion_grace=5.0), wait=wait)
    assert attempt.advance(silent).status == "DONE"
    assert waits == [0.05, 0.1, 0.2]
    (tmp_path / "a").unlink()
    waits.clear()
    attempt = Attempt(task, settings=WorkerSettings(completion_grace=2.0), wait=waits.append)
    assert attempt.advance(silent).status == "FAILED"
    assert sum(waits) == pytest.approx(2.0)
    assert max(waits) <= 1.0


def test_a_task_without_outputs_and_complete_cannot_be_checked() -> None:
    """It is believed when it has run, and by those that need it."""

    class Bare(Task):
        pass

    class Needs(Task):
        def requires(self) -> Any:
            return Bare()

    assert run(Bare()).status == "DONE"
    assert run(Needs()).status == "DONE"


def test_missing_dependencies_are_named(tmp_path: Path) -> None:
    """With the outputs that are not there; all of them, up to a number."""

    class Needs(Task):
        def requires(self) -> Any:
            return [Stored(tmp_path, f"{n:02}") for n in range(12)]

    (tmp_path / "03").touch()
    outcome = run(Needs())
    assert outcome.status == "FAILED"
    assert outcome.cause.startswith("UnfulfilledError: unfulfilled dependencies at run time: Stored(folder=")
    assert f"name=00) ({tmp_path}/00)" in outcome.error
    assert outcome.error.endswith("and 1 more")
    assert outcome.missing == tuple(Stored(tmp_path, f"{n:02}").task_id for n in range(12) if n != 3)
    assert Stored.asked == [f"{n:02}" for n in range(12)]
    assert run(Needs(), check_unfulfilled_deps=False).status == "DONE"


def test_a_wrapper_is_fulfilled_by_what_it_wraps(tmp_path: Path) -> None:
    """Also when a part of it cannot be checked."""

    class Bare(Task):
        pass

    class Both(WrapperTask):
        def requires(self) -> Any:
            return [Bare(), Stored(tmp_path)]

    class Needs(Task):
        def requires(self) -> Any:
            return Both()

    assert run(Needs()).status == "FAILED"
    (tmp_path / "a").touch()
    assert run(Needs()).status == "DONE"
    assert run(Both()).status == "DONE"


@pytest.mark.parametrize("external", [ExternalTask, type("Old", (Task,), {"run": NotImplemented})])
def test_an_external_task_is_only_asked(external: type[Task], tmp_path: Path) -> None:
    """And its own requirements are not."""

    class Given(external):  # type: ignore[misc, valid-type]
        def requires(self) -> Any:
            raise AssertionError

        def output(self) -> LocalTarget:
            return LocalTarget(tmp_path / "given")

    outcome = run(Given())
    assert (outcome.status, outcome.cause) == ("FAILED", "external: its output does not exist (yet)")
    (tmp_path / "given").touch()
    assert run(Given()).status == "DONE"


class Observed(Task):
    """Writes down what happens to it."""

    fail: bool = False
    story: ClassVar[list[str]] = []

    def requires(self) -> Any:
        self.story.append("requires")
        return []

    def run(self) -> None:
        self.story.append("run")
        if self.fail:
            raise ValueError("bad luck")

    def complete(self) -> bool:
        self.story.append("complete")
        return True

    def on_success(self) -> Any:
        self.story.append("on_success")
        return {"rows": 3}

    def on_failure(self, exception: BaseException) -> Any:
        self.story.append(f"on_failure {exception}")
        return f"sorry: {exception}"


for _name in ("START", "SUCCESS", "FAILURE", "PROCESSING_TIME"):

    @Observed.event_handler(getattr(Event, _name))
    def _note(task: Task, *more: Any, name: str = _name) -> None:
        assert isinstance(task, Observed)
        Observed.story.append(name)


def test_the_order_of_a_run_is_that_of_luigi() -> None:
    """Users hang their code on it."""
    Observed.story.clear()
    outcome = run(Observed())
    assert Observed.story == [
        "requires", "START", "run", "complete", "PROCESSING_TIME", "on_success", "SUCCESS",
    ]  # fmt: skip
    assert json.loads(outcome.expl or "") == {"rows": 3}
    Observed.story.clear()
    outcome = run(Observed(True))
    assert Observed.story == ["requires", "START", "run", "FAILURE", "on_failure bad luck"]
    assert outcome.error == "sorry: bad luck"
    assert outcome.cause == "ValueError: bad luck"


def test_hooks_that_fail_are_told_and_do_not_hide_the_cause() -> None:
    """The first error is the one that matters."""

    class Clumsy(Raises):
        def on_failure(self, exception: BaseException) -> Any:
            raise OSError("the mail server is away")

    outcome = run(Clumsy("value"))
    assert outcome.cause == "ValueError: bad luck"
    assert "ValueError: bad luck" in outcome.error
    assert "and then on_failure() failed" in outcome.error
    assert "OSError: the mail server is away" in outcome.error

    class Proud(Task):
        def on_success(self) -> Any:
            raise OSError("no")

    assert run(Proud()).cause == "OSError: no"


def test_a_handler_that_raises_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Not even one that calls sys.exit."""

    class Watched(Task):
        pass

    @Watched.event_handler(Event.START)
    def leave(task: Task) -> None:
        sys.exit(1)

    assert run(Watched()).status == "DONE"
    assert "a handler of event.core.start failed" in caplog.text


# what a task says


def test_a_task_speaks_while_it_runs_and_only_then() -> None:
    """Afterwards it is as before, and can be pickled."""
    said: list[tuple[str, Any]] = []

    class Talks(Task):
        def run(self) -> None:
            self.set_status_message("half")
            self.set_progress_percentage(50)
            self.set_tracking_url("http://here")
            self.decrease_running_resources({"db": 1})
            assert self.scheduler_messages is None

    task = Talks()
    before = dict(vars(task))
    task.set_status_message("nobody hears it")
    outcome = run_task(task, settings=SETTINGS, report=lambda kind, value: said.append((kind, value)))
    assert outcome.status == "DONE", outcome.error
    assert said == [
        ("set_status_message", "half"),
        ("set_progress_percentage", 50),
        ("set_tracking_url", "http://here"),
        ("decrease_running_resources", {"db": 1}),
    ]
    assert vars(task) == before


def test_messages_reach_the_task_and_are_answered() -> None:
    """As Luigi's do: they compare and print as their content."""
    from queue import SimpleQueue

    said: list[tuple[str, Any]] = []

    def report(kind: str, value: Any) -> None:
        said.append((kind, value))

    class Listens(Task):
        accepts_messages = True

        def run(self) -> None:
            message = self.scheduler_messages.get_nowait()
            assert message == "stop"
            assert str(message) == message.content == "stop"
            message.respond("why?")

    queue: SimpleQueue[SchedulerMessage] = SimpleQueue()
    queue.put(SchedulerMessage("m-1", "stop", report))
    outcome = Attempt(Listens(), settings=SETTINGS).advance(report, messages=queue)
    assert outcome.status == "DONE", outcome.error
    assert said == [("respond", {"message_id": "m-1", "response": "why?"})]


# dynamic requirements


class Grows(Task):
    """Needs one file after another."""

    folder: Path
    names: tuple[str, ...] = ("a", "b", "c")
    story: ClassVar[list[Any]] = []

    def run(self) -> Any:
        self.story.append("begin")
        try:
            for name in self.names:
                target = yield Stored(self.folder, name)
                self.story.append(target.path)
            self.story.append("end")
        finally:
            self.story.append("closed")


@pytest.fixture
def story() -> Iterator[list[Any]]:
    Grows.story.clear()
    yield Grows.story
    Grows.story.clear()


def work_off(outcome: Outcome) -> list[str]:
    """Run what an outcome waits for, as a worker would; returns the ids of what is done now."""
    done = []
    for registration, packed in outcome.discovered:
        if registration.status == "PENDING":
            assert packed is not None
            assert run(unpack(packed)).status == "DONE"
        done.append(registration.task_id)
    assert set(outcome.new_deps) <= set(done)
    return done


def test_an_attempt_goes_on_behind_its_yield(tmp_path: Path, story: list[Any]) -> None:
    """k yields: one pass, one question each before and one at the end of each requirement's own run."""
    attempt = Attempt(Grows(tmp_path), settings=SETTINGS)
    granted: list[str] = []
    for _ in range(3):
        outcome = attempt.advance(silent, granted, done=granted)
        assert outcome.status == "PENDING"
        assert len(outcome.new_deps) == 1
        assert attempt.parked
        granted += work_off(outcome)
    outcome = attempt.advance(silent, granted, done=granted)
    assert outcome.status == "DONE"
    assert not attempt.parked
    assert story == ["begin", *[f"{tmp_path}/{name}" for name in "abc"], "end", "closed"]
    assert len(Stored.asked) == 6
    assert Stored.ran == ["a", "b", "c"]


@pytest.mark.parametrize("checked", [True, False])
def test_a_requirement_that_nobody_saw_done_is_asked_again(tmp_path: Path, checked: bool) -> None:
    """The scheduler may have been told of less than all; and a run that was not checked proves nothing."""
    attempt = Attempt(Grows(tmp_path), settings=WorkerSettings(check_complete_on_run=checked))
    outcome = attempt.advance(silent)
    again = attempt.advance(silent, outcome.new_deps, done=() if checked else outcome.new_deps)
    assert again.status == "PENDING"
    assert again.new_deps == outcome.new_deps
    assert attempt.parked
    attempt.abandon()


def test_requirements_that_stay_here_are_handed_over_as_themselves(tmp_path: Path) -> None:
    """A class of a function goes by value, and coming back would set its attributes back, too."""

    class Local(Stored):
        made: ClassVar[list[str]] = []

    class Asks(Task):
        def run(self) -> Any:
            yield Local(tmp_path)

    ((_, task),) = Attempt(Asks(), settings=SETTINGS, travels=False).advance(silent).discovered
    assert type(task) is Local
    ((_, packed),) = Attempt(Asks(), settings=SETTINGS).advance(silent).discovered
    assert isinstance(packed, bytes)


def test_a_run_in_one_stretch_starts_again(tmp_path: Path, story: list[Any]) -> None:
    """As in Luigi, where there is no other way."""
    task = Grows(tmp_path, ("a", "b"))
    for _ in range(2):
        outcome = run(task)
        assert outcome.status == "PENDING"
        work_off(outcome)
    assert run(task).status == "DONE"
    assert story.count("begin") == story.count("closed") == 3


def test_a_parked_attempt_can_be_given_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever its generator does when it is closed."""

    class Stubborn(Grows):
        def run(self) -> Any:
            try:
                yield Stored(self.folder)
            finally:
                raise OSError("cannot clean up")

    attempt = Attempt(Stubborn(tmp_path), settings=SETTINGS)
    assert attempt.advance(silent).status == "PENDING"
    attempt.abandon()
    assert not attempt.parked
    attempt.abandon()
    assert "cannot clean up" in caplog.text


def test_an_error_behind_the_yield_is_a_failure(tmp_path: Path) -> None:
    """And the attempt is over."""

    class Breaks(Grows):
        def run(self) -> Any:
            yield Stored(self.folder)
            raise ValueError("bad luck")

    attempt = Attempt(Breaks(tmp_path), settings=SETTINGS)
    outcome = attempt.advance(silent)
    outcome = attempt.advance(silent, work_off(outcome))
    assert (outcome.status, outcome.cause) == ("FAILED", "ValueError: bad luck")
    assert not attempt.parked


def test_what_is_yielded_comes_back_in_its_shape(tmp_path: Path) -> None:
    """Lists, dicts, generators; nothing at all; what is complete does not interrupt."""
    seen: list[Any] = []
    for name in "ab":
        (tmp_path / name).touch()

    class Shapes(Task):
        def run(self) -> Any:
            a, b = Stored(tmp_path), Stored(tmp_path, "b")
            seen.append((yield [a, b]))
            seen.append((yield {"x": a, "y": [b]}))
            seen.append((yield (task for task in (b, a))))
            seen.append((yield ()))
            seen.append((yield None))

    assert run(Shapes()).status == "DONE"
    a, b = LocalTarget(tmp_path / "a"), LocalTarget(tmp_path / "b")
    assert seen == [[a, b], {"x": a, "y": [b]}, [b, a], (), []]


def test_new_requirements_bring_what_they_need(tmp_path: Path) -> None:
    """All of it is registered with the outcome; the complete ones too."""

    class Deep(Stored):
        def requires(self) -> Any:
            return [Stored(self.folder, "x"), Stored(self.folder, "y")]

    class Asks(Task):
        def run(self) -> Any:
            yield Deep(tmp_path)

    (tmp_path / "y").touch()
    outcome = run(Asks())
    by_name = {registration.params["name"]: registration for registration, _ in outcome.discovered}
    assert {name: one.status for name, one in by_name.items()} == {
        "a": "PENDING",
        "x": "PENDING",
        "y": "DONE",
    }
    assert by_name["a"].deps == (by_name["x"].task_id, by_name["y"].task_id)
    assert [packed is not None for _, packed in outcome.discovered] == [True, True, False]
    assert Stored.asked == ["a", "x", "y"]


def test_a_requirement_that_cannot_be_checked_is_granted(tmp_path: Path) -> None:
    """Otherwise the run would wait for ever."""

    class Bare(Task):
        n: int

    class Asks(Task):
        def run(self) -> Any:
            yield Bare(1)
            yield Bare(2)

    first = run(Asks())
    assert first.new_deps == (Bare(1).task_id,)
    second = run(Asks(), granted=first.new_deps)
    assert second.new_deps == (Bare(2).task_id,)
    assert run(Asks(), granted=first.new_deps + second.new_deps).status == "DONE"


def test_a_task_that_asks_for_itself_is_told_so(tmp_path: Path) -> None:
    """Directly, or round a corner."""

    class Selfish(Stored):
        def run(self) -> Any:
            yield Selfish(self.folder)

    class Corner(Stored):
        def requires(self) -> Any:
            return Round(self.folder)

    class Round(Stored):
        def run(self) -> Any:
            yield Corner(self.folder)

    assert "dependency cycle: run() of Selfish" in run(Selfish(tmp_path)).cause
    assert "dependency cycle: Round(folder=" in run(Round(tmp_path)).cause


@pytest.mark.parametrize(
    ("yielded", "words"),
    [
        (5, "run() must give tasks, not 5 (int)"),
        (Stored, "run() gave the class Stored: make a task of it"),
        (LocalTarget("/x"), "run() gave a target"),
    ],
)
def test_what_is_yielded_and_is_no_task_is_refused(yielded: Any, words: str) -> None:
    """With a hint at what was meant."""

    class Odd(Task):
        def run(self) -> Any:
            yield yielded

    assert words in run(Odd()).cause


def test_an_async_run_is_a_failure() -> None:
    """It returns at once and has done nothing, and a task without outputs would be done with that."""

    class Later(Task):
        async def run(self) -> None:
            raise AssertionError("never begun")

    outcome = run(Later())
    assert outcome.status == "FAILED"
    assert "run() of Later is async, and nothing of it was done" in outcome.cause


# context and cache

ENTERED: list[str] = []


class Around:
    """A context as Luigi's users write it."""

    def __init__(self, process: Any) -> None:
        self.task = process.task

    def __enter__(self) -> None:
        ENTERED.append(f"enter {self.task.task_family}")

    def __exit__(self, *error: object) -> None:
        ENTERED.append("leave")


class BrokenAround(Around):
    def __exit__(self, *error: object) -> None:
        raise OSError("cannot leave")


def no_context(process: Any) -> int:
    return 5


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name under which this module can be imported."""
    monkeypatch.setitem(sys.modules, "these_contexts", sys.modules[__name__])
    ENTERED.clear()
    return "these_contexts"


def test_a_context_surrounds_each_run(here: str) -> None:
    """Also one that fails."""
    assert run(Raises("value"), task_process_context=f"{here}.Around").cause == "ValueError: bad luck"
    assert ENTERED == ["enter Raises", "leave"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".BrokenAround", "the context of the run failed: OSError: cannot leave"),
        (".Nothing", "cannot be found"),
        (".no_context", "made no context manager, but 5"),
    ],
)
def test_a_context_that_does_not_work_fails_the_run(here: str, path: str, words: str) -> None:
    """With what is wrong with it."""
    outcome = run(Observed(), task_process_context=here + path)
    assert outcome.status == "FAILED"
    assert words in outcome.cause


def test_a_cache_asks_nobody_again_who_was_complete(tmp_path: Path) -> None:
    """Those that were not are asked."""

    class Needs(Task):
        def requires(self) -> Any:
            return [Stored(tmp_path), Stored(tmp_path, "b")]

    cache = CompletionCache()
    (tmp_path / "a").touch()
    for _ in range(3):
        assert run_task(Needs(), settings=SETTINGS, report=silent, completeness=cache).status == "FAILED"
    assert Stored.asked == ["a", "b", "b", "b"]
    cache.learn([Stored(tmp_path, "b").task_id])
    assert run_task(Needs(), settings=SETTINGS, report=silent, completeness=cache).status == "DONE"


def test_complete_must_answer_yes_or_no(tmp_path: Path) -> None:
    """A forgotten return is not a no."""

    class Vague(Stored):
        def complete(self) -> bool:
            return None  # type: ignore[return-value]

    assert run(Vague(tmp_path)).cause == "complete() of Vague returned None: True or False is expected"
