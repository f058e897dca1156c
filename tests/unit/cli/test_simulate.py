"""The flags of `actorsched simulate` are the knobs of the simulation, all of them."""

from __future__ import annotations

import click
import msgspec
import pytest

from actorsched.cli.plugins import Plugins
from actorsched.cli.simulate import SEEDS, knob_option, simulate
from actorsched.cli.simulated import case_of
from actorsched.errors import ConfigError
from actorsched.simulation.knobs import ELSEWHERE, Knob, knobs_of
from actorsched.simulation.options import FIRST_BARE, FIRST_DEADLY, Options, options_of


def options() -> dict[str, click.Option]:
    return {option.name or "": option for option in simulate.params if isinstance(option, click.Option)}


def test_each_knob_is_a_flag() -> None:
    """A knob that is added to the record is a flag by that alone."""
    missing = set(Options.__struct_fields__) - set(options())
    assert not missing


@pytest.mark.parametrize("knob", list(knobs_of(Options)), ids=lambda knob: str(knob.name))
def test_each_knob_says_what_it_is(knob: Knob) -> None:
    """The help of its flag and its line in the documentation are made from it."""
    assert knob.text.endswith("."), f"options.py: say with `knob(…)` what {knob.name!r} means"
    assert knob.section != ELSEWHERE, f"options.py: say where {knob.name!r} belongs"


def test_a_field_without_a_word_is_a_flag_too() -> None:
    """Somebody else's new knob must not break the command."""

    class More(msgspec.Struct):
        plain: float = 0.5
        on: bool = False
        maybe: int | None = None

    plain, on, maybe = map(knob_option, knobs_of(More))
    assert plain.opts == ["--plain"]
    assert (on.opts, on.secondary_opts) == (["--on"], ["--no-on"])
    assert isinstance(maybe.type, click.types.IntParamType)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--drop", "1.5"], "'--drop': 1.5 is not in the range"),
        (["--duration-s", "inf"], "no finite number"),
        (["--duration-s", "nan"], "--duration-s"),
        (["--workers", "0"], "'--workers': 0 is not in the range"),
        (["--shape", "circle"], "'circle' is not one of"),
        (["--seeds", "0"], "--seeds"),
        (["--replay", "x.json", "--drop", "0.1", "--seed", "3"], "leave out --drop, --seed"),
        (["--trace", "t", "--seeds", "2"], "--trace: there is one trace for one seed"),
        (["--standby"], "--standby: nothing is stored; say --store full"),
        (["--calm", "--store", "none", "--power-cuts", "3"], "--power-cuts: nothing is stored"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(args: list[str], said: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        simulate.main(args, standalone_mode=False)
    assert said in refused.value.format_message()


def test_a_variable_for_another_command_changes_no_run() -> None:
    """ACTORSCHED_WORKERS is for `run`; a seed has to be the same run for everybody."""
    context = simulate.make_context("simulate", [], auto_envvar_prefix="ACTORSCHED")
    for option in simulate.params:
        if option.name in {*Options.__struct_fields__, "seeds", "replay"}:
            assert option.resolve_envvar_value(context) is None
            assert not getattr(option, "allow_from_autoenv", True)


def test_a_seed_that_nobody_chose_draws_all_knobs() -> None:
    """Small ones stay what they were, and know nothing of stores and batches."""
    assert max(FIRST_BARE, FIRST_DEADLY) <= SEEDS.start


def test_knobs_that_are_not_given_are_drawn_or_calm() -> None:
    drawn, calm = case_of(151, {"drop": 0.1}, False).options, case_of(151, {"drop": 0.1}, True).options
    assert drawn == options_of(151, drop=0.1)
    assert calm == Options(seed=151, drop=0.1)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_colon", "expected MODULE:CLASS"),
        ("no_such_module:Worker", "no_such_module"),
        (
            "actorsched.simulation.options:Options",
            "must be a subclass of actorsched.actors.worker.WorkerActor",
        ),
    ],
)
def test_a_class_that_cannot_be_plugged_in_is_refused(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Plugins.find(name, ())
