"""What the methods of `SchedulerApi` send."""

from __future__ import annotations

import math
from typing import Any

import pytest

from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.methods import GROUPS, METHODS


class Recorder(SchedulerApi):
    def _call(self, method: str, params: dict[str, Any]) -> Any:
        self.last = (method, params)
        return None


@pytest.fixture
def api() -> Recorder:
    return Recorder()


def test_only_what_differs_from_its_default_is_sent(api: Recorder) -> None:
    """A frame with twenty-two arguments that say nothing costs time on both sides."""
    api.add_task(task_id="T", status="PENDING", runnable=True, worker="w", deps=[], priority=0)
    assert api.last == ("add_task", {"task_id": "T", "worker": "w", "deps": []})


def test_one_is_not_true(api: Recorder) -> None:
    """In Python they are equal; as limits of `task_list` they are a page of one, and Luigi's limit."""
    api.task_list(limit=1)
    assert api.last == ("task_list", {"limit": 1})
    api.task_list(limit=True)
    assert api.last == ("task_list", {})


def test_no_limit_is_not_sent(api: Recorder) -> None:
    """JSON has no infinity."""
    api.add_task_batcher("w", "Family", ["day"], math.inf)
    assert api.last == ("add_task_batcher", {"worker": "w", "task_family": "Family", "batched_args": ["day"]})
    api.add_task_batcher("w", "Family", ["day"], 7)
    assert api.last[1]["max_batch_size"] == 7


def test_additional_arguments_travel_where_they_are_ignored(api: Recorder) -> None:
    """A later version of a client may say more than this one knows."""
    api.get_work(worker="w", later="thing")
    assert api.last == ("get_work", {"worker": "w", "later": "thing"})


def test_resources_are_named_freely(api: Recorder) -> None:
    """`update_resources` takes the names of resources as names of arguments."""
    api.update_resources(cpu=4, gpu=1)
    assert api.last == ("update_resources", {"cpu": 4, "gpu": 1})


def test_every_public_method_is_in_the_registry_once() -> None:
    """A method that is in no group would be unreachable from the network."""
    public = {name for name in vars(SchedulerApi) if not name.startswith("_")}
    grouped = [name for group in GROUPS.values() for name in group]
    assert sorted(grouped) == sorted(public) == sorted(METHODS)
