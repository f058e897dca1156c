"""Messages to the tasks of a slot's runs: kept until their run has begun, and then sent. No actor.

A child that is busy does not read. Its socket holds some of what it is sent, and the rest follows when there
is room, so that the slot waits for nobody.
"""

from __future__ import annotations

import contextlib

from actorsched.actors.child_link import ChildLink
from actorsched.actors.log import log
from actorsched.actors.messages import TaskMessage
from actorsched.children.speech import Message, encode


class Letters:
    """See the top of the module.

    Args:
        child: who gets them.
    """

    def __init__(self, child: ChildLink) -> None:
        self._child = child
        self._kept: list[TaskMessage] = []

    def keep(self, letter: TaskMessage) -> None:
        """Keep a message for a run that cannot have it now."""
        self._kept.append(letter)

    def take(self) -> list[TaskMessage]:
        """All that are kept; whoever is still too early with one keeps it again."""
        kept, self._kept = self._kept, []
        return kept

    def send(self, letter: TaskMessage) -> None:
        """Send a message to the run that is on."""
        said = Message(run_id=letter.run_id, message_id=letter.message_id, content=letter.content)
        try:
            if not self._child.post(encode(said)):
                self._child.await_room()
        except OSError as error:
            log.warning("a message did not reach its task", run=letter.run_id, error=str(error))

    def post_on(self) -> None:
        """Send the rest, or some of it."""
        with contextlib.suppress(OSError):  # its end is heard
            if not self._child.post_on():
                self._child.await_room()
