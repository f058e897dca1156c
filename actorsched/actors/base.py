"""The actor that all others derive from: Pykka's, with our inbox and a guard.

Two traits of Pykka are taken away here and nowhere else. An exception in a handler that was reached
by `tell` would end the actor without `on_stop`: here it is logged, and the actor goes on, because one
bad message must not take a scheduler away from everybody. Threads are daemons, because a facade that
nobody closed must not keep a finished program alive.
"""

from __future__ import annotations

import sys
from dataclasses import is_dataclass
from traceback import format_exception
from typing import Any

import pykka

from actorsched.actors.future import AskFuture
from actorsched.actors.inbox import Inbox
from actorsched.actors.log import log as log
from actorsched.actors.runtime import Runtime


class Actor(pykka.ThreadingActor):
    """A Pykka actor with an inbox that keeps time and listens.

    Subclasses write `handle(message)`, one `match` that ends in `return self.refuse(message)`.

    Args:
        runtime: everything that the actor needs from the outside; None for that of this machine.
    """

    use_daemon_thread = True
    #: whether the inbox must be able to listen to sockets of the network
    owns_sockets = False
    actor_inbox: Inbox

    def __init__(self, runtime: Runtime | None = None) -> None:
        self._runtime = runtime or Runtime()
        super().__init__()

    # Pykka's is static, but is called on the instance
    def _create_actor_inbox(self) -> Inbox:  # type: ignore[override]
        return self._runtime.make_inbox(sockets=self.owns_sockets)

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return AskFuture()

    def handle(self, message: object) -> Any:
        """Act on one message; the result goes to whoever asked."""
        return self.refuse(message)

    def refuse(self, message: object) -> None:
        """The end of every `match`: a message that this actor does not know."""
        # a record of ours may hold a task, and that a private parameter, which is shown nowhere
        shown = "" if is_dataclass(message) else f": {message!r}"
        raise TypeError(f"{type(self).__name__} does not accept {type(message).__name__}{shown}")

    def on_receive(self, message: object) -> Any:
        return self.handle(message)

    def _actor_loop_setup(self) -> None:
        try:
            self.on_start()
        except Exception:  # an actor that could not start answers everybody with ActorDeadError
            super()._handle_failure(*sys.exc_info())

    def _handle_failure(self, exception_type: Any, exception_value: Any, traceback: Any) -> None:
        """Keep the actor alive after a failed `tell`; Pykka would end it here."""
        # as text: a renderer that shows local variables would show private parameters
        story = "".join(format_exception(exception_type, exception_value, traceback))
        log.error("a message could not be handled", actor=type(self).__name__, trace=story)

    def _actor_loop_teardown(self) -> None:
        super()._actor_loop_teardown()
        self.actor_inbox.close()
