"""The sockets of a server, without any."""

from __future__ import annotations

from typing import Any

from actorsched.actors.host import Host, _Checked
from actorsched.actors.runtime import Runtime
from actorsched.transport.zap import Knock


def test_a_password_that_was_checked_too_late_is_of_no_use() -> None:
    """The server was closed meanwhile, and that is no bug."""
    owner: Any = None
    host = Host(owner, Runtime(), lambda calls: [], None)
    knock = Knock(envelope=(), request_id=b"", mechanism="PLAIN", address="", credentials=())
    for user in ("alice", None):
        host.handle(_Checked(host, knock, user))
