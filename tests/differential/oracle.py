"""Luigi's scheduler, as the oracle.

`Oracle` is Luigi's class with Luigi's methods. Each method of it that is overridden here belongs to one
of the differences and does what Luigi does when that difference is not agreed.

What Luigi takes from the outside (clock, uuid, md5 of a batch, the order of a set) is given to its module
for the time of a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableSet
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import luigi.scheduler
from luigi.scheduler import (
    STATUS_TO_UPSTREAM_MAP,
    UPSTREAM_SEVERITY_KEY,
    SimpleTaskState,
    Task,
)
from luigi.task_status import BATCH_RUNNING, DISABLED, DONE, FAILED, PENDING, RUNNING, SUSPENDED

Agreed = Callable[[str], bool]

LIVE = (RUNNING, BATCH_RUNNING)


class OrderedSet(MutableSet):  # type: ignore[type-arg]
    """A set that is iterated in the order of its making."""

    def __init__(self, items: Any = ()) -> None:
        self._items = dict.fromkeys(items)

    def __contains__(self, item: object) -> bool:
        return item in self._items

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Any) -> None:
        self._items[item] = None

    def discard(self, item: Any) -> None:
        self._items.pop(item, None)

    def update(self, items: Any) -> None:
        self._items.update(dict.fromkeys(items))

    def difference_update(self, items: Any) -> None:
        self -= set(items)


class ContraryOrder(OrderedSet):
    """Another order, for the case that shows that order matters; a real set's would be chance."""

    def __iter__(self) -> Iterator[Any]:
        return reversed(self._items)


class World:
    """What Luigi takes from the outside."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        #: the next ids for a batch and a message, where ours are agreed
        self.batch_ids: list[str] = []
        self.message_ids: list[str] = []
        self._hashes = luigi.scheduler.hashlib
        self._uuids = luigi.scheduler.uuid

    def time(self) -> float:
        return self.now

    def uuid4(self) -> Any:
        return self.message_ids.pop(0) if self.message_ids else self._uuids.uuid4()

    def new(self, *args: Any, **kwargs: Any) -> Any:
        if self.batch_ids:
            return SimpleNamespace(hexdigest=partial(self.batch_ids.pop, 0))
        return self._hashes.new(*args, **kwargs)

    @contextmanager
    def around(self, ordered: bool) -> Iterator[None]:
        """Give all this to Luigi's module."""
        module = luigi.scheduler
        quiet = SimpleNamespace(send_error_email=lambda *args, **kwargs: None)
        given = {"time": self, "uuid": self, "hashlib": self, "notifications": quiet}
        before = {name: getattr(module, name) for name in given}
        vars(module).update(given)
        vars(module)["set"] = OrderedSet if ordered else ContraryOrder  # type: ignore[index]
        try:
            yield
        finally:
            vars(module).update(before)
            vars(module).pop("set", None)


class OracleTask(Task):  # type: ignore[misc]
    def __init__(self, *args: Any, agreed: Agreed, **kwargs: Any) -> None:
        self._agreed = agreed
        #: of "worker-death"
        self.deaths = 0
        self.lost = False
        super().__init__(*args, **kwargs)

    def is_batchable(self) -> bool:
        return bool(self.batchable and (self.runnable or not self._agreed("runnable-batches")))

    def set_params(self, params: Any) -> None:
        super().set_params(params)
        if self._agreed("like-parameters"):
            self.params = Parameters(self.params)

    def clear_failures(self) -> None:
        super().clear_failures()
        self.deaths = 0


class Parameters(dict):  # type: ignore[type-arg]
    """Parameters whose names are one of them, for whoever compares item by item."""

    NAMES = "(names)"

    def items(self) -> Any:
        return [*super().items(), (self.NAMES, sorted(self))]

    def get(self, name: str, default: Any = None) -> Any:
        return sorted(self) if name == self.NAMES else super().get(name, default)


class AddsNothing(list):  # type: ignore[type-arg]
    """New dependencies that are there, and are none."""

    def __bool__(self) -> bool:
        return True


class OracleState(SimpleTaskState):  # type: ignore[misc]
    def __init__(self, agreed: Agreed, world: World) -> None:
        super().__init__("")
        self._agreed = agreed
        self._world = world
        #: given by the scheduler
        self.max_worker_deaths = 3
        #: of "combined-tasks-go", since the scheduler looked last
        self.retired: list[OracleTask] = []

    # -- worker-death, combined-tasks-go

    def set_status(self, task: OracleTask, new_status: str, config: Any = None) -> None:
        ignored = new_status == DISABLED and task.status in LIVE
        if task.status == DISABLED and new_status not in (DONE, DISABLED):
            ignored = task.scheduler_disable_time is not None
        if not ignored:
            task.lost = False
            if new_status == DONE or (new_status == FAILED and task.status != DISABLED):
                task.deaths = 0
        stood_in = task.status == RUNNING and task.batch_id is not None and not task.batchable
        super().set_status(task, new_status, config)
        ended = stood_in and task.status not in (RUNNING, DONE)
        if ended and self._agreed("combined-tasks-go"):
            task.remove = self._world.now
            if task.status == PENDING:
                self.retired.append(task)
                self.retire(task)

    def retire(self, task: OracleTask) -> None:
        task.runnable = False
        task.workers.clear()
        for worker in self._active_workers.values():
            worker.tasks.discard(task)

    def fail_dead_worker_task(self, task: OracleTask, config: Any, assistants: Any) -> None:
        if not self._agreed("worker-death"):
            super().fail_dead_worker_task(task, config, assistants)

    def _lose(self, task: OracleTask) -> None:
        now = self._world.now
        known = [self._tasks.get(dep) for dep in task.deps]
        if all(dep is not None and dep.status == DONE for dep in known):
            task.deaths += 1
        if task.batch_id is not None and not task.batchable:
            task.remove = now
        if task.deaths >= self.max_worker_deaths:
            status, task.scheduler_disable_time = DISABLED, now
            task.expl = (
                f"disabled: {task.deaths} workers in a row died while they ran it, "
                f"the last was {task.worker_running}"
            )
        else:
            status, task.lost, task.retry = FAILED, True, float("inf")
        self._status_tasks[task.status].pop(task.id)
        self._status_tasks[status][task.id] = task
        task.status, task.updated, task.batch_id, task.worker_running = status, now, None, None

    def try_lost_again(self, config: Any) -> None:
        for task in [task for task in self._tasks.values() if task.lost]:
            self.set_status(task, PENDING, config)

    # -- worker-death, batchers-go-with-workers

    def inactivate_workers(self, delete_workers: list[str]) -> None:
        if self._agreed("worker-death"):
            for task in list(self._tasks.values()):
                if task.status in LIVE and task.worker_running in delete_workers:
                    self._lose(task)
        if self._agreed("batchers-go-with-workers"):
            for worker in delete_workers:
                self._task_batchers.pop(worker, None)
        super().inactivate_workers(delete_workers)

    # -- live-runs-stay

    def may_prune(self, task: OracleTask) -> Any:
        if task.status in LIVE and self._agreed("live-runs-stay"):
            return False
        return super().may_prune(task)

    # -- gone-means-gone

    def inactivate_tasks(self, delete_tasks: list[str]) -> None:
        if self._agreed("gone-means-gone"):
            for worker in self._active_workers.values():
                for task_id in delete_tasks:
                    worker.tasks.discard(self._tasks[task_id])
        super().inactivate_tasks(delete_tasks)

    # -- own-request

    def set_batch_running(self, task: OracleTask, batch_id: str, worker_id: str) -> None:
        super().set_batch_running(task, batch_id, worker_id)
        if self._agreed("own-request"):
            task.resources_running = dict(task.resources)

    # -- unbounded-batch

    def set_batcher(self, worker_id: str, family: str, batcher_args: Any, max_batch_size: Any) -> None:
        if max_batch_size is None and self._agreed("unbounded-batch"):
            max_batch_size = float("inf")
        super().set_batcher(worker_id, family, batcher_args, max_batch_size)


class Oracle(luigi.scheduler.Scheduler):  # type: ignore[misc]
    """Luigi's scheduler with the differences that are agreed.

    Args:
        agreed: says of the name of a difference whether it is.
        world: clock and ids.
        resources: capacities.
        max_worker_deaths: a setting of ours.
        settings: Luigi's.
    """

    def __init__(
        self,
        agreed: Agreed,
        world: World,
        resources: dict[str, int],
        max_worker_deaths: int,
        **settings: Any,
    ) -> None:
        super().__init__(resources=dict(resources), **settings)
        self._agreed = agreed
        self._world = world
        collector = self._state._metrics_collector
        self._state = OracleState(agreed, world)
        self._state._metrics_collector = collector
        self._state.max_worker_deaths = max_worker_deaths
        policy = self._config._get_retry_policy()
        self._make_task = lambda **kwargs: OracleTask(agreed=agreed, retry_policy=policy, **kwargs)
        #: while set, views do not look at the time
        self.still = False

    def prune(self) -> None:
        if not self.still:
            self._state.try_lost_again(self._config)
            super().prune()

    # -- order-of-sets

    def _rank(self, task: OracleTask) -> Any:
        if not self._agreed("order-of-sets"):
            return super()._rank(task)
        return task.priority, -list(self._state._tasks).index(task.id)

    # -- who-says-it-runs-it, run-without-grant, members-stay-members, visibility-in-time, needed-is-wanted,
    # combined-tasks-go, batches-need-more

    def add_task(self, **kwargs: Any) -> Any:
        task = self._state.get_task(kwargs["task_id"])
        worker = self._state.get_worker(kwargs["worker"])
        batch_id = kwargs.get("batch_id")
        if task is not None and task.status == BATCH_RUNNING and self._agreed("members-stay-members"):
            kwargs["batch_id"] = None
        starts = kwargs.get("status") == RUNNING and (task is None or task.status not in LIVE)
        stand_in = None
        if starts and worker.enabled:
            if task is not None and self._agreed("who-says-it-runs-it"):
                task.worker_running = None
            if self._agreed("run-without-grant"):
                if task is not None:
                    vars(task).pop("resources_running", None)
                if batch_id and not self._state.get_batch_running_tasks(batch_id):
                    stand_in = batch_id
        known = self._state.get_active_tasks() if self._agreed("needed-is-wanted") else ()
        unwanted = [
            each
            for each in known
            if each.remove is not None and not each.stakeholders and each.id != kwargs["task_id"]
        ]
        batch = []
        if kwargs.get("new_deps") and task is not None and task.status == RUNNING and task.batch_id:
            batch = self._state.get_batch_running_tasks(task.batch_id)
        self._state.retired.clear()
        with self._batch_for(stand_in):
            reply = super().add_task(**kwargs)
        for each in self._state.retired:
            self._state.retire(each)
        if batch and task is not None and task.batch_id is None and self._agreed("batches-need-more"):
            for member in batch:
                member.deps.update(set(kwargs["new_deps"]) - {each.id for each in batch})
                self._update_priority(member, member.priority, kwargs["worker"])
        for each in unwanted:
            if each.stakeholders:
                each.remove = None
        task = self._state.get_task(kwargs["task_id"])
        if stand_in and task is not None:
            vars(task).pop("resources_running", None)
        if task is not None and self._agreed("visibility-in-time"):
            task.set_params(dict(task.params))
        return reply

    # -- given-back, report-keeps

    def report(self, **kwargs: Any) -> Any:
        """`add_task` by a worker that knows the id of the live run."""
        task = self._state.get_task(kwargs["task_id"])
        if kwargs["status"] in (PENDING, SUSPENDED) and self._agreed("given-back"):
            kwargs["new_deps"] = kwargs.get("new_deps") or AddsNothing()
        if task is not None and self._agreed("report-keeps"):
            if kwargs.get("resources") is None:
                kwargs["resources"] = dict(task.resources)
            kwargs["retry_policy_dict"] = kwargs.get("retry_policy_dict") or task.retry_policy._asdict()
        return self.add_task(**kwargs)

    # -- reserved-for-runs

    def _schedulable(self, task: OracleTask) -> Any:
        if not task.runnable and not task.is_batchable() and self._agreed("reserved-for-runs"):
            return False
        return super()._schedulable(task)

    # -- batches-take-at-once

    def _used_resources(self) -> Any:
        used = super()._used_resources()
        if self._agreed("batches-take-at-once"):
            running = {task.batch_id for task in self._state.get_active_tasks_by_status(RUNNING)}
            members = self._state.get_active_tasks_by_status(BATCH_RUNNING)
            first = {task.batch_id: task for task in reversed(list(members)) if task.batch_id not in running}
            for task in first.values():
                for name, amount in task.resources_running.items():
                    used[name] += amount
        return used

    # -- lost-needs-room, lost-batches, batch-believed

    def get_work(self, **kwargs: Any) -> Any:
        current = kwargs.get("current_tasks")
        self._believed = set(current or ())
        enabled = self._state.get_worker(kwargs["worker"]).enabled
        if current is not None and enabled and self._agreed("lost-batches"):
            for task in list(self._state.get_active_tasks_by_status(RUNNING)):
                lost = task.worker_running == kwargs["worker"] and task.id not in current
                if lost and task.batch_id is not None and self._state.get_batch_running_tasks(task.batch_id):
                    self._state.set_status(task, PENDING, self._config)
        if current is not None and self._agreed("lost-needs-room"):
            running = self._state.get_active_tasks_by_status(RUNNING)
            mine = [task for task in running if task.worker_running == kwargs["worker"]]
            lost = sorted((task for task in mine if task.id not in current), key=self._rank, reverse=True)
            first = next((task for task in lost if self._has_room(task)), None)
            kwargs["current_tasks"] = [*current, *(task.id for task in mine if task is not first)]
        return super().get_work(**kwargs)

    def _has_room(self, lost: OracleTask) -> bool:
        """Whether what it asks for is free when its present run takes nothing."""
        used = self._used_resources()
        for name, amount in getattr(lost, "resources_running", lost.resources).items():
            used[name] -= amount
        return bool(self._has_resources(lost.resources, used))

    def _reset_orphaned_batch_running_tasks(self, worker_id: str) -> None:
        kept = []
        if self._agreed("batch-believed"):
            members = self._state.get_active_tasks_by_status(BATCH_RUNNING)
            kept = [task for task in members if task.batch_id in self._believed]
        before = [task.worker_running for task in kept]
        for task in kept:
            task.worker_running = None
        super()._reset_orphaned_batch_running_tasks(worker_id)
        for task, worker in zip(kept, before, strict=True):
            task.worker_running = worker

    @contextmanager
    def _batch_for(self, batch_id: str | None) -> Iterator[None]:
        """Luigi fails on a batch without members; let there be one, which nobody sees."""
        if batch_id is None:
            yield
            return
        find = self._state.get_batch_running_tasks
        member = SimpleNamespace(resources_running={}, status=BATCH_RUNNING)
        self._state.get_batch_running_tasks = lambda asked: find(asked) or [member]
        super_set_status = self._state.set_status
        self._state.set_status = lambda task, *rest: task is not member and super_set_status(task, *rest)
        try:
            yield
        finally:
            del self._state.get_batch_running_tasks, self._state.set_status

    def decrease_running_task_resources(self, task_id: str, decrease_resources: Any) -> None:
        task = self._state.get_task(task_id)
        if task is not None and task.status == RUNNING and self._agreed("run-without-grant"):
            vars(task).setdefault("resources_running", dict(task.resources))
        super().decrease_running_task_resources(task_id, decrease_resources)

    # -- fetch-error-public

    def fetch_error(self, task_id: str, **kwargs: Any) -> Any:
        reply = super().fetch_error(task_id, **kwargs)
        if "taskParams" in reply and self._agreed("fetch-error-public"):
            reply["taskParams"] = self._state.get_task(task_id).public_params
        return reply

    # -- upstream-on-cycles

    def _upstream_status(self, task_id: str, upstream_status_table: dict[str, str]) -> Any:
        if not self._agreed("upstream-on-cycles"):
            return super()._upstream_status(task_id, upstream_status_table)
        found, seen, stack = [""], {task_id}, [task_id]
        while stack:
            task = self._state.get_task(stack.pop())
            if task is None or task.status == DONE:
                continue
            if task.status == PENDING and task.deps:
                stack += [dep for dep in task.deps if dep not in seen]
                seen.update(task.deps)
            else:
                found.append(STATUS_TO_UPSTREAM_MAP.get(task.status, ""))
        return max(found, key=UPSTREAM_SEVERITY_KEY)

    # -- facts-before-words

    def worker_list(self, include_running: bool = True, **kwargs: Any) -> Any:
        if not self._agreed("facts-before-words"):
            return super().worker_list(include_running, **kwargs)
        known = {
            "name",
            "last_active",
            "started",
            "state",
            "first_task_display_name",
            "num_unread_rpc_messages",
        }
        told = {worker.id: worker.info for worker in self._state.get_active_workers()}
        for worker in self._state.get_active_workers():
            worker.info = {name: value for name, value in worker.info.items() if name not in known}
        try:
            return super().worker_list(include_running, **kwargs)
        finally:
            for worker in self._state.get_active_workers():
                worker.info = told[worker.id]
