"""The machine of a scheduler and the store behind it, kept in step.

A message is carried out in the machine, and what it changed is committed before anybody is answered.
When a commit fails, the machine knows something that nobody was told and nobody will remember, so it is
given up: the next one is read from the store. Until then every call is refused, as something that may
be asked again. What was turned down: to keep the machine and try the commit again. That is quicker, but
the caller was told "not done", and asks again, or something else; and where a connection broke in the
middle of a commit nobody knows what is stored. The store knows, and has the answer to whoever sends the
same request again.

Whoever does not have the place in the store (see store/base.py) waits for it: so a second scheduler is a
standby, and one that was fenced off becomes one.

The machine's time is that of the state's life: it goes on where the last commit left it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from actorsched.actors.doubt import Doubt
from actorsched.actors.log import log
from actorsched.actors.runtime import Runtime
from actorsched.config import SchedulerSettings
from actorsched.core import Instant, SchedulerMachine
from actorsched.core.rows import RunRow
from actorsched.errors import (
    ActorschedError,
    FencedError,
    StoreError,
    StoreHeldError,
    StoreUnavailableError,
    UnavailableError,
)
from actorsched.rpc.replies import ReplyMemory
from actorsched.store.base import NO_CHANGES, Place, Reply, Store

#: seconds between two attempts to get a lost store back, at least
RETRY_S = 0.5
#: room that must be there before a machine is read again, in bytes
BALLAST = 256 * 1024


class Keeper:
    """See the top of the module.

    Args:
        settings: of the machine.
        resources: capacities that the scheduler is started with.
        runtime: clock and names.
        store: not opened; None: the state ends with this object.
        lease_s: how long the place may go without a beat.
        note_runs: is told of runs that have ended, once that is stored; for the history. Of those in a commit
            that failed and was written all the same it is told when the store is read again.
    """

    def __init__(
        self,
        settings: SchedulerSettings,
        resources: Mapping[str, int] | None,
        runtime: Runtime,
        store: Store | None,
        lease_s: float,
        note_runs: Callable[[tuple[RunRow, ...]], None] | None = None,
    ) -> None:
        self._settings = settings
        self._resources = resources
        self._runtime = runtime
        self._store = store
        self._lease_s = lease_s
        self._note_runs = note_runs
        self._shift_s = 0.0
        self._machine: SchedulerMachine | None = None
        self._epoch = ""
        self._committed_at = 0.0
        self._taken_at = 0.0
        #: why there is no machine, for those who ask
        self._trouble: UnavailableError = StoreUnavailableError("the store is not open yet")
        self._broken = False
        self._try_at: float | None = None
        #: the place as it was seen by a standby, and since when
        self._seen: tuple[Place, float] | None = None
        self._opened = False
        #: whether commits wait for the end of `together`
        self.holds_back = False
        self.replies = ReplyMemory()
        self._new_replies: list[Reply] = []
        #: runs whose end is stored, or not
        self._doubt: Doubt | None = None
        if store is None:
            self._machine = self._make_machine(runtime.make_id())

    @property
    def stores(self) -> bool:
        """Whether the state outlives this object."""
        return self._store is not None

    def _make_machine(self, epoch: str) -> SchedulerMachine:
        return SchedulerMachine(
            self._settings, resources=self._resources, epoch=epoch, journal=self._store is not None
        )

    def now(self) -> Instant:
        """The time, on the scale of the state."""
        return Instant(self._runtime.clock.monotonic() + self._shift_s, self._runtime.clock.wall())

    # -- having a machine

    @property
    def taken_at(self) -> float:
        """When the machine was read, by the clock; 0 for one that was not."""
        return self._taken_at

    @property
    def serving(self) -> bool:
        return self._machine is not None

    @property
    def trouble(self) -> UnavailableError:
        """Why it is not serving."""
        return self._trouble

    def machine(self) -> SchedulerMachine:
        """The machine, if it may be used now.

        Raises:
            UnavailableError: there is none; the same may be asked again later.
        """
        if self._machine is None:
            with suppress(StoreError):  # noted; who asks has no part in it, and may ask again
                self.recover()
        elif self._store is not None and self._clock() - self._committed_at > self._lease_s / 2:
            self.commit()  # so long that another may have the place: look before anything is said
        if self._machine is None:
            raise self._trouble
        return self._machine

    def peek(self) -> SchedulerMachine | None:
        """The machine as it is, only to look at."""
        return self._machine

    def recover(self) -> None:
        """Try to get the place and the machine, unless that was tried just now.

        Raises:
            StoreError: the store cannot be used, now or later.
        """
        if self._machine is not None or self._store is None:
            return
        now = self._clock()
        if self._try_at is not None and now < self._try_at and self._runtime.ticking:
            return
        try:
            self._recover(self._store)
        except UnavailableError as error:
            self._note(error)
        except StoreError as error:
            self._note(StoreUnavailableError(str(error)))
            raise
        finally:
            after = self._clock()
            self._try_at = after + max(RETRY_S, after - now)

    def _recover(self, store: Store) -> None:
        if not self._opened:
            store.open()
            self._opened = True
        if self._broken:
            try:
                store.try_out(BALLAST)
            except StoreUnavailableError:
                store.open()
                store.try_out(BALLAST)
            self._broken = False
        place = store.look()
        if self._epoch and not place.free and place.epoch != self._epoch:
            self._say_replaced(f"{store.url}: {place.holder} has this store")
        if not (place.free or place.epoch == self._epoch or self._has_stood_still(place)):
            self._note(
                StoreHeldError(f"{store.url}: {place.holder} has this store; this scheduler waits for it")
            )
            return
        epoch = self._runtime.make_id()
        if not store.take(place, epoch):
            return
        if self._doubt is not None and place.epoch != self._epoch:
            self._doubt = None  # somebody else was here, and nobody can say what was written by whom
        self._epoch = epoch
        self._seen = None
        self._load(store, epoch)
        self._committed_at = self._taken_at = self._clock()

    def _has_stood_still(self, place: Place) -> bool:
        now = self._clock()
        if self._seen is None or self._seen[0] != place:
            self._seen = place, now
        return now - self._seen[1] > self._lease_s

    def _load(self, store: Store, epoch: str) -> None:
        started = self._clock()
        collecting = gc.isenabled()
        gc.disable()  # a million new records and no garbage among them
        try:
            stored = store.read()
            self._shift_s = stored.clock - self._clock()
            machine = self._make_machine(epoch)
            self.replies = ReplyMemory()
            for reply in stored.replies:
                assert reply.answer is not None
                self.replies.remember(reply.client, reply.seq, reply.answer)
            machine.load(stored.rows, self.now())
        except (KeyError, ValueError, AssertionError) as error:
            raise StoreError(
                f"{store.url}: the store is damaged: its rows contradict each other: {error!r}"
            ) from error
        finally:
            if collecting:
                gc.enable()
        self._new_replies = []
        self._machine = machine
        doubt, self._doubt = self._doubt, None
        if doubt is not None:
            self._tell(doubt.written(machine, self.replies))
        took_s = round(self._clock() - started, 3)
        log.info("the store is ours", store=store.url, epoch=epoch, tasks=len(machine.tasks), took_s=took_s)

    def _note(self, error: UnavailableError) -> None:
        if str(error) != str(self._trouble):
            if isinstance(error, StoreHeldError):
                log.info("standing by", cause=str(error))
            else:
                log.warning("the scheduler cannot serve", cause=str(error))
        self._trouble = error

    # -- committing

    def remember(self, client: str, seq: int, answer: bytes) -> None:
        """Keep the answer, with the next commit."""
        forgotten = self.replies.remember(client, seq, answer)
        if self._store is not None:
            self._new_replies.append(Reply(client, seq, answer))
            self._new_replies += [Reply(client, 0, None) for client in forgotten]

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commit what is done inside at its end, all in one transaction; raises what `commit` raises."""
        self.holds_back = True
        try:
            yield
        finally:
            self.holds_back = False
        self.commit(only_if_due=True)

    def commit(self, *, only_if_due: bool = False) -> None:
        """Store what has changed; afterwards it may be told.

        Args:
            only_if_due: when nothing has changed, renew the beat only if a third of the lease is over.

        Raises:
            UnavailableError, InvalidParamsError: nothing is stored, and the machine is gone.
        """
        store, machine = self._store, self._machine
        if store is None or machine is None or self.holds_back:
            return
        changes = machine.take_changes()
        if not changes and not self._new_replies:
            if only_if_due and self._clock() - self._committed_at < self._lease_s / 3:
                return
            changes = NO_CHANGES
        try:
            store.commit(changes, self._new_replies, self._clock() + self._shift_s)
        except Exception as error:
            self._doubt = Doubt.of(changes.runs, self._new_replies)
            self._lose(error)
            raise
        self._new_replies = []
        self._committed_at = self._clock()
        self._tell(changes.runs)

    def _tell(self, runs: Sequence[RunRow]) -> None:
        if runs and self._note_runs is not None:
            self._note_runs(tuple(runs))

    def _lose(self, error: Exception) -> None:
        self._machine = None
        self._try_at = None
        if isinstance(error, FencedError):
            self._say_replaced(str(error))
            self._trouble = error
            if self._store is not None:  # with its lock, which belongs to whoever has the place
                self._store.close()
                self._opened = False
        elif isinstance(error, UnavailableError):
            log.error("the store is lost", cause=str(error))
            self._trouble = error
            self._broken = True
            self._try_at = self._clock() + RETRY_S
        elif not isinstance(error, ActorschedError):
            log.error("a commit ended with a bug", error=repr(error))

    def _say_replaced(self, cause: str) -> None:
        log.error("another scheduler has taken the place of this one", store=cause)
        self._epoch = ""

    def close(self) -> None:
        """Commit nothing more and leave the place to the next one."""
        if self._store is not None:
            if self._machine is not None:
                self._store.give_back()
            self._machine = None
            self._store.close()

    def _clock(self) -> float:
        return self._runtime.clock.monotonic()
