"""What `requires()` and `output()` return: one thing, or lists, tuples, dicts and generators of things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import AsyncGeneratorType, CoroutineType
from typing import Any

from actorsched.errors import TaskDefinitionError


def is_task(thing: Any) -> bool:
    """Tell whether this is a task, native or Luigi's, that has been initialised."""
    return hasattr(type(thing), "to_str_params") and hasattr(thing, "task_id")


def flatten(structure: Any) -> list[Any]:
    """Return all that is in a structure, in order. None is nothing; what is no container is itself."""
    if not hasattr(type(structure), "__iter__"):  # as a rule it is one target; an ABC would be slower
        return [] if structure is None else [structure]
    if isinstance(structure, str | type) or is_task(structure):
        return [structure]
    if isinstance(structure, Mapping):
        structure = structure.values()
    flat: list[Any] = []
    for item in structure:
        if is_task(item):  # most are, and a call for each takes time
            flat.append(item)
        else:
            flat += flatten(item)
    return flat


def outputs_of(structure: Any) -> Any:
    """Return a structure of tasks with each task replaced by its `output()`; generators become lists."""
    if is_task(structure):
        return structure.output()
    if structure is None:
        return []
    if isinstance(structure, Mapping):
        return {key: outputs_of(item) for key, item in structure.items()}
    if isinstance(structure, tuple):
        mapped = [outputs_of(item) for item in structure]
        return type(structure)(*mapped) if hasattr(structure, "_fields") else tuple(mapped)
    if isinstance(structure, Iterable) and not isinstance(structure, str | type):
        return [outputs_of(item) for item in structure]
    raise not_a_task(structure, "requires()")


def tasks_of(structure: Any, place: str) -> list[Any]:
    """Return the tasks in a structure, each once, in order.

    Raises:
        TaskDefinitionError: something in it is no task; `place` is where it came from.
    """
    found: dict[str, Any] = {}
    for thing in structure if type(structure) is list else flatten(structure):
        if is_task(thing):
            found.setdefault(thing.task_id, thing)
            continue
        parts = flatten(thing)
        if len(parts) == 1 and parts[0] is thing:
            raise not_a_task(thing, place)
        for task in tasks_of(parts, place):
            found.setdefault(task.task_id, task)
    return list(found.values())


def not_a_task(thing: Any, place: str) -> TaskDefinitionError:
    """Return the error for something that should have been a task."""
    if isinstance(thing, type) and hasattr(thing, "to_str_params"):
        return TaskDefinitionError(
            f"{place} gave the class {thing.__name__}: make a task of it, {thing.__name__}(…)"
        )
    if hasattr(type(thing), "to_str_params"):
        name = type(thing).__name__
        return TaskDefinitionError(
            f"{place}: {name} is not initialised; its __init__ must call super().__init__()"
        )
    if hasattr(thing, "exists"):
        return TaskDefinitionError(f"{place} gave a target, {thing!r}: wrap it in an ExternalTask")
    return TaskDefinitionError(f"{place} must give tasks, not {thing!r} ({type(thing).__name__})")


def display_name(task: Any) -> str:
    """Return how a task is shown to people: family and its public, significant parameters."""
    params = task.to_str_params(only_significant=True, only_public=True)
    return f"{task.task_family}({', '.join(f'{name}={text}' for name, text in params.items())})"


def refuse_no_targets(task: Any, outputs: list[Any]) -> None:
    """Say which of the outputs of a task is no target, if one is none.

    Raises:
        TaskDefinitionError: naming it.
    """
    for thing in outputs:
        if not hasattr(thing, "exists"):
            raise TaskDefinitionError(
                f"output() of {task.task_family} must give targets, such as LocalTarget(…), not {thing!r}"
                f" ({type(thing).__name__})"
            ) from None


def refuse_async(task: Any, returned: Any) -> None:
    """Refuse what an `async def run` returns: nothing of it was done, and it would look like a success.

    Raises:
        TaskDefinitionError: saying what to do.
    """
    if isinstance(returned, CoroutineType | AsyncGeneratorType):
        if isinstance(returned, CoroutineType):
            returned.close()  # or Python warns that nobody awaited it
        raise TaskDefinitionError(
            f"run() of {task.task_family} is async, and nothing of it was done: make it a plain method"
            " that calls asyncio.run(…)"
        )
