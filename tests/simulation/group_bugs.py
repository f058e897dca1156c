"""Bugs of how frames that wait together are committed and answered; see `bugs.py`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from actorsched.actors import host
from actorsched.actors.host import Host
from actorsched.errors import UnavailableError


def groups_are_answered_before_they_are_committed(patch: pytest.MonkeyPatch) -> None:
    """Each of a group hears what came of its frame as soon as that is known."""

    def hasty(server: Host, socket: Any, waiting: Sequence[Any]) -> None:
        assert server._together is not None
        with contextlib.suppress(Exception), server._together():
            for asked in waiting:
                socket.send(server._answer(asked), asked.way)

    patch.setattr(Host, "_answer_together", hasty)


def failed_groups_answer_their_first(patch: pytest.MonkeyPatch) -> None:
    """When the commit of a group fails, the first is told so, and the others are told nothing."""
    answer_together = Host._answer_together

    def curt(server: Host, socket: Any, waiting: Sequence[Any]) -> None:
        answer_together(server, _Curt(socket), waiting)

    patch.setattr(Host, "_answer_together", curt)


class _Curt:
    """Says only once that something cannot be done now."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._said = False

    def send(self, answer: bytes, way: Any) -> None:
        failed = b'"error"' in answer and str(UnavailableError.rpc_code).encode() in answer
        if not (failed and self._said):
            self._socket.send(answer, way)
        self._said |= failed


def one_bad_frame_spoils_its_group(patch: pytest.MonkeyPatch) -> None:
    """What cannot be stored of one frame is the answer to all that were to be committed with it."""
    patch.setattr(host, "InvalidParamsError", ())


def failed_groups_are_taken_for_good(patch: pytest.MonkeyPatch) -> None:
    """When the commit of a group fails, its frames are answered as if they were stored."""

    def trusting(server: Host, socket: Any, waiting: Sequence[Any]) -> None:
        assert server._together is not None
        answers = list[bytes]()
        with contextlib.suppress(Exception), server._together():
            answers += [server._answer(asked) for asked in waiting]
        for asked, answer in zip(waiting, answers, strict=True):
            socket.send(answer, asked.way)

    patch.setattr(Host, "_answer_together", trusting)
