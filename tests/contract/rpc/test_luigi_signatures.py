"""Names, order and defaults of the arguments are those of Luigi."""

from __future__ import annotations

import inspect

import luigi.rpc
import luigi.scheduler
import pytest

from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.methods import METHODS

EMPTY = inspect.Parameter.empty


def signature_of(function: object) -> dict[str, object]:
    parameters = list(inspect.signature(function).parameters.values())[1:]  # type: ignore[arg-type]
    return {p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD}


#: Luigi takes these among `**kwargs` and fails without them
NEEDED = {"ping": {"worker": EMPTY}, "announce_scheduling_failure": {"worker": None}}


@pytest.mark.parametrize("name", sorted(luigi.rpc.RPC_METHODS))
def test_a_method_of_luigi_is_there_with_its_arguments(name: str) -> None:
    """Code that calls Luigi's scheduler calls ours."""
    luigis = signature_of(getattr(luigi.scheduler.Scheduler, name)) | NEEDED.get(name, {})
    ours = signature_of(getattr(SchedulerApi, name))
    assert list(ours.items())[: len(luigis)] == list(luigis.items())
    assert all(default is not EMPTY for default in list(ours.values())[len(luigis) :])


@pytest.mark.parametrize("name", sorted(luigi.rpc.RPC_METHODS))
def test_unknown_arguments_are_ignored_where_luigi_does_so(name: str) -> None:
    """And refused elsewhere."""
    parameters = inspect.signature(getattr(luigi.scheduler.Scheduler, name)).parameters.values()
    takes_more = any(p.kind is p.VAR_KEYWORD for p in parameters)
    method = METHODS[name]
    assert takes_more == (method.ignores_others or method.open_type is not None)
