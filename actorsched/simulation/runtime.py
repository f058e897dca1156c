"""The runtime of actors that live on a simulated node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pykka

from actorsched.actors.inbox import Inbox
from actorsched.actors.runtime import Runtime
from actorsched.children.launcher import Launcher
from actorsched.simulation.actors import SimulatedEvent, SimulatedFuture, SimulatedInbox, simulated
from actorsched.simulation.children import SimulatedLauncher
from actorsched.simulation.network import NodeNetwork
from actorsched.simulation.node import Node

A = TypeVar("A", bound=pykka.Actor)


class SimulatedRuntime(Runtime):
    """Everything from the outside is the node's.

    Args:
        stand_ins: class of an actor → the class that is started in its place.
    """

    node: Node
    stand_ins: Mapping[type[Any], type[Any]]

    def __init__(self, node: Node, stand_ins: Mapping[type[Any], type[Any]] | None = None) -> None:
        super().__init__(
            clock=node.clock,
            random=node.make_random(),
            make_event=SimulatedEvent,
            make_future=SimulatedFuture,
            make_launcher=self._make_launcher,
            network=NodeNetwork(node.network, node),
        )
        object.__setattr__(self, "node", node)  # the record is frozen
        object.__setattr__(self, "stand_ins", stand_ins or {})

    def start(self, kind: type[A], *args: Any, **kwargs: Any) -> pykka.ActorRef[A]:
        stand_in: Any = self.stand_ins.get(kind, kind)
        ref: pykka.ActorRef[A] = simulated(stand_in).start(*args, **kwargs)
        return ref

    def whoami(self) -> dict[str, Any]:
        return {"host": self.node.name, "username": "simulation", "pid": self.node.lives}

    def make_inbox(self, *, sockets: bool) -> Inbox:
        return SimulatedInbox(self.node)

    def _make_launcher(self, start_method: str) -> Launcher:
        return SimulatedLauncher(self.node)
