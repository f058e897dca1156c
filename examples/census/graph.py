"""The import graph, and an order of its names in which as few imports as possible point backwards."""

from __future__ import annotations

from collections.abc import Iterable

from census.source import Measures

#: importer → imported → number of the importer's files that do it
Graph = dict[str, dict[str, int]]


def import_graph(files: Iterable[Measures]) -> Graph:
    """Who imports whom, among the top-level names that have source here.

    Tests are left out, because they import everything; so are imports within one name. Imports
    inside of functions count like all others.
    """
    code = [file for file in files if not file["is_test"]]
    names = {top_level(file["source"]) for file in code}
    graph: Graph = {name: {} for name in sorted(names)}
    for file in code:
        importer = top_level(file["source"])
        for imported in file["imports"]:
            if imported in names and imported != importer:
                graph[importer][imported] = graph[importer].get(imported, 0) + 1
    return graph


def top_level(source: str) -> str:
    """The name under which an import statement finds the file: `asyncio/tasks.py` → `asyncio`."""
    return source.partition("/")[0].removesuffix(".py")


def importers(graph: Graph) -> dict[str, int]:
    """How many other names import each name."""
    counts = dict.fromkeys(graph, 0)
    for row in graph.values():
        for imported in row:
            counts[imported] += 1
    return counts


def busiest(graph: Graph, count: int) -> Graph:
    """The part of the graph between the `count` names with the most partners."""
    popularity = importers(graph)
    chosen = set(sorted(graph, key=lambda name: (-len(graph[name]) - popularity[name], name))[:count])
    return {
        importer: {imported: files for imported, files in row.items() if imported in chosen}
        for importer, row in graph.items()
        if importer in chosen
    }


def layered(graph: Graph) -> list[str]:
    """The names, importers before imported as far as cycles allow.

    The heuristic of Eades, Lin and Smyth (1993): whoever is imported by nobody comes first, whoever
    imports nobody comes last, and a knot is opened at the name that takes most and gives least.
    """
    first: list[str] = []
    last: list[str] = []
    left = dict.fromkeys(sorted(graph))
    while left:
        out = {name: sum(1 for other in graph[name] if other in left) for name in left}
        into = {name: sum(1 for other in left if name in graph[other]) for name in left}
        if sinks := [name for name in left if not out[name]]:
            last[:0] = sinks
            chosen = sinks
        else:
            chosen = [max(left, key=lambda name: (not into[name], out[name] - into[name]))]
            first += chosen
        for name in chosen:
            del left[name]
    return first + last
