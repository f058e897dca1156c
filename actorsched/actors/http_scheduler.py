"""A stock luigid, as an actor: to its callers it looks like any other scheduler.

Accepts
    what an AdapterActor accepts (`adapter.py`)
    Call            ask: its `until` counts, too
On stop
    noticed between two attempts; a call under way ends with its attempt.
On crash
    the error of one call is that call's answer and nobody else's.

Luigi's protocol knows neither batches nor repeated requests: calls are made one by one, and one whose answer
was lost may be made twice, as by Luigi's own client. Its workers live with that, and so do ours.

The pings are made by an actor of their own, with connections of its own, because a call may take long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pykka import ActorRef
from pykka.messages import _ActorStop

from actorsched.actors.adapter import AdapterActor
from actorsched.actors.contact import Contact
from actorsched.actors.messages import Call, KeepAlive, StopKeepAlive
from actorsched.actors.patience import NoAnswerError, Patience, closed_early, over_early
from actorsched.actors.runtime import Event, Runtime
from actorsched.config import ClientSettings
from actorsched.core.policy import LUIGIS
from actorsched.errors import UntrustedServerError
from actorsched.rpc.methods import METHODS
from actorsched.transport.address import parse_endpoints, redacted
from actorsched.transport.http import HttpAwayError, HttpClient, trust_from

#: the arguments that a stock scheduler takes, for the methods that refuse others
TAKEN: Mapping[str, frozenset[str]] = {"resource_list": frozenset()}
#: so long is tried to get one ping through, before the next one is due anyway
PING_PATIENCE_S = 10.0


class Turn:
    """Which of several endpoints is to be asked; for all who ask the same scheduler, in any thread."""

    def __init__(self) -> None:
        self.number = 0

    def pass_on(self, failed: int, n_endpoints: int) -> None:
        """This one does not answer; does nothing if somebody has noticed that before."""
        if self.number == failed:
            self.number = (failed + 1) % n_endpoints


class LuigidMethods:
    """The RPC methods of a luigid as those of an object, for an adapter.

    Args:
        url: one address, or several with commas between that are tried in turn.
        settings: how it waits and retries.
        runtime: clock, chance and the network.
        closing: set to end a pause at once.
        other: methods of the same luigid; contact, and the endpoint where it is found, are shared with them.
    """

    def __init__(
        self,
        url: str,
        settings: ClientSettings,
        runtime: Runtime,
        closing: Event,
        other: LuigidMethods | None = None,
    ) -> None:
        self.url = redacted(url)
        self.is_stopping: Callable[[], bool] = bool
        self._endpoints = parse_endpoints(
            url, allow_clear_password=settings.allow_clear_password, allow_http=True
        )
        self._trust = trust_from(settings.tls_ca)
        self._turn: Turn = Turn() if other is None else other._turn
        self._current = 0  # where the client asks
        self._client: HttpClient | None = None
        self._runtime = runtime
        self._closing = closing
        contact = None if other is None else other.contact
        self._patience = Patience(self.url, settings, runtime, closing, self._meanwhile, contact)

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS or name in ("hello", "cancel_task"):
            raise AttributeError(name)

        def method(**params: Any) -> Any:
            return self.call(name, params)

        return method

    def call(self, method: str, params: Mapping[str, Any], patience_s: float | None = None) -> Any:
        """Make a call, as often as it takes."""
        taken = TAKEN.get(method)
        said = params if taken is None else {name: params[name] for name in params if name in taken}
        policy = params.get("retry_policy_dict")
        if policy:  # it fails on what it does not know
            said = {**said, "retry_policy_dict": {name: policy[name] for name in policy if name in LUIGIS}}
        return self._patience.keep_trying(lambda limit_s: self._attempt(method, said, limit_s), patience_s)

    @property
    def contact(self) -> Contact:
        """Whether it is there."""
        return self._patience.contact

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _attempt(self, method: str, params: Mapping[str, Any], timeout_s: float) -> Any:
        self._meanwhile()
        if self._client is None:
            self._current = self._turn.number
            self._client = self._runtime.network.open_http(self._endpoints[self._current], trust=self._trust)
        try:
            return self._client.call(method, params, timeout_s)
        except UntrustedServerError as error:
            if not self._patience.contact.was_there:
                raise
            self.close()
            raise NoAnswerError(str(error)) from None  # somebody will renew what has expired
        except HttpAwayError as error:
            self.close()
            self._turn.pass_on(self._current, len(self._endpoints))
            raise NoAnswerError(str(error)) from None

    def _meanwhile(self) -> None:
        if self._closing.is_set() or self.is_stopping():
            raise closed_early(self.url)


class HttpSchedulerActor(AdapterActor):
    """Owns the connections; see the top of the module.

    Args:
        url: as for `RemoteSchedulerActor`, with http, https or http+unix.
        settings: how it waits and retries.
        runtime: clock, chance and the network.
        closing: may be set, before the actor is stopped, to end at once what is being waited for.

    Raises:
        AddressError: the url cannot be understood.
        ConfigError: there are no certificates in the file of those to trust.
    """

    def __init__(
        self,
        url: str,
        settings: ClientSettings | None = None,
        runtime: Runtime | None = None,
        closing: Event | None = None,
    ) -> None:
        runtime = runtime or Runtime()
        settings = settings or ClientSettings()
        closing = closing or runtime.make_event()
        self._luigid = LuigidMethods(url, settings, runtime, closing)
        super().__init__(self._luigid, runtime)
        self._luigid.is_stopping = lambda: self.actor_inbox.holds(_ActorStop)
        self._pings = LuigidMethods(url, _for_pings(settings), runtime, closing, self._luigid)
        self._pinger: ActorRef[AdapterActor] | None = None

    def handle(self, message: object) -> Any:
        match message:
            case Call(method=method, params=params, until=float(until)) if method in METHODS:
                patience_s = until - self._runtime.clock.monotonic()
                if patience_s <= 0:
                    raise over_early(method, self._luigid.url)
                return self._luigid.call(method, params, patience_s)
            case KeepAlive() | StopKeepAlive():
                if self._pinger is None:
                    self._pinger = self._runtime.start(AdapterActor, self._pings, self._runtime)
                self._pinger.tell(message)
                return None
            case _:
                return super().handle(message)

    def on_stop(self) -> None:
        if self._pinger is not None:
            self._pinger.stop(block=True)
        self._pings.close()
        self._luigid.close()


def _for_pings(settings: ClientSettings) -> ClientSettings:
    import msgspec

    timeout_s = min(settings.connect_timeout, PING_PATIENCE_S)
    return msgspec.structs.replace(settings, patience=PING_PATIENCE_S, connect_timeout=timeout_s)
