"""What a slot and its child say to each other: records, as msgpack in frames.

slot → child    Prepare once, then Job after Job
child → slot    Notice any number of times during a job, then Ended
"""

from __future__ import annotations

from typing import Any

import msgspec

from actorsched.config import WorkerSettings
from actorsched.tasks.registration import Registration
from actorsched.tasks.running import Outcome


class Prepare(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How runs are to be done in this child."""

    settings: WorkerSettings


class Job(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One run. `packed` is the task itself; without it the task is loaded by name.

    Attributes:
        params: parameter name → text, as registered.
        granted: ids of dynamic requirements that an earlier attempt asked for and that are done.
    """

    run_id: str
    task_id: str
    packed: bytes | None = None
    module: str | None = None
    family: str = ""
    params: dict[str, Any] = {}
    granted: tuple[str, ...] = ()


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
    """

    run_id: str
    outcome: Outcome
    registration: Registration | None = None
    tainted: str = ""


encode = msgspec.msgpack.Encoder().encode
decode_for_child = msgspec.msgpack.Decoder(Prepare | Job).decode
decode_for_slot = msgspec.msgpack.Decoder(Notice | Ended).decode
