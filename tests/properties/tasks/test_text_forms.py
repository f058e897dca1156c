"""Whatever a parameter can be, its text says all of it."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorsched import Task
from actorsched.errors import ParameterError
from actorsched.tasks.annotations import form_of
from actorsched.tasks.forms import Form
from actorsched.tasks.task import Task as TaskType
from tests.properties.tasks.kinds import LEAVES, Kind, any_text, json_values, kinds_and_values


def form(annotation: Any) -> Form:
    return form_of(annotation, eval)


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are equal and of the same types all the way down."""
    if type(a) is not type(b) or a != b:
        return False
    if isinstance(a, dict):
        return all(same(x, y) for x, y in zip(sorted_items(a), sorted_items(b), strict=True))
    if isinstance(a, list | tuple):
        return all(same(x, y) for x, y in zip(a, b, strict=True))
    return repr(a) == repr(b)


def sorted_items(a: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return sorted(a.items(), key=repr)


def make_class(annotation: Any) -> type[TaskType]:
    return type("Made", (Task,), {"__annotations__": {"it": annotation}, "__module__": __name__})


@given(kinds_and_values())
@settings(max_examples=600, deadline=None)
def test_text_and_back_is_the_same_value(drawn: tuple[Kind, Any]) -> None:
    """Another node makes the task from its text; what the text loses is another task there."""
    kind, value = drawn
    the_form = form(kind.annotation)
    checked = the_form.check(value)
    hash(checked)
    text = the_form.dump(checked)
    assert isinstance(text, str)
    assert same(the_form.load(text), checked)
    assert the_form.dump(the_form.load(text)) == text


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: str(kind.annotation))
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_simple_value_survives_alone_and_in_every_container(kind: Kind, data: st.DataObject) -> None:
    """Every type in every place, so that a rare pair is not left to chance."""
    value, leaf = data.draw(kind.values), kind.annotation
    for annotation, given_value in (
        (leaf, value),
        (leaf | None, value),
        (list[leaf], [value]),  # type: ignore[valid-type]
        (list[leaf | None], [value, None]),
        (tuple[leaf, ...], (value, value)),  # type: ignore[valid-type]
        (tuple[int, leaf | None], (1, value)),
        (dict[leaf, leaf], {value: value}),  # type: ignore[valid-type]
        (dict[leaf | None, str], {value: "a", None: "b"}),
    ):
        the_form = form(annotation)
        checked = the_form.check(given_value)
        assert same(the_form.load(the_form.dump(checked)), checked), annotation


@given(kinds_and_values())
@settings(max_examples=200, deadline=None)
def test_checking_twice_changes_nothing(drawn: tuple[Kind, Any]) -> None:
    """`clone` and new defaults check what was checked before."""
    kind, value = drawn
    the_form = form(kind.annotation)
    checked = the_form.check(value)
    assert same(the_form.check(checked), checked)


@given(kinds_and_values())
@settings(max_examples=200, deadline=None)
def test_a_task_is_made_again_from_its_text_and_from_its_pickle(drawn: tuple[Kind, Any]) -> None:
    """Through JSON, as the scheduler keeps it, and through pickle, as a child process gets it."""
    kind, value = drawn
    cls = make_class(kind.annotation)
    task = cls(value)
    again = cls.from_str_params(json.loads(json.dumps(task.to_str_params())))
    assert again == task
    assert hash(again) == hash(task)
    assert again.task_id == task.task_id
    assert same(again.param_kwargs, task.param_kwargs)
    assert same(pickle.loads(pickle.dumps(task.param_kwargs)), task.param_kwargs)


@given(kinds_and_values(), any_text | json_values.map(json.dumps))
@settings(max_examples=600, deadline=None)
def test_any_text_is_a_value_or_an_error_that_says_all(drawn: tuple[Kind, Any], text: str) -> None:
    """A text from a command line or another node may be anything."""
    kind, _ = drawn
    cls = make_class(kind.annotation)
    try:
        task = cls.from_str_params({"it": text})
    except ParameterError as error:
        message = str(error)
        assert "Made" in message
        assert "'it'" in message
        assert repr(text)[:100] in message
        assert f"expected {form(kind.annotation).name}" in message
    else:
        assert same(cls.from_str_params(task.to_str_params()).param_kwargs, task.param_kwargs)


@given(kinds_and_values(), kinds_and_values())
@settings(max_examples=400, deadline=None)
def test_any_value_is_taken_or_refused_with_all_that_helps(
    drawn: tuple[Kind, Any], other: tuple[Kind, Any]
) -> None:
    """A value of another type never gets in half-way."""
    kind, (_, value) = drawn[0], other
    cls = make_class(kind.annotation)
    try:
        task = cls(it=value)
    except ParameterError as error:
        message = str(error)
        assert "Made" in message
        assert "'it'" in message
        assert repr(value)[:100] in message
        assert f"of type {type(value).__name__}" in message
        assert f"expected {form(kind.annotation).name}" in message
    else:
        assert same(cls.from_str_params(task.to_str_params()).param_kwargs, task.param_kwargs)
