"""Types that a parameter may have, each with a strategy for its values."""

from __future__ import annotations

import enum
from datetime import date, datetime, timedelta, timezone
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Literal, NamedTuple, Optional

from hypothesis import strategies as st


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"
    VERDE = "green"  # noqa: PIE796  # an alias


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Right(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
    BOTH = READ | WRITE
    RUN = enum.auto()


class Kind(NamedTuple):
    """A type as a user would annotate it, and values of it."""

    annotation: Any
    values: st.SearchStrategy[Any]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
awkward_texts = st.sampled_from(
    ["", '"', '""', '"a"', "None", "null", "[]", " ", "a\nb", "é", "\x00", "1", "\\"]
)
any_text = texts | awkward_texts
# whole seconds: Python itself reads the offset +00:00:00.000001 back as none at all
zones = st.none() | st.integers(-82_800, 82_800).map(lambda s: timezone(timedelta(seconds=s)))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)

LEAVES = [
    Kind(str, any_text),
    Kind(int, st.integers()),
    Kind(float, st.floats(allow_nan=False) | st.integers(-(2**53), 2**53)),
    Kind(bool, st.booleans()),
    Kind(date, st.dates() | st.datetimes()),
    Kind(
        datetime,
        st.datetimes(timezones=zones) | st.datetimes().map(lambda moment: moment.replace(microsecond=0)),
    ),
    Kind(timedelta, st.timedeltas() | st.integers(-(10**6), 10**9).map(lambda s: timedelta(seconds=s))),
    Kind(Colour, st.sampled_from(Colour)),
    Kind(Level, st.sampled_from(Level)),
    Kind(Right, st.integers(0, 7).map(Right)),
    Kind(Path, any_text.map(Path) | any_text),
    Kind(PurePath, any_text.map(PurePath) | any_text.map(Path)),
    Kind(PurePosixPath, any_text.map(PurePosixPath) | any_text.map(Path)),
    Kind(PureWindowsPath, any_text.map(PureWindowsPath)),
    Kind(Literal["fast", "", 3, True], st.sampled_from(["fast", "", 3, True])),
]
ANY = Kind(Any, json_values)


def _optional(inner: Kind) -> Kind:
    return Kind(Optional[inner.annotation], st.none() | inner.values)  # noqa: UP045  # made at run time


def _list(inner: Kind) -> Kind:
    return Kind(list[inner.annotation], st.lists(inner.values, max_size=3))  # type: ignore[name-defined]


def _sequence(inner: Kind) -> Kind:
    return Kind(tuple[inner.annotation, ...], st.lists(inner.values, max_size=3).map(tuple))  # type: ignore[name-defined]


def _tuple(parts: list[Kind]) -> Kind:
    return Kind(tuple[tuple(part.annotation for part in parts)], st.tuples(*[part.values for part in parts]))  # type: ignore[misc]


def _dict(parts: tuple[Kind, Kind]) -> Kind:
    key, value = parts
    pairs = st.lists(st.tuples(key.values, value.values), max_size=3)
    return Kind(dict[key.annotation, value.annotation], pairs.map(dict))  # type: ignore[name-defined]


leaves = st.sampled_from(LEAVES)
#: keys of a dict: what is not a container (lists do not hash before they are parameters)
keys = leaves | leaves.map(_optional)
kinds = st.recursive(
    leaves | st.just(ANY),
    lambda inner: (
        inner.map(_optional)
        | inner.map(_list)
        | inner.map(_sequence)
        | st.lists(inner, max_size=3).map(_tuple)
        | st.tuples(keys, inner).map(_dict)
    ),
    max_leaves=4,
)


@st.composite
def kinds_and_values(draw: st.DrawFn, kinds: st.SearchStrategy[Kind] = kinds) -> tuple[Kind, Any]:
    """Draw a type and a value of it."""
    kind = draw(kinds)
    return kind, draw(kind.values)
