"""What a parameter may be, and what is said when it is something else."""

# ruff: noqa: UP007, UP045 (both spellings of a union are tested)
from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path, PurePath, PurePosixPath
from typing import Annotated, Any, Literal, NewType, Optional, Union

import pytest

from actorsched import Task, param
from actorsched.errors import ParameterError, TaskDefinitionError


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


UserId = NewType("UserId", int)


def made(annotation: Any, **more: Any) -> Any:
    """Return a task class with one parameter `it`."""
    return type("Made", (Task,), {"__annotations__": {"it": annotation}, "__module__": __name__, **more})


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (str, 5, "got 5 of type int, expected str"),
        (int, "5", "got '5' of type str, expected int"),
        (int, True, "got True of type bool, expected int"),
        (int, 1.0, "got 1.0 of type float, expected int"),
        (float, "x", "got 'x' of type str, expected float"),
        (bool, 1, "got 1 of type int, expected bool"),
        (date, "2024-01-01", "got '2024-01-01' of type str, expected date"),
        (datetime, date(2024, 1, 1), "got datetime.date(2024, 1, 1) of type date, expected datetime"),
        (timedelta, 5, "got 5 of type int, expected timedelta"),
        (Colour, 1, "got 1 of type int, expected Colour"),
        (Path, 5, "got 5 of type int, expected Path"),
        (Literal["a", "b"], "c", "got 'c' of type str, expected Literal['a', 'b']"),
        (Optional[int], "5", "got '5' of type str, expected int | None"),
        (list[int], [1, "2"], "got [1, '2'] of type list, expected list[int]"),
        (list[str], "abc", "got 'abc' of type str, expected list[str]"),
        (tuple[int, str], (1,), "got (1,) of type tuple, expected tuple[int, str]"),
        (tuple[int, ...], 5, "got 5 of type int, expected tuple[int, ...]"),
        (dict[str, int], {"a": "b"}, "got {'a': 'b'} of type dict, expected dict[str, int]"),
        (Any, object, "got <class 'object'> of type type, expected Any"),
    ],
)
def test_a_value_of_another_type_is_refused_with_everything_that_helps(
    annotation: Any, value: Any, expected: str
) -> None:
    """Task, parameter, value, and what was expected."""
    with pytest.raises(ParameterError) as caught:
        made(annotation)(it=value)
    assert str(caught.value) == f"task Made, parameter 'it': {expected}"


@pytest.mark.parametrize("annotation", [PurePath, PurePosixPath])
def test_a_path_of_a_subclass_is_what_its_text_makes(annotation: Any) -> None:
    """A Path is a PurePath and equal to it; on another node, it was a PurePath."""
    task = made(annotation)(it=Path("a/b"))
    again = type(task).from_str_params(task.to_str_params())
    assert type(task.it) is type(again.it) is PurePosixPath
    listed = made(list[annotation])(it=[Path("a/b")])
    assert type(listed.it[0]) is PurePosixPath


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (int, "ten", "expected int"),
        (float, "", "expected float"),
        (bool, "maybe", "expected bool (true or false)"),
        (date, "01.02.2024", "expected date (YYYY-MM-DD)"),
        (datetime, "noon", "expected datetime (YYYY-MM-DDTHHMMSS or any ISO 8601)"),
        (timedelta, "1 fortnight", "expected timedelta (seconds, or such as 1 w 2 d 3 h 4 m 5 s, or ISO"),
        (timedelta, "", "expected timedelta"),
        (timedelta, "9" * 30, "expected timedelta"),
        (Colour, "PINK", "expected Colour (one of RED, BLUE)"),
        (Literal[1, 2], "3", "expected Literal[1, 2] (one of 1, 2)"),
        (list[int], "[1, 2", "expected list[int] (JSON)"),
        (list[int], '{"a": 1}', "expected list[int] (JSON)"),
        (dict[str, int], "[1]", "expected dict[str, int] (JSON)"),
        (list[Any], "[" * 100_000, "expected list[Any] (JSON)"),
    ],
)
def test_a_text_that_is_none_of_its_values_is_refused_with_a_hint(
    annotation: Any, text: str, expected: str
) -> None:
    """The hint says what a good text looks like."""
    with pytest.raises(ParameterError) as caught:
        made(annotation).from_str_params({"it": text})
    message = str(caught.value)
    assert message.startswith(f"task Made, parameter 'it': got {repr(text)[:100]}")
    assert expected in message
    assert len(message) < 500


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (bool, "True", True),
        (bool, " no ", False),
        (bool, "on", True),
        (date, "2024-02-29", date(2024, 2, 29)),
        (datetime, "2024-02-29T235958", datetime(2024, 2, 29, 23, 59, 58)),  # noqa: DTZ001
        (datetime, "2024-02-29 23:59", datetime(2024, 2, 29, 23, 59)),  # noqa: DTZ001
        (timedelta, "90", timedelta(seconds=90)),
        (timedelta, "1.5", timedelta(seconds=1.5)),
        (timedelta, "-2", timedelta(seconds=-2)),
        (timedelta, "1 w 2 d 3 h 4 m 5 s", timedelta(9, 11045)),
        (timedelta, "2 hours 30 minutes", timedelta(minutes=150)),
        (timedelta, "P1DT2H", timedelta(1, 7200)),
        (Optional[int], "", None),
        (Optional[str], "", None),
        (Optional[str], '""', ""),
        (Optional[str], "a", "a"),
        (list[int], "(1, 2)", [1, 2]),
        (tuple[int, int], "(1, 2)", (1, 2)),
        (dict[int, date], '{"1": "2024-01-01"}', {1: date(2024, 1, 1)}),
        (Sequence[str], '["a"]', ("a",)),
        (Mapping[str, int], '{"a": 1}', {"a": 1}),
        (list, '[1, "a", null]', [1, "a", None]),
        (UserId, "5", 5),
        (Annotated[int, "metres"], "5", 5),
        (Literal["a", None], "", None),
    ],
)
def test_texts_that_people_write_are_read(annotation: Any, text: str, value: Any) -> None:
    """More is read than is ever written."""
    assert made(annotation).from_str_params({"it": text}).it == value


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (Union[int, str], "only X | None works"),
        (object, "object has no text form"),
        (set[int], "has no text form"),
        (Literal[b"a"], "a Literal may hold str, int and bool"),
        (Literal[1, "1"], "two choices of the Literal have the same text"),
        (made(int), "a task is not a value"),
        ("Nowhere", "cannot be understood"),
        ("1 +", "annotation '1 +'"),
    ],
)
def test_a_type_without_a_text_is_refused_with_the_reason(annotation: Any, reason: str) -> None:
    """When the class is made, or, for names that are still to come, with its first task."""
    with pytest.raises(TaskDefinitionError) as caught:
        made(annotation)(1)
    assert reason in str(caught.value)
    assert "'it'" in str(caught.value) or "annotation" in str(caught.value)


def test_a_default_of_another_type_is_refused() -> None:
    """It would only be noticed by whoever relies on it."""
    with pytest.raises(TaskDefinitionError, match=r"parameter 'it' of Made: its default 'x' is no int"):
        made(int, it="x")


def test_a_list_and_a_dict_are_what_the_annotation_says_and_never_change() -> None:
    """A task is its parameters: they must not change under it."""
    task = made(dict[str, list[int]])({"a": [1, 2]})
    assert task.it == {"a": [1, 2]}
    assert isinstance(task.it, dict)
    assert isinstance(task.it["a"], list)
    for change in (
        lambda: task.it.update(b=[]),
        lambda: task.it.__setitem__("a", []),
        lambda: task.it["a"].append(3),
        task.it["a"].sort,
        lambda: task.it["a"].__iadd__([3]),
        lambda: task.it.pop("a"),
    ):
        with pytest.raises(TypeError, match="a parameter does not change: make a copy"):
            change()
    assert sorted(task.it["a"], reverse=True) == [2, 1]


def test_the_caller_s_own_list_is_not_shared() -> None:
    """What the caller does with it later is the caller's business."""
    mine = [1, 2]
    task = made(list[int])(mine)
    mine.append(3)
    assert task.it == [1, 2]


def test_constructor_errors_name_what_is_wrong() -> None:
    """Too many, unknown, doubled, missing."""

    class Words(Task):
        day: date
        top: int = 10

    day = date(2024, 1, 1)
    with pytest.raises(ParameterError, match=r"takes 2 parameters \(day, top\), got 3"):
        Words(day, 1, 2)  # type: ignore[call-arg]
    with pytest.raises(ParameterError, match=r"has no parameter 'tpo'; did you mean 'top'\?"):
        Words(day, tpo=1)  # type: ignore[call-arg]
    with pytest.raises(ParameterError, match="parameter 'day': given by place and by name"):
        Words(day, day=day)  # type: ignore[misc]
    with pytest.raises(ParameterError, match=r"required and not given: day \(date\)"):
        Words()  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["run", "output", "task_id", "input", "clone"])
def test_a_name_that_a_task_uses_itself_cannot_be_a_parameter(name: str) -> None:
    """It would break the task in a place far from here."""
    with pytest.raises(TaskDefinitionError, match=f"{name!r} cannot be a parameter"):
        type("Bad", (Task,), {"__annotations__": {name: int}, "__module__": __name__})


def test_param_says_what_it_does_not_take() -> None:
    """A slip in a declaration is found where it is made."""
    with pytest.raises(TaskDefinitionError, match="visibility='secret': use 'public', 'hidden' or 'private'"):
        param(visibility="secret")  # type: ignore[call-overload]
    with pytest.raises(TaskDefinitionError, match="default or default_factory, not both"):
        param(default=1, default_factory=int)  # type: ignore[call-overload]
    with pytest.raises(TaskDefinitionError, match=r"it: TYPE = param"):
        type("Bad", (Task,), {"it": param(default=1)})
