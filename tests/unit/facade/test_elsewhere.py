"""What a worker makes of tasks that others did; asked of our scheduler and of Luigi's."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from actorsched.actors.adapter import AdapterActor
from actorsched.actors.ledger import Entry, Fate, Ledger
from actorsched.actors.messages import Call, CallBatch
from actorsched.errors import RemoteError, SchedulerUnreachableError
from actorsched.facade.elsewhere import ERRORS_MAX, TASKS_MAX, look_elsewhere
from tests.machines import Driven


class Asked:
    """A scheduler that is asked many calls at a time, and their numbers."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        self.sizes: list[int] = []
        self._adapter = AdapterActor(scheduler)

    def __call__(self, calls: tuple[Call, ...]) -> Sequence[Any]:
        self.sizes.append(len(calls))
        results: list[Any] = self._adapter.handle(CallBatch(calls=calls))
        return results


def luigis(**settings: Any) -> Any:
    from luigi.scheduler import Scheduler

    return Scheduler(**settings)


@pytest.fixture(params=[Driven, luigis])
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    return request.param  # type: ignore[no-any-return]


def ledger_of(*task_ids: str, fate: Fate = Fate.NOT_RUN) -> Ledger:
    ledger = Ledger()
    for task_id in task_ids:
        ledger.add(Entry(task_id=task_id, name=task_id, family="F", fate=fate))
    return ledger


def begin(scheduler: Any, task_id: str) -> None:
    """The worker `other` gets this task, and no other one."""
    scheduler.add_task(worker="other", task_id=task_id, family="F", priority=9)
    assert scheduler.get_work(worker="other")["task_id"] == task_id


def give_back(scheduler: Any, task_id: str) -> None:
    """As a worker does that stops, in the words that a stock scheduler has for it."""
    scheduler.add_task(worker="other", task_id=task_id, family="F", status="FAILED")
    scheduler.forgive_failures(task_id=task_id)


def test_what_has_ended_here_since_it_was_asked_for_was_not_run_by_others(make: Callable[..., Any]) -> None:
    """A worker that was stopped at once does not wait for all of its slots before it sums up."""
    scheduler = make()
    begin(scheduler, "late")
    ledger = ledger_of("late")
    ask = Asked(scheduler)

    def end_and_ask(calls: tuple[Call, ...]) -> Sequence[Any]:
        ledger.settle("late", Fate.RAN)
        scheduler.add_task(worker="other", task_id="late", family="F", status="DONE")
        return ask(calls)

    look_elsewhere(ledger, end_and_ask, "other")
    assert ledger.entries["late"].fate is Fate.RAN


def test_each_task_is_said_to_be_as_the_scheduler_knows_it(make: Callable[..., Any]) -> None:
    """Done, failed with its error, still running, begun and given back, never begun, unknown."""
    scheduler = make(retry_delay=900)
    for task_id in ("failed", "given", "runs"):
        begin(scheduler, task_id)
    told = json.dumps("Traceback:\nValueError: no")
    scheduler.add_task(worker="other", task_id="failed", family="F", status="FAILED", expl=told)
    give_back(scheduler, "given")
    scheduler.add_task(worker="other", task_id="done", family="F", status="DONE")
    scheduler.add_task(worker="other", task_id="waits", family="F")
    ledger = ledger_of("done", "failed", "runs", "given", "waits", "unknown")
    look_elsewhere(ledger, Asked(scheduler), "w")
    found = {task_id: (entry.fate, entry.cause) for task_id, entry in ledger.entries.items()}
    assert found == {
        "done": (Fate.RUN_BY_OTHERS, ""),
        "failed": (Fate.FAILED, "ValueError: no"),
        "runs": (Fate.NOT_RUN, "other still ran it when this run ended"),
        "given": (Fate.NOT_RUN, "other began it and gave it back"),
        "waits": (Fate.NOT_RUN, ""),
        "unknown": (Fate.NOT_RUN, ""),
    }
    assert ledger.entries["failed"].detail == "Traceback:\nValueError: no"


def test_what_stands_in_the_way_is_told_by_its_name() -> None:
    """Ids are for programs."""
    scheduler = Driven()
    scheduler.add_task(worker="other", task_id="T_1_ab", family="T", status="FAILED")
    scheduler.add_task(worker="other", task_id="U_2_cd", family="U", deps=["T_1_ab"])
    ledger = Ledger()
    for task_id, name in {"T_1_ab": "T(n=1)", "U_2_cd": "U(n=2)"}.items():
        ledger.add(Entry(task_id=task_id, name=name, family="F", fate=Fate.NOT_RUN))
    look_elsewhere(ledger, Asked(scheduler), "w")
    assert ledger.entries["U_2_cd"].cause == "failed dependency: T(n=1)"


def test_external_data_that_is_missing_stands_in_the_way_as_such() -> None:
    """The scheduler only knows that nobody can run it, and this worker why."""
    scheduler = Driven()
    scheduler.add_task(worker="w", task_id="E_1_ab", family="E", runnable=False)
    scheduler.add_task(worker="w", task_id="U_2_cd", family="U", deps=["E_1_ab"])
    ledger = Ledger()
    for task_id, name, fate in (
        ("E_1_ab", "E(n=1)", Fate.MISSING_EXTERNAL),
        ("U_2_cd", "U(n=2)", Fate.NOT_RUN),
    ):
        ledger.add(Entry(task_id=task_id, name=name, family="F", fate=fate))
    ledger.entries["U_2_cd"].cause = "what it waits for was not done"
    look_elsewhere(ledger, Asked(scheduler), "w")
    assert ledger.entries["U_2_cd"].cause == "E(n=1) is external and missing"


def test_what_failed_here_and_was_done_elsewhere_is_done(make: Callable[..., Any]) -> None:
    """And what failed here keeps its own words when it is nowhere done."""
    scheduler = make()
    scheduler.add_task(worker="other", task_id="done", family="F", status="DONE")
    scheduler.add_task(worker="other", task_id="failed", family="F", status="FAILED", expl='"theirs"')
    ledger = ledger_of()
    for task_id in ("done", "failed"):
        ledger.add(Entry(task_id=task_id, name=task_id, family="F", fate=Fate.FAILED, cause="ours"))
    look_elsewhere(ledger, Asked(scheduler), "w")
    assert ledger.entries["done"].fate is Fate.RUN_BY_OTHERS
    assert (ledger.entries["failed"].fate, ledger.entries["failed"].cause) == (Fate.FAILED, "ours")


def test_what_was_found_and_failed_on_another_worker_is_told_as_failed() -> None:
    """A run there has asked for it, so nobody here has heard of it."""
    scheduler = Driven()
    scheduler.add_task(worker="w", task_id="wanted", family="F")
    told = json.dumps("Traceback …\nValueError: bad luck")
    scheduler.add_task(
        worker="other", task_id="found", family="Found", status="FAILED", expl=told, params={"n": "1"}
    )
    scheduler.add_task(worker="other", task_id="wanted", family="F", deps=["found"])
    ledger = ledger_of("wanted")
    look_elsewhere(ledger, Asked(scheduler), "w")
    found = ledger.entries["found"]
    assert (found.fate, found.name, found.family) == (Fate.FAILED, "Found(n=1)", "Found")
    assert found.cause == "ValueError: bad luck"
    assert ledger.entries["wanted"].cause == "failed dependency: Found(n=1)"


def test_what_its_author_has_disabled_has_not_failed(make: Callable[..., Any]) -> None:
    """It just does not run; what was disabled after failures has failed."""
    scheduler = make(retry_count=1)
    scheduler.add_task(worker="w", task_id="unwanted", family="F", status="DISABLED")
    scheduler.add_task(worker="other", task_id="fails", family="F", status="FAILED", expl='"bad luck"')
    ledger = ledger_of("unwanted", "fails")
    look_elsewhere(ledger, Asked(scheduler), "w")
    entry = ledger.entries["unwanted"]
    assert (entry.fate, entry.cause) == (Fate.NOT_RUN, "it is disabled by its author (disabled = True)")
    assert ledger.entries["fails"].fate is Fate.FAILED


def test_the_reason_why_it_was_given_back_here_stays(make: Callable[..., Any]) -> None:
    """The worker knows it better than the scheduler."""
    scheduler = make()
    begin(scheduler, "given")
    give_back(scheduler, "given")
    ledger = ledger_of("given")
    ledger.settle("given", Fate.NOT_RUN, cause="the worker was stopped")
    look_elsewhere(ledger, Asked(scheduler), "w")
    assert ledger.entries["given"].cause == "the worker was stopped"


@pytest.mark.parametrize("by", ["other", "w"])
def test_who_runs_it_now_matters_more_than_why_it_was_given_back(by: str) -> None:
    """Unless that is the worker itself, as far as a scheduler knows that has not heard of the end."""
    scheduler = Driven()
    scheduler.add_task(worker=by, task_id="runs", family="F")
    assert scheduler.get_work(worker=by)["task_id"] == "runs"
    ledger = ledger_of("runs")
    ledger.settle("runs", Fate.NOT_RUN, cause="the worker was stopped")
    look_elsewhere(ledger, Asked(scheduler), "w")
    told = "the worker was stopped" if by == "w" else "other still ran it when this run ended"
    assert ledger.entries["runs"].cause == told


def test_ten_thousand_tasks_that_nobody_needs_cost_few_requests() -> None:
    """A submitter asked once for each of them, which took longer than the work."""
    n = 10_000
    names = [f"t{i}" for i in range(n)]
    scheduler = Driven()
    for name in names:
        scheduler.add_task(worker="other", task_id=name, family="F", status="DONE")
    ledger, asked = ledger_of(*names), Asked(scheduler)
    look_elsewhere(ledger, asked, "w")
    assert {entry.fate for entry in ledger.entries.values()} == {Fate.RUN_BY_OTHERS}
    assert sum(asked.sizes) == n
    assert len(asked.sizes) <= n / TASKS_MAX + 6


def test_of_a_stock_scheduler_a_root_is_enough() -> None:
    """It answers with the whole graph, and would do so for each task of it."""
    scheduler = luigis()
    names = [f"t{i}" for i in range(500)]
    for name, after in zip(names, [*names[1:], None], strict=True):
        deps = [after] if after else []
        scheduler.add_task(worker="other", task_id=name, family="F", status="DONE", deps=deps)
    ledger, asked = ledger_of(*names), Asked(scheduler)
    look_elsewhere(ledger, asked, "w")
    assert {entry.fate for entry in ledger.entries.values()} == {Fate.RUN_BY_OTHERS}
    assert asked.sizes == [1]


def test_many_errors_are_fetched_together() -> None:
    """Not one by one, and not all in one answer, which may become too long."""
    scheduler = Driven()
    names = [f"t{i}" for i in range(200)]
    for name in names:
        scheduler.add_task(worker="other", task_id=name, family="F", status="FAILED", expl='"no"')
    ledger, asked = ledger_of(*names), Asked(scheduler)
    look_elsewhere(ledger, asked, "w")
    assert {entry.cause for entry in ledger.entries.values()} == {"no"}
    assert max(asked.sizes) <= max(TASKS_MAX, ERRORS_MAX)
    assert len(asked.sizes) < 20


def test_a_scheduler_that_is_away_changes_nothing_and_is_asked_once() -> None:
    """Each further call would wait as long as the first."""

    class Away:
        calls = 0

        def dep_graph(self, **params: Any) -> Any:
            self.calls += 1
            raise SchedulerUnreachableError("nobody there")

    away, ledger = Away(), ledger_of(*map(str, range(50)))
    look_elsewhere(ledger, Asked(away), "w")
    assert {entry.fate for entry in ledger.entries.values()} == {Fate.NOT_RUN}
    assert away.calls == 1


def test_one_task_that_cannot_be_asked_about_spoils_nothing() -> None:
    class Moody(Driven):
        def dep_graph(self, task_id: str, **params: Any) -> Any:
            if task_id == "bad":
                raise RemoteError("a bug")
            return self.machine.dep_graph(self.now, task_id, **params)

    scheduler = Moody()
    scheduler.add_task(worker="other", task_id="good", family="F", status="DONE")
    ledger = ledger_of("bad", "good")
    look_elsewhere(ledger, Asked(scheduler), "w")
    fates = [entry.fate for entry in ledger.entries.values()]
    assert fates == [Fate.NOT_RUN, Fate.RUN_BY_OTHERS]
