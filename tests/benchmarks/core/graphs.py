"""Graphs of tasks, in the order in which a worker registers them: first what needs something."""

from __future__ import annotations

from collections.abc import Iterator

SHAPES = ("flat", "chain", "tree", "fan-in", "diamonds")


def graph(shape: str, n: int) -> Iterator[tuple[int, list[int]]]:
    """Each task and what it depends on."""
    for index in range(n):
        yield index, list(_deps(shape, index, n))


def _deps(shape: str, index: int, n: int) -> range | tuple[int, ...]:
    if shape == "flat":
        return ()
    if shape == "chain":
        return (index + 1,) if index + 1 < n else ()
    if shape == "tree":
        return tuple(child for child in (2 * index + 1, 2 * index + 2) if child < n)
    if shape == "fan-in":  # one task that waits for all others
        return range(1, n) if index == 0 else ()
    if index % 3 == 0:  # diamonds in a row: 0 needs 1 and 2, both need 3, which needs 4 and 5, …
        return tuple(dep for dep in (index + 1, index + 2) if dep < n)
    bottom = index - index % 3 + 3
    return (bottom,) if bottom < n else ()


def name(index: int) -> str:
    """A task id of the usual length."""
    return f"Touch_dev_shm_out_{index}_{index * 2654435761 % 2**40:010x}"
