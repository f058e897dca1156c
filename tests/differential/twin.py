"""Luigi's scheduler and ours, side by side, fed with the same calls.

A step is `[method, arguments]`, plain JSON, so that a sequence can be kept in a file. Beside the methods:
`["advance", {"by": seconds}]`, and `["report", {...}]`, an `add_task` with the id of the live run, and
`["stale_report", {...}]`, one with another. "batch:K" and "message:K" stand for the ids that the K-th
batch and message got.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from typing import Any

from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine, check_invariants
from actorsched.core.registering import stands_for_nothing
from actorsched.core.serializing import view_task, view_worker
from actorsched.core.statuses import DISABLED, DONE, LIVE, RUNNING
from actorsched.errors import InvalidParamsError
from tests.differential import anatomy
from tests.differential.differences import DIFFERENCES
from tests.differential.oracle import Oracle, World

Step = list[Any]

#: what we add to replies and views, by the method that adds it ("": to every view of a task)
ADDITIONS: dict[str, tuple[str, ...]] = {
    "get_work": ("n_can_run", "run_id", "epoch", "known", "lease_s"),
    "count_pending": ("n_can_run", "known"),
    "ping": ("epoch", "known", "lease_s"),
    "": ("blocked_reason",),
}
VIEWS = {
    "graph", "dep_graph", "inverse_dep_graph", "task_list", "task_search", "worker_list", "resource_list",
    "re_enable_task",
}  # fmt: skip


class DifferenceError(AssertionError):
    """The two do not agree."""


class Twin:
    """Both schedulers.

    Args:
        settings: of both, with Luigi's names; `max_worker_deaths` is ours only.
        resources: capacities.
        without: differences that are not allowed for.
        checked: check the invariants of ours after each step.
    """

    def __init__(
        self,
        settings: dict[str, Any] | None = None,
        resources: dict[str, int] | None = None,
        without: Iterable[str] = (),
        checked: bool = True,
    ) -> None:
        self.settings = dict(settings or {})
        self._without = frozenset(without)
        unknown = self._without - set(DIFFERENCES)
        assert not unknown, f"no such differences: {unknown}"
        self._checked = checked
        self._world = World()
        luigis = {name: value for name, value in self.settings.items() if name != "max_worker_deaths"}
        ours = SchedulerSettings(**self.settings)
        self._resources = dict(resources or {})
        with self._around():
            self.oracle = Oracle(self.agreed, self._world, self._resources, ours.max_worker_deaths, **luigis)
        self.ours = SchedulerMachine(ours, resources=self._resources, epoch="e")
        self.history: list[Step] = []
        self.batches: list[str] = []
        self.messages: list[str] = []

    def agreed(self, name: str) -> bool:
        assert name in DIFFERENCES, name
        return name not in self._without

    def _around(self) -> Any:
        return self._world.around(ordered=self.agreed("order-of-sets"))

    @property
    def now(self) -> float:
        return self._world.now

    @property
    def instant(self) -> Instant:
        return Instant(self._world.now, self._world.now)

    def case(self) -> str:
        """What happened so far, as a line for the file of cases."""
        return json.dumps({"settings": self.settings, "resources": self._resources, "steps": self.history})

    # -- steps

    def take(self, method: str, **arguments: Any) -> Any:
        """Take a step with both and compare.

        Returns:
            what ours replied.

        Raises:
            DifferenceError: they do not agree; the message ends with the case.
        """
        self.history.append([method, copy.deepcopy(arguments)])
        try:
            reply = self._take(method, arguments)
            self._compare_states()
            if self._checked:
                check_invariants(self.ours)
        except Exception as error:
            raise DifferenceError(
                f"step {len(self.history)}: {type(error).__name__}: {error}\n\n{self.case()}"
            ) from error
        return reply

    def replay(self, steps: Iterable[Step]) -> None:
        for method, arguments in steps:
            self.take(method, **arguments)

    def _take(self, method: str, arguments: dict[str, Any]) -> Any:
        if method == "advance":
            self._world.now += arguments["by"]
            return None
        sent = {name: self._named(value) for name, value in arguments.items()}
        if method in ("report", "stale_report"):
            return self._report(method == "stale_report", sent)
        try:
            ours = getattr(self.ours, method)(self.instant, **copy.deepcopy(sent))
        except InvalidParamsError:
            if self.agreed("strict-input"):
                return None
            ours = "refused"
        self._note_ids(method, ours)
        theirs = self._of_luigi(method, sent)
        self._equal(method, self._bare(method, ours), theirs)
        return ours

    def _of_luigi(self, method: str, sent: dict[str, Any]) -> Any:
        with self._around():
            try:
                return getattr(self.oracle, method)(**copy.deepcopy(sent))
            except Exception as error:
                if not self._without:
                    raise
                return f"{type(error).__name__}: {error}"

    def _named(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._named(item) for item in value]
        if isinstance(value, str) and value.startswith(("batch:", "message:")):
            kind, _, index = value.partition(":")
            known = self.batches if kind == "batch" else self.messages
            return known[int(index)] if int(index) < len(known) else value
        return value

    def _note_ids(self, method: str, ours: Any) -> None:
        if method == "get_work" and isinstance(ours, dict) and ours.get("batch_id"):
            self.batches.append(ours["batch_id"])
            if self.agreed("ids-of-ours"):
                self._world.batch_ids = [ours["batch_id"]]
        elif method == "send_scheduler_message" and ours["message_id"] is not None:
            self.messages.append(ours["message_id"])
            if self.agreed("ids-of-ours"):
                self._world.message_ids = [ours["message_id"]]

    def _report(self, stale: bool, sent: dict[str, Any]) -> Any:
        """A report with a run id, as our own workers send it.

        One with an old id is refused and changes nothing, but that RUNNING claims what nobody runs.
        """
        record = self.ours.tasks.get(sent["task_id"])
        taken = record is not None and record.status in (*LIVE, DONE, DISABLED)
        claimed = sent["status"] == RUNNING and not taken
        void = record is not None and sent["status"] == DONE and stands_for_nothing(self.ours, record)
        if not stale:
            sent["run_id"] = self.ours.tasks[sent["task_id"]].run_id
        old = f"e-old-{len(self.history)}"  # one that was claimed is an old one no more
        reply = self.ours.add_task(self.instant, **copy.deepcopy({"run_id": old, **sent}))
        if (stale and not claimed) or void:
            assert reply is not None, "a stale report was taken"
            assert reply["refused"] == "stale_run", reply
            with self._around():
                self.oracle._update_worker(sent["worker"])
        else:
            assert reply is None, f"the report of a live run: {reply}"
            self._of_luigi("report", sent)
        return reply

    # -- comparing

    def _equal(self, what: str, ours: Any, theirs: Any) -> None:
        ours, theirs = self._canonical(ours), self._canonical(theirs)
        if ours != theirs:
            raise DifferenceError(f"{what}: {_where(ours, theirs)}")

    def _canonical(self, reply: Any) -> Any:
        if isinstance(reply, dict):
            return {
                name: sorted(value)
                if name == "deps" and self.agreed("order-of-sets")
                else sorted(value, key=lambda running: running["task_id"])
                if name == "running_tasks" and self.agreed("order-of-sets")
                else self._canonical(value)
                for name, value in dict(reply).items()
            }
        if isinstance(reply, (list, tuple)):
            return [self._canonical(item) for item in reply]
        return reply

    def _bare(self, method: str, reply: Any) -> Any:
        """The reply without our additions."""
        if not self.agreed("additions"):
            return reply
        names = ADDITIONS.get(method, ())
        if names and isinstance(reply, dict):
            return {name: value for name, value in reply.items() if name not in names}
        return _without(reply, ADDITIONS[""]) if method in VIEWS else reply

    def _compare_states(self) -> None:
        with self._around():
            theirs = anatomy.of_luigi(self.oracle, self.now)
            self.oracle.still = True
            try:
                task_list = self.oracle.task_list(limit=False)
                worker_list = {view["name"]: view for view in self.oracle.worker_list()}
            finally:
                self.oracle.still = False
        ours = anatomy.of_ours(self.ours, self.now)
        for part, known in ours.items():
            self._equal(part, known, theirs[part])
        tasks = {
            task_id: view_task(self.ours, record, include_deps=False)
            for task_id, record in self.ours.tasks.items()
        }
        self._equal("task_list", self._bare("task_list", tasks), task_list)
        workers = {worker_id: view_worker(self.ours, known) for worker_id, known in self.ours.workers.items()}
        self._equal("worker_list", self._bare("worker_list", workers), worker_list)

    def compare_views(self) -> None:
        """Look at everything, as a person would."""
        for method in ("task_list", "worker_list", "resource_list", "graph"):
            self.take(method)
        for worker in list(self.ours.workers):
            self.take("count_pending", worker=worker)


def _without(reply: Any, names: tuple[str, ...]) -> Any:
    if isinstance(reply, dict):
        return {name: _without(value, names) for name, value in reply.items() if name not in names}
    if isinstance(reply, list):
        return [_without(item, names) for item in reply]
    return reply


def _where(ours: Any, theirs: Any, path: str = "") -> str:
    """The first place where they differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in {**ours, **theirs}:
            if name not in ours or name not in theirs:
                return f"{path}[{name!r}]: only {'Luigi has' if name in theirs else 'ours has'} it"
            if ours[name] != theirs[name]:
                return _where(ours[name], theirs[name], f"{path}[{name!r}]")
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (our, their) in enumerate(zip(ours, theirs, strict=True)):
            if our != their:
                return _where(our, their, f"{path}[{index}]")
    return f"{path}: ours {ours!r}, Luigi {theirs!r}"


def shown_by(case: dict[str, Any], without: Iterable[str] = ()) -> str | None:
    """Replay a case; what the two do not agree in, if anything."""
    twin = Twin(case.get("settings"), case.get("resources"), without)
    try:
        twin.replay(case["steps"])
        twin.compare_views()
    except DifferenceError as error:
        return str(error)
    return None
