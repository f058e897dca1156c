"""Bugs of a line or two, as somebody commits them who is tired: other words in the source of one function.

What is planted is the code of the function, so that it is the bug of everybody who calls it. When the words
are not there any more, the bug cannot be planted, and says so.
"""

from __future__ import annotations

import inspect
import textwrap
from typing import Any, NamedTuple

import pytest

from actorsched.actors.duties import Duties
from actorsched.actors.history_writer import HistoryWriter
from actorsched.actors.keep_alive import KeepAliveTable
from actorsched.actors.line import Line
from actorsched.actors.pinger import Pinger
from actorsched.actors.registrations import Registrations
from actorsched.actors.remote_scheduler import RemoteSchedulerActor
from actorsched.actors.worker import WorkerActor
from actorsched.core import (
    deaths,
    ending,
    granting,
    leases,
    messaging,
    picking,
    registering,
    restoring,
    transitions,
)
from actorsched.core.state import State


class Mutant(NamedTuple):
    """One of them, and where it is looked for.

    Attributes:
        function: whose code is exchanged.
        old, new: words of its source.
        world, checkers, seed: as for a `Bug`.
    """

    name: str
    says: str
    function: Any
    old: str
    new: str
    world: str
    checkers: tuple[str, ...]
    seed: int = 0

    def plant(self, patch: pytest.MonkeyPatch) -> None:
        """Exchange the words."""
        source = textwrap.dedent(inspect.getsource(self.function))
        found = source.count(self.old)
        assert found == 1, f"{self.function.__qualname__} has changed: {self.old!r} is there {found} times"
        scope: dict[str, Any] = {}
        exec(
            "from __future__ import annotations\n" + source.replace(self.old, self.new),
            self.function.__globals__,
            scope,
        )
        patch.setattr(self.function, "__code__", scope[self.function.__name__].__code__)


MUTANTS = [
    Mutant(
        "workers_lift_what_is_disabled",
        "PENDING of a worker lifts what the scheduler has disabled",
        transitions.set_status,
        "elif trouble.disabled_at is not None and new != DISABLED:",
        "elif False:",
        "deadly",
        ("DisabledInTime",),
    ),
    Mutant(
        "failures_do_not_end_a_row_of_deaths",
        "a task is disabled for deaths that were no row, as it has failed in between",
        transitions.set_status,
        "forget_deaths(state, record, trouble)\n            if _one",
        "if _one",
        "deadly, failing",
        ("DisabledForAReason",),
        seed=1,
    ),
    Mutant(
        "one_death_too_many",
        "a task is disabled one death too late",
        transitions.lose,
        "trouble.deaths >= state",
        "trouble.deaths > state",
        "deadly",
        ("DisabledInTime",),
    ),
    Mutant(
        "one_failure_too_many",
        "a task is disabled one failure too late",
        transitions._one_more_failure,
        ">= policy.retry_count",
        "> policy.retry_count",
        "limited",
        ("DisabledInTime",),
    ),
    Mutant(
        "what_is_enabled_again_keeps_its_failures",
        "a task that is enabled again after its time is disabled by its next failure",
        transitions.re_enable,
        "trouble.pardon()",
        "trouble.disabled_at = None",
        "limited",
        ("DisabledForAReason",),
        seed=3,
    ),
    Mutant(
        "disabled_for_ever",
        "what the scheduler has disabled is never tried again",
        transitions.disable,
        "state.timers.arm(now.monotonic + state.settings.disable_persist, Kind.ENABLE, record)",
        "pass",
        "deadly",
        ("invariants",),
    ),
    Mutant(
        "a_new_life_inherits",
        "the runs of a worker's former life are taken for lost answers, and handed out to the new one",
        leases._meet,
        "lose_runs(state, worker, now)\n",
        "pass\n",
        "deadly",
        ("DisabledInTime",),
    ),
    Mutant(
        "any_life_takes_deaths_back",
        "a worker that begins anew takes back the deaths of its former lives",
        deaths.take_back_deaths,
        "if incarnation in mine:\n            trouble.deaths -= mine.count(incarnation)",
        "if mine:\n            trouble.deaths -= len(mine)",
        "deadly",
        ("DisabledInTime",),
    ),
    # what is cancelled
    Mutant(
        "cancelled_runs_are_tried_again",
        "what was cancelled while it ran is a failure like any other",
        transitions.set_status,
        "new = DISABLED\n            trouble.disabled_at = None",
        "pass",
        "cancelled",
        ("CancelledStaysSo",),
    ),
    Mutant(
        "nobody_tells_that_it_is_cancelled",
        "a worker does not hear that its run is cancelled",
        ending.cancel_task,
        'state.tell(state.workers[worker_id], "cancel_task", task_id=task_id, run_id=record.run_id)',
        "pass",
        "cancelled, long",
        ("CancelledStaysSo",),
    ),
    Mutant(
        "what_waits_cannot_be_cancelled",
        "a task that waits is not disabled when it is cancelled",
        ending.cancel_task,
        "change(state, record, DISABLED, now)",
        "pass",
        "cancelled",
        ("CancelledStaysSo",),
    ),
    Mutant(
        "what_was_lost_is_cancelled_in_vain",
        "a run that was cancelled before its worker has heard of it is handed out again",
        granting._reconcile,
        "if cancelled or (advanced and record.n_missing):",
        "if advanced and record.n_missing:",
        "cancelled, lossy",
        ("CancelledStaysSo",),
        seed=14,
    ),
    # when
    Mutant(
        "no_delay",
        "what has failed is tried again at once",
        transitions.plan_retry,
        "trouble.retry_at = now.monotonic + delay",
        "trouble.retry_at = now.monotonic",
        "failing",
        ("RetriesWait",),
    ),
    Mutant(
        "what_is_lost_is_not_due",
        "what was lost with its worker waits for somebody to register it again",
        transitions.lose,
        "state.lost[record] = None",
        "pass",
        "crashing",
        ("invariants",),
    ),
    Mutant(
        "nobody_lets_go",
        "what nobody wants any more when its run ends stays for ever",
        transitions._leave_run,
        "state.unwanted.append(record)",
        "pass",
        "orphaned",
        ("invariants",),
        seed=3,
    ),
    Mutant(
        "who_wants_a_task_does_not_keep_it",
        "a task that was to be forgotten is, though somebody registers it again",
        registering.add_task,
        "record.remove_at = None  # whoever registers it wants it",
        "pass",
        "any",
        ("invariants",),
        seed=17,
    ),
    Mutant(
        "no_retry_after_a_restart",
        "a scheduler that has read its state tries nothing again that had failed",
        restoring._TaskLoader._add_trouble,
        "state.timers.arm(row.retry_at, Kind.RETRY, record)",
        "pass",
        "kept",
        ("invariants",),
        seed=12,
    ),
    Mutant(
        "no_end_of_a_ban_after_a_restart",
        "a scheduler that has read its state enables nothing again",
        restoring._TaskLoader._add_trouble,
        "state.timers.arm(row.disabled_at + state.settings.disable_persist, Kind.ENABLE, record)",
        "pass",
        "kept, limited",
        ("invariants",),
    ),
    # whose, and what first
    Mutant(
        "priorities_do_not_flow",
        "a task is not as urgent as what needs it",
        State.raise_priority,
        "self._reprioritise(upstream, priority)",
        "pass",
        "urgent",
        ("PriorityFirst",),
        seed=4,
    ),
    Mutant(
        "workers_get_what_others_registered",
        "a worker that is no assistant gets a task of somebody else, if it needs resources",
        picking.Picking._can_take,
        "return self._assistant or self._asking.worker_id in group.crew.idset",
        "return True",
        "scarce",
        ("OwnWorkOnly",),
    ),
    # ends of runs
    Mutant(
        "what_is_given_back_is_kept",
        "a run that its worker gives back goes on in the eyes of the scheduler",
        registering.add_task,
        "or (run_id is not None and status in (PENDING, SUSPENDED))\n",
        "\n",
        "growing",
        ("EndsAreHeard",),
        seed=11,
    ),
    Mutant(
        "what_never_began_has_failed",
        "a run that its slot returns is reported as failed",
        WorkerActor._slot_returned,
        "run.given_back = run.given_back or message.why",
        "pass",
        "hasty",
        ("FailuresAreTrue",),
    ),
    Mutant(
        "who_gives_back_has_failed",
        "a run that is given back is reported as failed",
        Duties._returned,
        'status = "PENDING" if run.fenced else "FAILED"',
        'status = "FAILED"',
        "hasty",
        ("FailuresAreTrue",),
    ),
    Mutant(
        "what_is_known_by_name_only_is_handed_out",
        "what is known only by the claim of its run is handed out again, without its parameters",
        Duties.claim,
        "runnable=False",
        "runnable=True",
        "crashing",
        ("FailuresAreTrue",),
    ),
    Mutant(
        "the_forgotten_do_not_hear_it",
        "a heartbeat does not tell a worker that it is forgotten",
        KeepAliveTable.deliver,
        "if messages or not known:",
        "if messages:",
        "forgetful",
        ("TheForgottenComeBack",),
    ),
    # history
    Mutant(
        "what_cannot_be_written_now_is_never",
        "runs for which the disk has no room are thrown away",
        HistoryWriter._has_written,
        "self._waiting = True\n        return False",
        "self._waiting = True\n        return True",
        "kept, full",
        ("HistoryIsWhole",),
        seed=2,
    ),
    Mutant(
        "histories_of_success",
        "only good ends are in the history",
        transitions.move,
        "if old in LIVE and new not in LIVE and state.settings.record_task_history:",
        "if old in LIVE and new == DONE and state.settings.record_task_history:",
        "kept, recorded",
        ("HistoryIsWhole",),
        seed=1,
    ),
    # what is told
    Mutant(
        "claims_name_no_run",
        "a forgotten worker says that a task runs, and not in which run, so that its end is refused",
        Duties.claim,
        'more = {"run_id": run.run_id} if run.fenced else {}',
        'more: dict[str, Any] = {"run_id": run.run_id} if run.batch else {}',
        "forgetful",
        ("ClaimsAreTaken",),
    ),
    Mutant(
        "refused_ends_are_forgotten",
        "a worker whose good end comes too late does not say that the task is done",
        WorkerActor._refused,
        "self._outbox.post_all(self._duties.facts(str(task_id)))\n        return",
        "return",
        "standing still, short",
        ("EndsAreTold",),
    ),
    Mutant(
        "what_could_not_be_sent_is_forgotten",
        "what a worker could not tell a scheduler that was away for long it does not tell it later",
        Line.take_back,
        "self.outbox.put_back(entry.unpromised() for entry in posted)",
        "pass",
        "away",
        ("EndsAreTold",),
    ),
    Mutant(
        "wishes_of_runs_are_not_named_again",
        "a worker that names a task anew leaves out what its run has asked for",
        Registrations._register,
        "if asked_for and registration.deps is not None:",
        "if False:",
        "growing, forgetful",
        ("RequirementsFirst",),
    ),
    Mutant(
        "heartbeats_have_one_number",
        "each heartbeat is taken for a copy of the first, and brings no message",
        Pinger._write,
        "self._seq += 1",
        "self._seq = 1",
        "cancelled, long",
        ("CancelledStaysSo",),
        seed=0,
    ),
    Mutant(
        "no_heartbeats_while_a_call_waits",
        "a client that waits for an answer does nothing else",
        RemoteSchedulerActor._meanwhile,
        "self._pinger.step(self._now())",
        "pass",
        "cut off, quiet",
        ("Heartbeats",),
        seed=20,
    ),
    Mutant(
        "another_run_gives_back",
        "what a run gives back that was given up is taken from the one that has its place",
        messaging.decrease_running_task_resources,
        "if run_id is not None and (record is None or record.run_id != run_id):",
        "if record is None:",
        "cut off, giving back",
        ("ResourcesFit",),
        seed=1,
    ),
]
