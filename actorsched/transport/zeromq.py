"""The network as actors see it: opens sockets, and makes the pollers that wait for them.

An actor opens no socket itself; it asks the network in its `Runtime`. The simulation hands out another
one, whose sockets have the same methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actorsched.transport.address import Address
from actorsched.transport.context import make_poller
from actorsched.transport.http import HttpClient
from actorsched.transport.keys import KeyPair, Keys
from actorsched.transport.pub import PubSocket, SubSocket
from actorsched.transport.rep import RepSocket
from actorsched.transport.req import ReqSocket
from actorsched.transport.zap import Door

if TYPE_CHECKING:
    from ssl import SSLContext


class ZeroMq:
    """The network of this machine. What is opened belongs to the thread that opened it."""

    def make_poller(self) -> Any:
        """A poller for sockets of this network and for file descriptors."""
        return make_poller()

    def open_req(
        self,
        address: Address,
        *,
        patient: bool = False,
        max_frame_bytes: int = -1,
        keys: Keys | None = None,
    ) -> ReqSocket:
        """The asking end; see `ReqSocket`."""
        return ReqSocket(address, patient=patient, max_frame_bytes=max_frame_bytes, keys=keys)

    def open_rep(self, address: Address, *, max_frame_bytes: int, door: Door | None = None) -> RepSocket:
        """The answering end; see `RepSocket`, also for the errors."""
        return RepSocket(address, max_frame_bytes=max_frame_bytes, door=door)

    def open_pub(self, address: Address, *, door: Door | None = None) -> PubSocket:
        """What tells hints; see `PubSocket`, also for the errors."""
        return PubSocket(address, door=door)

    def open_sub(self, address: Address, *, keys: Keys | None = None) -> SubSocket:
        """What hears hints; see `SubSocket`."""
        return SubSocket(address, keys=keys)

    def open_http(self, address: Address, *, trust: SSLContext | None = None) -> HttpClient:
        """What asks a luigid; see `HttpClient`, also for the errors."""
        return HttpClient(address, trust)

    def open_door(self, keys: KeyPair | None) -> Door:
        """What lets people in to answering ends; see `Door`."""
        return Door(keys)
