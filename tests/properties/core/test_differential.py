"""Luigi's scheduler and ours agree in everything but the listed differences."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import differential
from tests.differential.differences import DIFFERENCES
from tests.differential.rules import SchedulersAgree
from tests.differential.twin import DifferenceError, Twin, shown_by

FOLDER = Path(differential.__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "differences.md"


def cases(name: str) -> list[dict[str, Any]]:
    lines = (FOLDER / "cases" / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


TestSchedulersAgree = SchedulersAgree.TestCase
TestSchedulersAgree.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    derandomize=True,  # chance is for the soak: `tox -e differential`
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("case", cases("known.jsonl"), ids=lambda case: case["why"])
def test_what_once_differed_agrees(case: dict[str, Any]) -> None:
    """A sequence that a soak found stays found."""
    assert shown_by(case) is None


@pytest.mark.parametrize("case", cases("differences.jsonl"), ids=lambda case: case["shows"])
def test_a_listed_difference_is_one(case: dict[str, Any]) -> None:
    """Its sequence agrees when it is allowed for, and does not when it is not."""
    assert shown_by(case) is None
    assert shown_by(case, without=[case["shows"]]) is not None


def test_each_difference_is_told_and_shown() -> None:
    """Code, documentation and sequences have the same list."""
    told = re.findall(r"^\*\*([a-z-]+)\*\*", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(DIFFERENCES)
    assert sorted(case["shows"] for case in cases("differences.jsonl")) == sorted(DIFFERENCES)


@pytest.mark.breaks_a_machine
def test_a_difference_that_nobody_listed_is_found() -> None:
    """The comparison compares: one wrong number in one of the two is enough."""
    twin = Twin()
    twin.take("add_task", worker="w1", task_id="a")
    twin.ours.tasks["a"].priority = 1
    with pytest.raises(DifferenceError, match="priority"):
        twin.take("ping", worker="w1")
