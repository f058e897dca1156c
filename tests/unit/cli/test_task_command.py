"""Options that are made from the parameters of a task."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from actorsched.cli.run import run
from actorsched.cli.task_command import chosen, texts_of

SOURCE = """
from actorsched import Task

class Odd(Task):
    workers: str = "mine"        # the name of an option of ours
    two_words: int = 1
    switch: bool = True
    no_switch: bool = False      # what turns the one before off is a parameter of its own
    json: bool = False
    colour = "red"

class Even(Task):
    pass
"""


@pytest.fixture
def path(tmp_path: Path) -> Iterator[str]:
    file = tmp_path / "odd_tasks_of_a_test.py"
    file.write_text(SOURCE)
    before = list(sys.path)
    yield str(file)
    sys.path[:] = before
    sys.modules.pop("odd_tasks_of_a_test", None)


def parsed(*line: str) -> tuple[str, dict[str, str], click.Context]:
    ctx = run.make_context("run", list(line))
    return chosen(ctx).task_family, texts_of(ctx), ctx


def test_parameters_are_taken_as_text(path: str) -> None:
    family, texts, ctx = parsed(path, "Odd", "--two-words", "-3", "--workers", "2")
    assert (family, texts) == ("Odd", {"two_words": "-3"})
    assert ctx.params["workers"] == 2


def test_a_parameter_with_the_name_of_an_option_is_reached_by_its_longer_name(path: str) -> None:
    _, texts, ctx = parsed(path, "Odd", "--param-workers", "theirs", "--param-json", "--json")
    assert texts == {"workers": "theirs", "json": "true"}
    assert (ctx.params["workers"], ctx.params["as_json"]) == (1, True)


def test_a_flag_is_given_alone_or_with_a_value(path: str) -> None:
    assert parsed(path, "Odd", "--switch")[1] == {"switch": "true"}
    assert parsed(path, "Odd", "--switch=false")[1] == {"switch": "false"}
    assert parsed(path, "Odd", "--no-switch")[1] == {"no_switch": "true"}


def test_what_lacks_an_annotation_is_told_from_what_is_not_there(path: str) -> None:
    """Luigi's parameters have none, so it is the first thing to forget."""
    with pytest.raises(click.UsageError, match="'--colour': colour is a plain attribute of it"):
        parsed(path, "Odd", "--colour", "blue")


def test_both_spellings_of_a_name_are_understood(path: str) -> None:
    assert parsed(path, "Odd", "--two_words=5")[1] == parsed(path, "Odd", "--two-words=5")[1]


def test_options_may_stand_before_the_path_and_after_the_parameters(path: str) -> None:
    _, texts, ctx = parsed("--workers", "3", path, "Odd", "--two-words", "4", "--inline")
    assert (texts, ctx.params["workers"], ctx.params["inline"]) == ({"two_words": "4"}, 3, True)


def test_the_environment_changes_settings_and_no_task(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that happens to have the name of a parameter must not change what a task is."""
    monkeypatch.setenv("ACTORSCHED_TWO_WORDS", "9")
    monkeypatch.setenv("ACTORSCHED_TASK_PARAM_TWO_WORDS", "9")
    monkeypatch.setenv("ACTORSCHED_RUN_TASK_PARAM_TWO_WORDS", "9")
    assert parsed(path, "Odd")[1] == {}


def test_a_module_without_a_task_leaves_the_choice_open(path: str) -> None:
    assert chosen(run.make_context("run", [path])) is None
