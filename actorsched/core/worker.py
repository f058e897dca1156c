"""What the scheduler knows about one worker."""

from __future__ import annotations

from typing import Any

from actorsched.core.instant import Instant
from actorsched.core.record import TaskRecord
from actorsched.core.statuses import WORKER_ACTIVE, WORKER_DISABLED


class WorkerRecord:
    __slots__ = (
        "assistant",
        "disabled",
        "former_incarnations",
        "host",
        "incarnation",
        "info",
        "known",
        "last_active",
        "last_get_work",
        "rpc_messages",
        "runs",
        "serial",
        "started",
        "worker_id",
    )

    def __init__(self, worker_id: str, now: Instant, serial: int = 0) -> None:
        self.worker_id = worker_id
        #: tells lives of one id apart that the scheduler has given up in between
        self.serial = serial
        self.started = now
        self.last_active = now
        #: monotonic
        self.last_get_work: float | None = None
        self.host: str | None = None
        #: what the worker tells about itself, shown as it is; `workers` is its number of processes
        self.info: dict[str, Any] = {}
        #: mirrors `info["assistant"]`
        self.assistant = False
        self.disabled = False
        #: has registered something in this epoch
        self.known = False
        #: names its present life; None: it never said
        self.incarnation: Any = None
        self.former_incarnations: list[Any] = []
        self.rpc_messages: list[dict[str, Any]] = []
        #: records that it runs, RUNNING and BATCH_RUNNING
        self.runs: dict[TaskRecord, None] = {}

    def __repr__(self) -> str:
        return f"<worker {self.worker_id}>"

    @property
    def state(self) -> str:
        return WORKER_DISABLED if self.disabled else WORKER_ACTIVE

    @property
    def is_submission(self) -> bool:
        """It registered tasks and left: it is not given up before they are done."""
        return bool(self.info.get("submission"))

    @property
    def processes(self) -> int:
        n: int = self.info.get("workers", 1)
        return n
