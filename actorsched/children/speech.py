"""What a slot and its child say to each other: records, as msgpack in frames.

slot → child    Prepare once, then Job after Job; Message during a job
                a Job may also be laid ready (shelf.py)
child → slot    Notice any number of times during a job, then Ended; to a Job with `resume` first of all
                Notice "resumed", because a child may die just when it is to go on
"""

from __future__ import annotations

from typing import Any

import msgspec

from actorsched.config import WorkerSettings
from actorsched.tasks.outcome import Outcome
from actorsched.tasks.registration import Registration


class Prepare(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How runs are to be done in this child, and what the program has set up for them (luggage.py)."""

    settings: WorkerSettings
    luggage: bytes = b""


class Job(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One run. `packed` is the task itself, or a member of the batch; without it the task is loaded by name.

    Attributes:
        params: parameter name → text, as registered.
            Of a batch, a combined parameter has a list of them.
        granted: ids of dynamic requirements that the task has asked for.
        complete: ids of requirements that this worker has seen complete and that need not be asked again.
        resume: go on with the run of this task that the child keeps suspended.
        limit_known: whoever sent the job has read `worker_timeout` from the task; else the child tells it
            (Notice "limit"). It also tells how people call a task that it has loaded (Notice "named").
        is_batch: the task is to be made from `params`, and to be told of (Notice "combined") before it runs.
        after: of what is laid ready, the run that this one may follow when it was a success; else the child
            leaves it. "" for none.
    """

    run_id: str
    task_id: str
    packed: bytes | None = None
    module: str | None = None
    family: str = ""
    params: dict[str, Any] = {}
    granted: tuple[str, ...] = ()
    complete: tuple[str, ...] = ()
    resume: bool = False
    is_batch: bool = False
    limit_known: bool = False
    after: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that somebody sent to the task of a run."""

    run_id: str
    message_id: str
    content: str


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that `run()` said about itself; `kind` is the name of the reporter's method."""

    run_id: str
    kind: str
    value: Any


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The end of a run.

    Attributes:
        registration: what a task that was loaded by name is registered with, else None.
        tainted: why this child should not be used again; "" when it may be.
        suspended: the child keeps the run, and can go on with it; it should do nothing else until then.
        took: the run that lay ready on the shelf and that the child goes on with; "" for none.
    """

    run_id: str
    outcome: Outcome
    registration: Registration | None = None
    tainted: str = ""
    suspended: bool = False
    took: str = ""


encode = msgspec.msgpack.Encoder().encode
decode_for_child = msgspec.msgpack.Decoder(Prepare | Job | Message).decode
decode_for_slot = msgspec.msgpack.Decoder(Notice | Ended).decode
