"""`actorsched graph`: what a task needs, or what needs it, as a tree, as DOT or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actorsched.cli.client import client_command
from actorsched.cli.find import find_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actorsched.facade.remote_scheduler import RemoteScheduler

#: in one tree so many lines are shown
LINES_MAX = 1000

_COLOURS = {
    "DONE": "green",
    "RUNNING": "cyan",
    "BATCH_RUNNING": "cyan",
    "FAILED": "red",
    "DISABLED": "magenta",
    "UNKNOWN": "yellow",
}


def show_graph(
    remote: RemoteScheduler, as_json: bool, task: tuple[str, ...], upwards: bool, done: bool, dot: bool
) -> None:
    """See the help of the command."""
    task_id = find_task(remote, " ".join(task))
    ask = remote.inverse_dep_graph if upwards else remote.dep_graph
    nodes: dict[str, Any] = dict(ask(task_id=task_id, include_done=done))
    if as_json:
        from actorsched.cli.output import print_json

        print_json({"root": task_id, "nodes": nodes})
    elif dot:
        click.echo("\n".join(dot_lines(nodes)))
    else:
        for line in tree_lines(nodes, task_id):
            click.echo(line)


def name_of(task_id: str, view: dict[str, Any]) -> str:
    if view.get("display_name"):
        return str(view["display_name"])
    params = ", ".join(f"{key}={value}" for key, value in sorted(view["params"].items()))
    return task_id if view["status"] == "UNKNOWN" else f"{view['name']}({params})"


def tree_lines(nodes: dict[str, Any], root: str) -> Iterator[str]:
    """The tree under the root; what has been shown before is only named again."""
    from actorsched.cli.output import one_line

    seen: set[str] = set()
    stack: list[tuple[str, str, str]] = [(root, "", "")]
    shown = 0
    while stack:
        task_id, lead, branch = stack.pop()
        view = nodes.get(task_id)
        if view is None:  # done, and those were not asked for
            continue
        if shown == LINES_MAX:
            yield f"… and more: {len(nodes)} tasks in all; --json has all of them"
            return
        shown += 1
        status = view["status"]
        deps = [dep for dep in view["deps"] if dep in nodes]
        again = "  (see above)" if task_id in seen and deps else ""
        name = one_line(name_of(task_id, view))
        yield f"{lead}{branch}{click.style(status.lower(), fg=_COLOURS.get(status))} {name}{again}"
        if task_id in seen:
            continue
        seen.add(task_id)
        below = lead + {"": "", "├── ": "│   ", "└── ": "    "}[branch]
        for number, dep in enumerate(reversed(deps)):
            stack.append((dep, below, "├── " if number else "└── "))


def dot_lines(nodes: dict[str, Any]) -> Iterator[str]:
    """The graph in the language of Graphviz; an arrow points to what is needed."""
    yield "digraph tasks {"
    yield '  node [shape=box, style=rounded, fontname="sans-serif"];'
    for task_id, view in nodes.items():
        colour = _COLOURS.get(view["status"], "black")
        yield f"  {_quoted(task_id)} [label={_quoted(name_of(task_id, view))}, color={colour}];"
    for task_id, view in nodes.items():
        for dep in view["deps"]:
            if dep in nodes:
                yield f"  {_quoted(task_id)} -> {_quoted(dep)};"
    yield "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


graph = client_command(
    "graph",
    show_graph,
    "Show what a task needs, or with --upwards what needs it.\n\nTASK is a task id, or words that occur in"
    " the name of one task alone.",
    [
        click.Argument(["task"], nargs=-1, required=True),
        click.Option(["--upwards"], is_flag=True, help="Show what needs the task."),
        click.Option(["--done/--no-done"], default=True, help="Show tasks that are done too.  [default: on]"),
        click.Option(["--dot"], is_flag=True, help="Print the graph for Graphviz."),
    ],
)
