"""What is said when a text does not fit a parameter of Luigi's."""

from __future__ import annotations

import enum

import luigi
import pytest

from actorsched.errors import ParameterError
from actorsched.tasks.luigi_bridge import from_texts


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Report(luigi.Task):
    month = luigi.MonthParameter(default=None)
    hour = luigi.DateHourParameter(default=None)
    size = luigi.ChoiceParameter(choices=["small", "large"], default="small")
    colour = luigi.EnumParameter(enum=Colour, default=Colour.RED)
    count = luigi.IntParameter(default=1)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("month", "expected MonthParameter, such as 2026-11 (ValueError)"),
        ("hour", "expected DateHourParameter, such as 2026-11-25T14 (ValueError)"),
        ("size", "expected ChoiceParameter, one of large, small (ValueError)"),
        ("colour", "expected EnumParameter, one of RED, BLUE (ValueError)"),
        ("count", "expected IntParameter (ValueError)"),
    ],
)
def test_the_error_shows_what_would_fit(name: str, told: str) -> None:
    """As far as the parameter itself tells; the name of its class alone helps nobody."""
    with pytest.raises(ParameterError) as caught:
        from_texts(Report, {name: "nonsense"})
    assert str(caught.value) == f"task Report, parameter {name!r}: got 'nonsense', {told}"
