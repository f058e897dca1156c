"""What a scheduler answers to the question for work, read once; no actor.

Ours says more than Luigi's: several grants at a time, run ids, a lease, and whether it knows the worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Handout:
    """The answer to `get_work` or `count_pending`.

    Attributes:
        reply: all of it; the counts are for `waiting.py`.
        refused: why it says nothing else; "" as a rule.
        known: whether the scheduler knows the worker.
        disabled: whether the worker may still report and gets nothing any more.
        lease_s: how long a silent worker keeps its runs; None where the scheduler does not say.
        grants: what is to be run.
    """

    reply: Mapping[str, Any]
    refused: str
    known: bool
    disabled: bool
    lease_s: float | None
    grants: tuple[Mapping[str, Any], ...]

    @property
    def fenced(self) -> bool:
        """Whether its runs have ids that the scheduler knows, so that they can be given back."""
        return bool(self.grants) and self.grants[0].get("run_id") is not None


def read_handout(reply: Mapping[str, Any]) -> Handout:
    """Make a record of the answer."""
    grants = reply.get("tasks")
    if grants is None:
        handed_out = reply.get("task_id") is not None or reply.get("batch_id") is not None
        grants = (reply,) if handed_out else ()
    return Handout(
        reply=reply,
        refused=reply.get("refused") or "",
        known=reply.get("known") is not False,
        disabled=reply.get("worker_state") == "disabled",
        lease_s=reply.get("lease_s"),
        grants=tuple(grants),
    )
