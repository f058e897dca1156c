"""When what failed is tried again."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorsched.core.policy import DELAY_MAX, RetryPolicy, chance_of
from actorsched.core.record import TaskRecord
from actorsched.core.rows import Rows, TaskRow
from actorsched.errors import InvalidParamsError
from tests.machines import Driven

BACKOFF: dict[str, Any] = {"retry_delay": 10, "retry_backoff": 2, "retry_delay_max": 35}


def task(driven: Driven, **policy: Any) -> TaskRecord:
    driven.add_task(worker="w", task_id="t", retry_policy_dict=policy)
    return driven.machine.tasks["t"]


def wait_of(driven: Driven) -> float:
    """How long the task waits now."""
    trouble = driven.machine.tasks["t"].trouble
    assert trouble is not None
    assert trouble.retry_at is not None
    return trouble.retry_at - driven.time


def waits(driven: Driven, n: int) -> list[float]:
    """The task fails so many times; how long it waits each time."""
    found = []
    for _ in range(n):
        driven.fail()
        found.append(wait_of(driven))
        driven.after(found[-1] + 0.5)
        assert driven.status("t") == "PENDING"
    return found


def test_without_a_policy_it_is_the_fixed_delay_of_the_settings() -> None:
    """Luigi's meaning."""
    driven = Driven(retry_delay=7)
    task(driven)
    assert waits(driven, 4) == [7, 7, 7, 7]


def test_the_delay_grows_from_failure_to_failure_up_to_its_bound() -> None:
    driven = Driven()
    task(driven, **BACKOFF)
    assert waits(driven, 4) == [10, 20, 35, 35]


def test_it_is_not_tried_before_its_time() -> None:
    driven = Driven()
    task(driven, **BACKOFF)
    waits(driven, 1)
    driven.fail()
    driven.after(19.9)
    assert driven.status("t") == "FAILED"
    driven.after(0.2)
    assert driven.status("t") == "PENDING"


def test_the_delay_of_a_task_may_be_all_that_it_says() -> None:
    driven = Driven(retry_delay=900)
    task(driven, retry_delay=3)
    assert waits(driven, 2) == [3, 3]


def test_the_delay_of_the_settings_grows_too() -> None:
    driven = Driven(retry_delay=5)
    task(driven, retry_backoff=3)
    assert waits(driven, 3) == [5, 15, 45]


def test_a_failure_that_left_the_window_still_counts_for_the_delay() -> None:
    """Or a delay that is longer than the window would begin anew and anew."""
    driven = Driven()
    task(driven, **BACKOFF, disable_window=1, retry_count=2)
    assert waits(driven, 3) == [10, 20, 35]


def test_a_success_begins_anew() -> None:
    driven = Driven(stable_done_cooldown_secs=0)
    task(driven, **BACKOFF)
    assert waits(driven, 2) == [10, 20]
    driven.add_task(worker="w", task_id="t", status="DONE", run_id=driven.get_work(worker="w")["run_id"])
    task(driven, **BACKOFF)
    assert waits(driven, 1) == [10]


def test_enabling_by_hand_begins_anew() -> None:
    driven = Driven()
    task(driven, **BACKOFF, retry_count=3)
    waits(driven, 2)
    driven.fail()
    assert driven.status("t") == "DISABLED"
    driven.re_enable_task("t")
    assert wait_of(driven) == 10
    driven.after(11)
    assert waits(driven, 2) == [10, 20]


def test_forgiving_tries_now_and_counts_on() -> None:
    """As with the failures that disable."""
    driven = Driven()
    task(driven, **BACKOFF)
    driven.fail()
    driven.forgive_failures("t")
    assert waits(driven, 1) == [20]


def test_the_death_of_a_worker_is_no_failure() -> None:
    driven = Driven(worker_disconnect_delay=60)
    task(driven, **BACKOFF)
    waits(driven, 1)
    driven.get_work(worker="w")
    driven.time += 61
    driven.ping("other")
    driven.prune()
    driven.prune()
    assert driven.status("t") == "PENDING"
    task(driven, **BACKOFF)
    assert waits(driven, 1) == [20]


@pytest.mark.parametrize("in_settings", [True, False])
def test_a_negative_delay_means_never(in_settings: bool) -> None:
    driven = Driven(retry_delay=-1 if in_settings else 900)
    task(driven, retry_backoff=2, **({} if in_settings else {"retry_delay": -1}))
    driven.fail()
    driven.after(10 * DELAY_MAX)
    assert driven.status("t") == "FAILED"


def test_a_task_may_be_tried_again_where_the_settings_say_never() -> None:
    driven = Driven(retry_delay=-1)
    task(driven, retry_delay=1)
    assert waits(driven, 2) == [1, 1]


def test_a_registration_that_fails_waits_as_it_says_itself() -> None:
    driven = Driven()
    driven.add_task(worker="w", task_id="t", status="FAILED", retry_policy_dict=BACKOFF)
    assert wait_of(driven) == 10
    driven.add_task(worker="w", task_id="t", status="FAILED", retry_policy_dict=BACKOFF)
    assert wait_of(driven) == 20


def test_a_registration_that_fails_may_say_never() -> None:
    """Found by random calls: the delay of the settings was armed before the word of the task was heard."""
    driven = Driven(retry_delay=20)
    driven.add_task(worker="w", task_id="t", status="FAILED", retry_policy_dict={"retry_delay": -1})
    driven.after(30)
    assert driven.status("t") == "FAILED"


def test_a_policy_is_replaced_by_a_registration_and_kept_by_a_report() -> None:
    driven = Driven(retry_delay=5)
    record = task(driven, **BACKOFF)
    driven.fail()
    assert record.policy.retry_backoff == 2
    driven.add_task(worker="w", task_id="t")
    assert record.policy is driven.machine.policy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry_count", "three"),
        ("retry_delay", nan),
        ("retry_delay", True),
        ("retry_backoff", 0.5),
        ("retry_backoff", nan),
        ("retry_delay_max", -1),
        ("retry_jitter", 1.01),
        ("retry_jitter", -0.1),
        ("disable_window", [1]),
    ],
)
def test_what_makes_no_sense_is_refused_by_name_and_changes_nothing(name: str, value: object) -> None:
    driven = Driven()
    with pytest.raises(InvalidParamsError, match=f"retry_policy_dict: {name}="):
        driven.add_task(worker="w", task_id="t", retry_policy_dict={"retry_count": 1, name: value})
    assert not driven.machine.tasks
    assert not driven.machine.workers


def test_unknown_names_are_ignored() -> None:
    """Whoever sends them speaks a later version."""
    driven = Driven()
    assert task(driven, retry_mood="good").policy is driven.machine.policy


def test_chance_makes_waits_shorter_and_different() -> None:
    """So what failed together does not come back together."""
    driven = Driven()
    policy = {"retry_delay": 100, "retry_jitter": 0.5}
    for n in range(50):
        driven.add_task(worker="w", task_id=f"t{n}", retry_policy_dict=policy)
    for n in range(50):
        driven.fail(f"t{n}")
    found = [
        record.trouble.retry_at - driven.time for record in driven.machine.tasks.values() if record.trouble
    ]
    assert all(50 < wait <= 100 for wait in found)
    assert len(set(found)) == 50
    assert max(found) - min(found) > 40


def test_chance_is_the_same_when_the_story_is() -> None:
    stories = []
    for epoch in ("e", "e", "f"):
        driven = Driven(epoch=epoch)
        task(driven, **BACKOFF, retry_jitter=1)
        stories.append(waits(driven, 5))
    assert stories[0] == stories[1] != stories[2]


def test_waits_and_counts_survive_a_restart() -> None:
    driven = Driven()
    task(driven, **BACKOFF, retry_jitter=0.25)
    waits(driven, 1)
    driven.fail()
    again = Driven()
    again.time = driven.time
    again.machine.load(driven.machine.export(), again.now)
    assert wait_of(again) == wait_of(driven)
    assert again.machine.tasks["t"].policy == driven.machine.tasks["t"].policy
    again.after(wait_of(again) + 0.1)
    again.fail()
    assert 35 * 0.75 < wait_of(again) <= 35


def test_rows_of_older_versions_take_the_settings() -> None:
    """They end earlier."""
    driven = Driven()
    task(driven, retry_count=4)
    stored = driven.machine.export()
    old = []
    for seq, row, _ in stored.tasks:
        line = msgspec.json.encode(msgspec.structs.astuple(row)[:-1])
        old.append((seq, msgspec.json.decode(line, type=TaskRow), None))
    again = Driven(retry_delay=33)
    again.machine.load(Rows(old, stored.items), again.now)
    policy = again.machine.tasks["t"].policy
    assert (policy.retry_count, policy.retry_delay, policy.retry_backoff) == (4, 33, 1)


def test_a_policy_without_bounds_can_be_stored() -> None:
    """JSON has no infinity."""
    driven = Driven()
    task(driven, retry_count=2.5, disable_hard_timeout=inf, retry_delay_max=inf, retry_backoff=2)
    (_, row, _) = next(iter(driven.machine.export().tasks))
    assert msgspec.json.decode(msgspec.json.encode(row), type=TaskRow) == row


def test_policies_that_nobody_has_are_forgotten() -> None:
    """A scheduler lives for months, and a task may say another number each time."""
    driven = Driven()
    for number in range(5_000):
        record = task(driven, retry_delay=number)
    assert record.policy.retry_delay == 4_999
    assert len(driven.machine._policies) <= 1_000
    assert task(driven).policy is driven.machine.policy


numbers = st.floats(0, 1e12) | st.integers(0, 10**12)
policies = st.builds(
    RetryPolicy,
    retry_count=st.just(9),
    disable_hard_timeout=st.just(9),
    disable_window=st.just(9),
    retry_delay=numbers,
    retry_backoff=st.floats(1, 1e9) | st.integers(1, 10**9),
    retry_delay_max=numbers,
    retry_jitter=st.floats(0, 1) | st.sampled_from([0, 1]),
)


@given(policies, st.integers(0, 10**9), st.text(), st.none() | st.text())
def test_a_wait_is_within_its_bounds_and_grows_up_to_them(
    policy: RetryPolicy, failures: int, task_id: str, run_id: str | None
) -> None:
    """Whatever the numbers."""
    chance = chance_of(task_id, run_id, failures)
    assert 0 <= chance < 1
    whole = policy.delay(failures, 0.0)
    assert 0 <= whole <= min(policy.retry_delay_max, DELAY_MAX)
    assert whole <= policy.delay(failures + 1, 0.0)
    assert whole >= min(policy.retry_delay, policy.retry_delay_max, DELAY_MAX)
    assert whole * (1 - policy.retry_jitter) <= policy.delay(failures, chance) <= whole
