"""A native task and the Luigi task with the same parameters look alike to a scheduler.

The oracle is Luigi itself: ids, families, texts of parameters and visibilities are compared for the same
values, and each side reads what the other has written.
"""

from __future__ import annotations

import warnings
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import luigi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from luigi.parameter import ParameterVisibility

from actorsched import Task, param
from tests.properties.tasks.kinds import Colour, any_text, json_values

LETTERS = "abcdefgh"


class Pair(NamedTuple):
    """The same parameter on both sides, and the values for which Luigi's form loses nothing."""

    annotation: Any
    luigis: Any
    values: st.SearchStrategy[Any]


#: Luigi writes absent and empty optional texts alike, and a JSON text that is no str cannot be told from one
plain_text = any_text.filter(lambda text: text and not text.startswith('"'))
whole_seconds = st.datetimes(datetime(1000, 1, 1)).map(lambda moment: moment.replace(microsecond=0))  # noqa: DTZ001
PAIRS = [
    Pair(str, luigi.Parameter, any_text),
    Pair(int, luigi.IntParameter, st.integers(-(10**30), 10**30)),
    Pair(float, luigi.FloatParameter, st.floats(allow_nan=False)),
    Pair(bool, luigi.BoolParameter, st.booleans()),
    Pair(date, luigi.DateParameter, st.dates(date(1000, 1, 1))),
    Pair(datetime, luigi.DateSecondParameter, whole_seconds),
    Pair(timedelta, luigi.TimeDeltaParameter, st.integers(1, 10**9).map(lambda s: timedelta(seconds=s))),
    Pair(Colour, lambda **k: luigi.EnumParameter(enum=Colour, **k), st.sampled_from(Colour)),
    Pair(Path, luigi.PathParameter, any_text.map(Path)),
    Pair(str | None, luigi.OptionalParameter, st.none() | plain_text),
    Pair(int | None, luigi.OptionalIntParameter, st.none() | st.integers(-(10**30), 10**30)),
    Pair(bool | None, luigi.OptionalBoolParameter, st.none() | st.booleans()),
    Pair(list[int], luigi.ListParameter, st.lists(st.integers(-(10**30), 10**30), max_size=4)),
    Pair(list[str], luigi.ListParameter, st.lists(any_text, max_size=4)),
    Pair(list[list[float]], luigi.ListParameter, st.lists(st.lists(st.floats(allow_nan=False)), max_size=3)),
    Pair(tuple[int, str], luigi.TupleParameter, st.tuples(st.integers(-(10**30), 10**30), any_text)),
    Pair(dict[str, int], luigi.DictParameter, st.dictionaries(any_text, st.integers(-(10**9), 10**9))),
    Pair(dict[str, Any], luigi.DictParameter, st.dictionaries(any_text, json_values, max_size=3)),
]
VISIBILITIES = {
    "public": ParameterVisibility.PUBLIC,
    "hidden": ParameterVisibility.HIDDEN,
    "private": ParameterVisibility.PRIVATE,
}
traits = st.tuples(st.sampled_from(sorted(VISIBILITIES)), st.booleans())


def both(namespace: str, fields: list[tuple[Pair, str, bool]]) -> tuple[Any, Any]:
    """Return a native class and the same one of Luigi's; the parameters are called a, b, …"""
    ours: dict[str, Any] = {"__module__": __name__, "task_namespace": namespace, "__annotations__": {}}
    luigis: dict[str, Any] = {"__module__": __name__, "task_namespace": namespace}
    for name, (pair, visibility, significant) in zip(LETTERS, fields, strict=False):
        ours["__annotations__"][name] = pair.annotation
        ours[name] = param(visibility=visibility, significant=significant)  # type: ignore[call-overload]
        luigis[name] = pair.luigis(visibility=VISIBILITIES[visibility], significant=significant)
    return type("Same", (Task,), ours), type("Same", (luigi.Task,), luigis)


def made(cls: Any, values: list[Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Luigi warns of values that it takes
        return cls(**dict(zip(LETTERS, values, strict=False)))


def look_alike(ours: Any, luigis: Any) -> None:
    assert ours.task_id == luigis.task_id
    assert ours.task_family == luigis.task_family
    assert ours.get_task_family() == luigis.get_task_family()
    assert ours.task_module == luigis.task_module
    assert ours._get_param_visibilities() == luigis._get_param_visibilities()
    for significant in (False, True):
        for public in (False, True):
            assert ours.to_str_params(significant, public) == luigis.to_str_params(significant, public)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: str(pair.annotation))
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_each_type_has_the_text_of_its_luigi_parameter(pair: Pair, data: st.DataObject) -> None:
    """And both sides read it as the same value."""
    our_class, luigi_class = both("", [(pair, "public", True)])
    value = data.draw(pair.values)
    ours, luigis = made(our_class, [value]), made(luigi_class, [value])
    look_alike(ours, luigis)
    assert our_class.from_str_params(luigis.to_str_params()).task_id == luigis.task_id
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert luigi_class.from_str_params(ours.to_str_params()).task_id == ours.task_id


@given(
    st.lists(st.tuples(st.sampled_from(PAIRS), traits), max_size=5),
    st.sampled_from(["", "sales", "a.b"]),
    st.data(),
)
@settings(max_examples=150, deadline=None)
def test_whole_tasks_look_alike(
    drawn: list[tuple[Pair, tuple[str, bool]]], namespace: str, data: st.DataObject
) -> None:
    """Several parameters, insignificant, hidden and private ones, namespaces."""
    fields = [(pair, visibility, significant) for pair, (visibility, significant) in drawn]
    our_class, luigi_class = both(namespace, fields)
    values = [data.draw(pair.values) for pair, _, _ in fields]
    look_alike(made(our_class, values), made(luigi_class, values))
