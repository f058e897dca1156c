"""Whom to wake: idle workers for whom there may be work now, or nothing left to wait for.

A worker that got less than it asked for is *hungry* until it asks again. When tasks of a class (ready.py)
become ready, or the resources that a class waits for are released, as many hungry workers are woken as
there are tasks, each once; so a thousand tasks that become ready under a thousand sleeping workers cost a
thousand hints and not a million. A worker that waits for tasks of others is woken when the last of them
is over.

A hint is only a hint. It promises nothing and may get lost; a worker that hears none asks by itself after
its `wait_interval`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actorsched.core.counting import count_can_run
from actorsched.core.ready import ReadyClass
from actorsched.core.state import State


def note_hungry(state: State, worker_id: str, processes: int, n_can_run: int) -> None:
    """The worker got `processes` tasks fewer than it asked for; so many can still become DONE."""
    state.hungry[worker_id] = (processes, n_can_run)


def take_hints(state: State) -> tuple[list[str], list[str]]:
    """Whom to wake after what has happened since the last call.

    Returns:
        the workers for whom there may be work, and those for whom there are messages.
    """
    told = list(state.told)
    state.told.clear()
    if not state.hungry:
        return [], told
    woken: dict[str, None] = {}
    ready, resources = state.ready, state.resources
    if (ready.stirred or resources.freed) and not state.paused:
        for group in ready.classes:
            n = group.live if resources.freed and group.demand.needs else min(group.fresh, group.live)
            group.fresh = 0
            if n and resources.fits(group.demand, resources.used):
                _wake(state, group, n, woken)
                if not state.hungry:
                    break
        ready.stirred = resources.freed = False
    if state.despaired:
        state.despaired = False
        for worker_id, (_, n_can_run) in list(state.hungry.items()):
            if n_can_run and not count_can_run(state, state.workers[worker_id]):
                del state.hungry[worker_id]
                woken[worker_id] = None
    return list(woken), told


def _wake(state: State, group: ReadyClass, n: int, woken: dict[str, None]) -> None:
    for worker_id in list(_takers(state, group)):
        processes = state.hungry[worker_id][0]
        if processes and worker_id not in woken:
            del state.hungry[worker_id]
            woken[worker_id] = None
            n -= processes
            if n <= 0:
                return


def _takers(state: State, group: ReadyClass) -> Iterator[str]:
    """Hungry workers that could run it: those who registered it, then assistants; each once."""
    hungry, crew, origin = state.hungry, group.crew, group.demand.origin
    if origin is not None:
        hungry = {who: known for who, known in hungry.items() if who not in origin.declined}
    own: Iterable[str] = crew.ids if len(crew.ids) < len(hungry) else hungry
    for worker_id in own:
        if worker_id in hungry and worker_id in crew.idset:
            yield worker_id
    if state.assistants:
        for worker_id in hungry:
            if worker_id not in crew.idset and state.workers[worker_id].assistant:
                yield worker_id
