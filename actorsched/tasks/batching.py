"""Which parameters of a family can be combined, so that several tasks run as one.

A worker tells the scheduler once for each family that it registers (`add_task_batcher`). A batch then comes
back with the texts of a combined parameter as a list, and `load_task` combines them: by the `batch=…` of a
native parameter, by the `batch_method` of a Luigi one.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from actorsched.errors import TaskDefinitionError


class Batcher(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of `add_task_batcher`, without the worker; `max_batch_size` None is no limit."""

    task_family: str
    batched_args: tuple[str, ...]
    max_batch_size: int | None = None

    def call_params(self, worker: str) -> dict[str, Any]:
        """Return the keyword arguments for `add_task_batcher`, JSON-shaped."""
        params: dict[str, Any] = {
            "worker": worker,
            "task_family": self.task_family,
            "batched_args": list(self.batched_args),
        }
        if self.max_batch_size is not None:
            params["max_batch_size"] = self.max_batch_size
        return params


def batcher_of(task: Any) -> Batcher | None:
    """Return what the scheduler must know to make batches of such tasks, native or Luigi's; None: never.

    Raises:
        TaskDefinitionError: `max_batch_size` is no count.
    """
    names = type(task).batch_param_names()
    if not names:
        return None
    return Batcher(
        task_family=task.task_family,
        batched_args=tuple(names),
        max_batch_size=_size(task),
    )


def _size(task: Any) -> int | None:
    size = task.max_batch_size
    if size is None or (isinstance(size, float) and math.isinf(size) and size > 0):
        return None
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise TaskDefinitionError(
            f"{task.task_family}.max_batch_size is {size!r}: a count of 1 or more is expected"
        )
    return size
