"""Trees and graphs as text."""

from __future__ import annotations

from typing import Any

import click

from actorsched.cli.graph import dot_lines, tree_lines


def node(name: str, *deps: str, status: str = "PENDING") -> dict[str, Any]:
    return {"name": name, "params": {"x": "1"}, "status": status, "deps": list(deps)}


NODES = {
    "top": node("Top", "left", "right"),
    "left": node("Left", "both", status="RUNNING"),
    "right": node("Right", "both"),
    "both": node("Both", "base", status="DONE"),
    "base": node("Base", status="DONE"),
}


def test_a_tree_names_what_it_has_shown_before() -> None:
    """A graph with many ways to the same task would be endless otherwise."""
    assert [click.unstyle(line) for line in tree_lines(NODES, "top")] == [
        "pending Top(x=1)",
        "├── running Left(x=1)",
        "│   └── done Both(x=1)",
        "│       └── done Base(x=1)",
        "└── pending Right(x=1)",
        "    └── done Both(x=1)  (see above)",
    ]


def test_a_tree_with_a_circle_ends() -> None:
    nodes = {"a": node("A", "b"), "b": node("B", "a")}
    assert len(list(tree_lines(nodes, "a"))) == 3


def test_dependencies_that_were_not_asked_for_are_left_out() -> None:
    assert len(list(tree_lines({"top": NODES["top"], "left": NODES["left"]}, "top"))) == 2


def test_dot_quotes_what_it_is_given() -> None:
    """A parameter may hold anything."""
    nodes = {'a"b\\': {**node("A"), "display_name": 'A(x="1\n\\")'}}
    assert '  "a\\"b\\\\" [label="A(x=\\"1\\n\\\\\\")", color=black];' in list(dot_lines(nodes))
