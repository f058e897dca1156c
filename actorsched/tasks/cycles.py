"""Dependency cycles, found without recursion."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

Graph = Mapping[str, Sequence[str]]


def knots(graph: Graph) -> list[list[str]]:
    """Return the sets of nodes that reach each other, in which every node is part of a cycle.

    Tarjan's algorithm, with a stack of its own. Nodes that are only named as dependencies are leaves.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    open_nodes: set[str] = set()
    found: list[list[str]] = []
    for root in graph:
        if root in index:
            continue
        path: list[tuple[str, Iterator[str]]] = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        open_nodes.add(root)
        while path:
            node, rest = path[-1]
            for next_node in rest:
                if next_node not in graph:
                    continue
                if next_node not in index:
                    index[next_node] = low[next_node] = len(index)
                    stack.append(next_node)
                    open_nodes.add(next_node)
                    path.append((next_node, iter(graph[next_node])))
                    break
                if next_node in open_nodes and index[next_node] < low[node]:
                    low[node] = index[next_node]
            else:
                path.pop()
                if path and low[node] < low[path[-1][0]]:
                    low[path[-1][0]] = low[node]
                if low[node] == index[node]:
                    members = _take_down_to(node, stack, open_nodes)
                    if len(members) > 1 or node in graph[node]:
                        found.append(members)
    return found


def _take_down_to(node: str, stack: list[str], open_nodes: set[str]) -> list[str]:
    members = []
    while True:
        member = stack.pop()
        open_nodes.discard(member)
        members.append(member)
        if member == node:
            members.reverse()
            return members


def round_trip(start: str, graph: Graph, members: Iterable[str]) -> list[str]:
    """Return a shortest way from a node back to itself within a knot: `[start, …, start]`."""
    inside = set(members)
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for next_node in graph[node]:
            if next_node in inside and next_node not in came_from:
                came_from[next_node] = node
                if next_node == start:
                    return _way_back(start, came_from)
                waiting.append(next_node)
    raise AssertionError(f"{start} is in no cycle")


def _way_back(start: str, came_from: Mapping[str, str]) -> list[str]:
    way = [start, came_from[start]]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    way.reverse()
    return way
