"""What the arguments of the methods may be, where a plain type says too little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec

#: the words for the state of a task, as `add_task` takes them
STATUSES = ("PENDING", "RUNNING", "DONE", "FAILED", "DISABLED", "UNKNOWN", "SUSPENDED", "BATCH_RUNNING")

Status: TypeAlias = Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(STATUSES)})$")]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
Amounts: TypeAlias = Mapping[str, int | float]
