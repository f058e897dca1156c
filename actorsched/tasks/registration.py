"""What a worker tells the scheduler about a task."""

from __future__ import annotations

from typing import Any

import msgspec

from actorsched.core.policy import LUIGIS, RetryPolicy, fault
from actorsched.errors import TaskDefinitionError
from actorsched.tasks import luigi_bridge
from actorsched.tasks.batching import Batcher, batcher_of
from actorsched.tasks.task import Task


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `add_task`, without the worker. `deps` None: they are not known, or do not matter."""

    task_id: str
    status: str
    runnable: bool
    deps: tuple[str, ...] | None = None
    priority: int | float = 0
    resources: dict[str, int] = {}
    params: dict[str, str] = {}
    param_visibilities: dict[str, int] = {}
    family: str = ""
    module: str = ""
    batchable: bool = False
    retry_policy_dict: dict[str, int | float] = {}
    accepts_messages: bool = False
    owners: tuple[str, ...] = ()
    expl: str | None = None
    #: what the scheduler must know to combine tasks of this family; None: never
    batcher: Batcher | None = None

    @property
    def name(self) -> str:
        """How people call the task: family and public parameters."""
        hidden = self.param_visibilities
        shown = [f"{key}={value}" for key, value in sorted(self.params.items()) if not hidden.get(key)]
        return f"{self.family}({', '.join(shown)})"

    def call_params(self, worker: str, assistant: bool = False) -> dict[str, Any]:
        """Return the keyword arguments for `add_task`, JSON-shaped; those that say nothing are left out."""
        params: dict[str, Any] = {
            "worker": worker,
            "task_id": self.task_id,
            "status": self.status,
            "runnable": self.runnable,
            "priority": self.priority,
            "resources": self.resources,
            "params": self.params,
            "param_visibilities": self.param_visibilities,
            "family": self.family,
            "module": self.module,
        }
        if self.deps is not None:
            params["deps"] = list(self.deps)
        if self.batchable:
            params["batchable"] = True
        if self.retry_policy_dict:
            params["retry_policy_dict"] = self.retry_policy_dict
        if self.accepts_messages:
            params["accepts_messages"] = True
        if self.owners:
            params["owners"] = list(self.owners)
        if self.expl is not None:
            params["expl"] = self.expl
        if assistant:
            params["assistant"] = True
        return params

    @classmethod
    def of(
        cls,
        task: Any,
        status: str = "PENDING",
        *,
        runnable: bool = True,
        deps: tuple[str, ...] | None = None,
        expl: str | None = None,
    ) -> Registration:
        """Ask a task, native or Luigi's, for all that the scheduler wants to know.

        Raises:
            TaskDefinitionError: an attribute has a value that the scheduler cannot use.
            Exception: whatever a property of the task raises.
        """
        priority = task.priority
        if task.worker_timeout is not None:
            _number(task, "worker_timeout", task.worker_timeout)  # for whoever runs it
        batchable = bool(task.batchable)
        return cls(
            task_id=task.task_id,
            status=status,
            runnable=runnable,
            deps=deps,
            priority=priority if type(priority) is int else _number(task, "priority", priority),
            resources=_resources_of(task),
            params=task.to_str_params(),
            param_visibilities=task._get_param_visibilities(),
            family=task.task_family,
            module=luigi_bridge.module_of(task),
            batchable=batchable,
            batcher=batcher_of(task) if batchable else None,
            retry_policy_dict=_retry_policy_of(task),
            accepts_messages=bool(task.accepts_messages),
            owners=tuple(task._owner_list()),
            expl=expl,
        )

    @classmethod
    def of_failed(cls, task: Any, status: str, expl: str) -> Registration:
        """Say what can be said of a task whose hooks fail: who it is, and why it will not run."""
        try:
            owners = tuple(task._owner_list())
        except Exception:
            owners = ()  # a property of the user's; there is an error to tell of already
        return cls(
            task_id=task.task_id,
            status=status,
            runnable=False,
            params=task.to_str_params(),
            param_visibilities=task._get_param_visibilities(),
            family=task.task_family,
            module=luigi_bridge.module_of(task),
            owners=owners,
            expl=expl,
        )


def _retry_policy_of(task: Any) -> dict[str, int | float]:
    policy = {}
    # in a Luigi task, `retry_delay` and the like are names as any other
    for name in RetryPolicy._fields if isinstance(task, Task) else LUIGIS:
        value = getattr(task, name)
        if value is not None:
            wanted = fault(name, value)
            if wanted is not None:
                raise TaskDefinitionError(f"{task.task_family}.{name} is {value!r}: {wanted} expected")
            policy[name] = value
    return policy


def _resources_of(task: Any) -> dict[str, int]:
    resources = task.process_resources()
    if not resources:
        return {}
    return {str(name): _amount(task, name, value) for name, value in resources.items()}


def _number(task: Any, name: str, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise TaskDefinitionError(f"{task.task_family}.{name} is {value!r}: a number is expected")
    return value


def _amount(task: Any, name: Any, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TaskDefinitionError(f"{task.task_family}.resources[{name!r}] is {value!r}: a count is expected")
    return value
