"""Discovery on any graph: everything once, in order, and exactly the members of cycles fail."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st

from actorsched import Task
from actorsched.config import WorkerSettings
from actorsched.tasks.cycles import knots, round_trip
from actorsched.tasks.discovery import discover

SIZE = 9
graphs = st.fixed_dictionaries({n: st.lists(st.integers(0, SIZE - 1), max_size=4) for n in range(SIZE)})
nodes = st.sets(st.integers(0, SIZE - 1))


class Node(Task):
    n: int
    graph: ClassVar[dict[int, list[int]]] = {}
    done: ClassVar[set[int]] = set()
    broken: ClassVar[set[int]] = set()
    asked: ClassVar[Counter[int]] = Counter()

    def requires(self) -> Any:
        if self.n in self.broken:
            raise ValueError("no")
        return [Node(n) for n in self.graph[self.n]]

    def complete(self) -> bool:
        self.asked[self.n] += 1
        return self.n in self.done


def reachable(graph: dict[int, list[int]], start: list[int], leaves: set[int]) -> list[int]:
    """Return the nodes in breadth-first order; leaves are not looked behind."""
    order = list(dict.fromkeys(start))
    waiting = deque(order)
    while waiting:
        node = waiting.popleft()
        for other in [] if node in leaves else graph[node]:
            if other not in order:
                order.append(other)
                waiting.append(other)
    return order


@given(
    graphs, nodes, nodes, st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=3), st.sampled_from([0, 3])
)
@settings(max_examples=300, deadline=None)
def test_any_graph(
    graph: dict[int, list[int]], done: set[int], broken: set[int], roots: list[int], threads: int
) -> None:
    """Against the plainest way to say the same."""
    Node.graph, Node.done, Node.broken = graph, done, broken
    Node.asked.clear()
    found = list(discover(map(Node, roots), settings=WorkerSettings(), seen=set(), threads=threads))
    leaves = done | broken
    order = reachable(graph, roots, leaves)
    first = found[: len(order)]
    assert [item.task.n for item in first] == order
    assert Node.asked == Counter(order)
    for item in first:
        n = item.task.n
        assert item.kind == ("complete" if n in done else "failed" if n in broken else "pending")
        if item.kind == "pending":
            assert item.registration.deps == tuple(Node(d).task_id for d in dict.fromkeys(graph[n]))
    in_cycles = {n for n in order if n not in leaves and n in reachable(graph, list(graph[n]), leaves)}
    again = found[len(order) :]
    assert {item.task.n for item in again} == in_cycles
    assert len(again) == len(in_cycles)
    assert all(item.kind == "failed" and "dependency cycle" in item.error for item in again)


@given(graphs)
@settings(max_examples=200, deadline=None)
def test_each_knot_has_a_way_round(plain: dict[int, list[int]]) -> None:
    """From its first member back to it, along edges of the graph, as short as can be."""
    graph = {str(n): [str(d) for d in deps] for n, deps in plain.items()}
    members = knots(graph)
    assert sum(map(len, members)) == len({node for knot in members for node in knot})
    for knot in members:
        way = round_trip(knot[0], graph, knot)
        assert way[0] == way[-1] == knot[0]
        assert all(b in graph[a] for a, b in itertools.pairwise(way))
        assert len(set(way)) == len(way) - 1
        assert set(way) <= set(knot)
