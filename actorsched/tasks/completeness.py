"""Whether a task is complete, and whether there is anything to ask.

A task that has neither outputs nor a `complete()` of its own cannot be checked. It runs whenever it is
wanted, and counts as fulfilled once its run has returned. (In Luigi, whatever depends on such a task
fails, because it never becomes complete.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from actorsched.errors import TaskDefinitionError
from actorsched.tasks.structure import flatten

Completeness = Callable[[Any], bool]

#: where a `complete()` is defined that somebody else did not write
_INHERITED = {
    ("actorsched.tasks.task", "Task.complete"),
    ("luigi.task", "Task.complete"),
}
_WRAPPERS = {
    ("actorsched.tasks.wrapper_task", "WrapperTask.complete"),
    ("luigi.task", "WrapperTask.complete"),
}


def is_complete(task: Any) -> bool:
    """Ask the task.

    Raises:
        TaskDefinitionError: the answer is neither true nor false.
        BaseException: whatever complete() raises.
    """
    answer = task.complete()
    if answer is True or answer is False:
        return bool(answer)
    try:
        if answer in (0, 1):  # numpy's booleans, for instance
            return bool(answer)
    except Exception:
        pass
    raise TaskDefinitionError(
        f"complete() of {task.task_family} returned {answer!r}: True or False is expected"
    )


class CompletionCache:
    """Asks each task until it is complete, and believes that from then on; `cache_task_completion` wants it.

    It may be used from several threads: whoever asks first may ask twice, and the answers are the same.

    Args:
        known: ids of tasks that are complete.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = set(known)

    def __call__(self, task: Any) -> bool:
        """Tell whether the task is or was complete; raises what `is_complete` raises."""
        if task.task_id in self._known:
            return True
        complete = is_complete(task)
        if complete:
            self._known.add(task.task_id)
        return complete

    def learn(self, known: Iterable[str]) -> None:
        """Believe this of further tasks."""
        self._known.update(known)


def is_external(task: Any) -> bool:
    """Tell whether somebody else makes the output: Luigi's two ways to say so."""
    run = task.run
    return run is None or run is NotImplemented


def cannot_be_checked(task: Any) -> bool:
    """Tell whether the task has neither outputs nor a complete() of its own."""
    return _defined(task) in _INHERITED and not flatten(task.output())


def is_plain_wrapper(task: Any) -> bool:
    """Tell whether the task is complete when what it requires is, and nobody has said otherwise."""
    return _defined(task) in _WRAPPERS


def is_fulfilled(task: Any, completeness: Completeness = is_complete) -> bool:
    """Tell whether a dependency that is said to be done may be taken as done.

    As `is_complete`, but what cannot be checked is believed, also inside of wrapper tasks.
    """
    waiting = [task]
    while waiting:
        current = waiting.pop()
        place = _defined(current)
        if place in _WRAPPERS:
            waiting += reversed(current.deps())
        elif place in _INHERITED and not flatten(current.output()):
            continue
        elif not completeness(current):
            return False
    return True


def _defined(task: Any) -> tuple[str, str]:
    function = task.complete
    function = getattr(function, "__func__", function)
    return getattr(function, "__module__", ""), getattr(function, "__qualname__", "")


def may_be_believed(task: Any) -> bool:
    """Tell whether nothing speaks against somebody's word that the task is done.

    Raises:
        BaseException: whatever its hooks raise.
    """
    if is_plain_wrapper(task):
        return all(map(may_be_believed, flatten(task.requires())))
    return cannot_be_checked(task) or is_complete(task)
