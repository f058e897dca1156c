"""Graphs of tasks: which task needs which, as numbers from 0."""

from __future__ import annotations

SHAPES = ("flat", "chain", "tree")


def deps_of(shape: str, index: int, n: int) -> tuple[int, ...]:
    """What a task needs: nothing; the one before it; its two children in a heap."""
    if shape == "chain":
        return (index - 1,) if index else ()
    if shape == "tree":
        return tuple(child for child in (2 * index + 1, 2 * index + 2) if child < n)
    return ()


def roots_of(shape: str, n: int) -> range:
    """The tasks that nobody needs: what a user asks for."""
    if shape == "chain":
        return range(n - 1, n)
    if shape == "tree":
        return range(1)
    return range(n)
