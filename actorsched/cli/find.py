"""Find the one task of a scheduler that a person means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorsched.errors import CallerError

if TYPE_CHECKING:
    from actorsched.facade.remote_scheduler import RemoteScheduler

#: so many are named when several tasks fit
NAMED = 5


class NoSuchTaskError(CallerError):
    """No task fits, or more than one."""


def find_task(remote: RemoteScheduler, words: str) -> str:
    """Return the id of the task with this id or name, or of the only one in whose name all the words occur.

    Raises:
        NoSuchTaskError: there is none, or there are several.
    """
    if remote.dep_graph(task_id=words, limit=1):
        return words
    found: Any = remote.task_list(search=words, limit=NAMED + 1)
    exact = [task_id for task_id, view in found.items() if view["display_name"] == words] or list(found)
    if len(exact) == 1:
        return str(exact[0])
    if not found:
        raise NoSuchTaskError(
            f"no task {words!r} at {remote.url}; `actorsched tasks --search WORD` finds tasks"
        )
    named = [f"  {task_id}  {view['display_name']}" for task_id, view in list(found.items())[:NAMED]]
    more = ["  …"] if len(found) > NAMED else []
    raise NoSuchTaskError("\n".join([f"{words!r} fits several tasks; say which:", *named, *more]))
