"""The machine takes what the protocol says."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from actorsched.core import SchedulerMachine
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.methods import METHODS


def arguments(function: Any, skip: int) -> dict[str, inspect.Parameter]:
    parameters = list(inspect.signature(function).parameters.values())[skip:]
    return {p.name: p for p in parameters if p.kind is not p.VAR_KEYWORD}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_method_of_the_machine_takes_the_arguments_of_the_protocol(name: str) -> None:
    """After the time, which the actor hands in; defaults are not sent, so they must be the same."""
    machines = arguments(getattr(SchedulerMachine, name), 2)
    protocols = arguments(getattr(SchedulerApi, name), 1)
    assert list(machines) == list(protocols)
    for argument, protocol in protocols.items():
        assert machines[argument].kind == protocol.kind
        # what the protocol demands the machine may check in its own words
        assert protocol.default in (inspect.Parameter.empty, machines[argument].default)
