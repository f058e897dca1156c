"""Private parameters never leave for the scheduler, messages or logs in clear."""

from __future__ import annotations

import json
import logging
from typing import Any

import luigi
import msgspec
import pytest

from actorsched import LocalTarget, Task, param
from actorsched.config import WorkerSettings
from actorsched.errors import ActorschedError, TaskDefinitionError
from actorsched.tasks.discovery import discover
from actorsched.tasks.loading import parameters_of, task_from_text
from actorsched.tasks.outcome import Outcome
from actorsched.tasks.registration import Registration
from actorsched.tasks.running import run_task
from actorsched.tasks.structure import display_name

SECRET = "hunter2-is-secret"
SETTINGS = WorkerSettings()


class Fetch(Task):
    site: str
    token: str = param(visibility="private", default="")
    keys: list[str] = param(visibility="private", default_factory=list)
    trace: str = param(visibility="hidden", default="")

    def run(self) -> None:
        assert self.token == SECRET


class LuigiFetch(luigi.Task):
    site = luigi.Parameter()
    token = luigi.Parameter(visibility=luigi.parameter.ParameterVisibility.PRIVATE, default="")

    def run(self) -> None:
        assert self.token == SECRET


class Absent(Fetch):
    def complete(self) -> bool:
        return False


class LuigiAbsent(LuigiFetch):
    def complete(self) -> bool:
        return False


class Needs(Task):
    """Requires what is never complete, so that a message names it."""

    def requires(self) -> Any:
        return [Absent("a", SECRET, [SECRET]), LuigiAbsent(site="a", token=SECRET)]


def everything_about(task: Any) -> str:
    """Return all texts that leave a worker about a task, together."""
    registration = Registration.of(task)
    failed = Registration.of_failed(task, "UNKNOWN", "no reason")
    outcome = run_task(task, settings=SETTINGS, report=lambda kind, value: None)
    assert outcome.status == "DONE"
    return json.dumps(
        [
            task.task_id,
            f"{task} {task!r}" if isinstance(task, Task) else "",  # Luigi's own repr shows all
            display_name(task),
            registration.call_params("w"),
            failed.call_params("w"),
            msgspec.to_builtins(outcome),
        ]
    )


@pytest.mark.parametrize("task", [Fetch("a", SECRET, [SECRET]), LuigiFetch(site="a", token=SECRET)], ids=repr)
def test_nothing_that_leaves_a_worker_holds_the_secret(task: Any) -> None:
    """Ids, names, registrations, outcomes."""
    told = everything_about(task)
    assert SECRET not in told
    assert "token" not in told
    assert '"site": "a"' in told


def test_the_secret_is_no_part_of_the_identity() -> None:
    """The digest in an id would allow guesses to be checked; a rotated token is the same task."""
    assert Fetch("a", "one").task_id == Fetch("a", "two").task_id
    assert Fetch("a", "one") == Fetch("a", "two")


def test_hidden_ones_travel_but_are_not_shown() -> None:
    """They rebuild the task on another node."""
    task = Fetch("a", trace="t")
    registration = Registration.of(task)
    assert registration.params == {"site": "a", "trace": "t"}
    assert registration.param_visibilities == {"site": 0, "trace": 1}
    assert display_name(task) == str(task) == "Fetch(site=a)"


@pytest.mark.parametrize(
    ("given", "kind"), [({"token": 5}, "int"), ({"keys": [SECRET, 5]}, "list"), ({"keys": SECRET}, "str")]
)
def test_a_bad_private_value_is_not_shown(given: dict[str, Any], kind: str) -> None:
    """Only its type helps."""
    with pytest.raises(ActorschedError) as caught:
        Fetch("a", **given)
    assert SECRET not in str(caught.value)
    assert f"got <private {kind}>" in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_bad_private_text_is_not_shown() -> None:
    """Neither ours nor Luigi's."""

    class Numbered(Task):
        pin: int = param(visibility="private")

    class LuigiNumbered(luigi.Task):
        pin = luigi.IntParameter(visibility=luigi.parameter.ParameterVisibility.PRIVATE)

    for cls in (Numbered, LuigiNumbered):
        with pytest.raises(ActorschedError) as caught:
            task_from_text(cls, {"pin": SECRET})
        assert SECRET not in str(caught.value)
        assert "'pin'" in str(caught.value)


def test_a_bad_private_default_is_not_shown() -> None:
    """A class definition may hold a token."""
    with pytest.raises(TaskDefinitionError) as caught:

        class Bad(Task):
            token: int = param(visibility="private", default=SECRET)  # type: ignore[assignment]

    assert SECRET not in str(caught.value)


def test_help_does_not_show_a_private_default() -> None:
    """`--help` ends up in tickets."""

    class WithDefault(Task):
        token: str = param(visibility="private", default=SECRET)

    class LuigiWithDefault(luigi.Task):
        token = luigi.Parameter(visibility=luigi.parameter.ParameterVisibility.PRIVATE, default=SECRET)

    for cls in (WithDefault, LuigiWithDefault):
        (info,) = parameters_of(cls)
        assert info.default == "…"


def test_a_dependency_is_named_without_its_secret() -> None:
    """In the error of the task that misses it."""
    outcome: Outcome = run_task(Needs(), settings=SETTINGS, report=lambda kind, value: None)
    assert outcome.status == "FAILED"
    assert SECRET not in outcome.error + outcome.cause + repr(outcome.missing)
    assert "Absent(site=a), LuigiAbsent(site=a)" in outcome.cause


def test_a_cycle_is_told_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """And nothing of it is logged."""

    class Round(Task):
        n: int
        token: str = param(visibility="private")

        def output(self) -> LocalTarget:
            return LocalTarget("/nowhere/at/all")

        def requires(self) -> Any:
            return Round((self.n + 1) % 3, self.token)

    with caplog.at_level(logging.DEBUG):
        found = list(discover([Round(0, SECRET)], settings=SETTINGS, seen=set()))
    texts = repr([(item.kind, item.error, item.registration) for item in found])
    assert "dependency cycle: Round(n=0) -> Round(n=1)" in texts
    assert SECRET not in texts + caplog.text


def test_a_private_parameter_cannot_be_combined_in_a_batch() -> None:
    """The scheduler combines what it knows."""
    with pytest.raises(TaskDefinitionError, match=r"'token' of .*Bad: a private parameter cannot have batch"):

        class Bad(Task):
            token: str = param(visibility="private", batch=max)
