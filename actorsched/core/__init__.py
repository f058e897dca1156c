"""The scheduler as a deterministic state machine."""

from actorsched.core.instant import Instant as Instant
from actorsched.core.invariants import check_invariants as check_invariants
from actorsched.core.machine import SchedulerMachine as SchedulerMachine
