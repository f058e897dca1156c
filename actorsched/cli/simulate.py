"""`actorsched simulate`: whole systems in a hostile world, one for each seed.

Each knob of the record of options is a flag, with the help and the limits that stand at its field. What is
not given is drawn from the seed.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from actorsched.cli.logging import LEVELS
from actorsched.cli.output import print_json
from actorsched.cli.sections import Option, SectionedCommand
from actorsched.errors import ConfigError
from actorsched.simulation.knobs import Knob, knobs_of
from actorsched.simulation.options import STORE, Options

if TYPE_CHECKING:
    pass

#: a seed that nobody chose is one of these: people can type it, and smaller ones do not draw all knobs
SEEDS = range(2_000_000, 10_000_000)
EXIT_FOUND = 1


def knob_option(knob: Knob) -> click.Option:
    """The flag of a knob; None when it is not given."""
    flag = f"--{knob.name.replace('_', '-')}"
    kind: Any = click.STRING
    if knob.type is bool:
        flag, kind = f"{flag}/--no-{flag[2:]}", click.BOOL
    elif knob.choices:
        kind = click.Choice(knob.choices)
    elif knob.type is int:
        kind = click.IntRange(
            None if knob.least is None else int(knob.least), None if knob.most is None else int(knob.most)
        )
    elif knob.type is float:
        kind = Finite(knob.least, knob.most)
    default = format(knob.default, ".10g") if isinstance(knob.default, float) else knob.default
    text = f"{knob.text or 'See the documentation.'}  [calm: {default}]"
    return Option(
        [flag],
        section=knob.section,
        type=kind,
        is_flag=knob.type is bool,
        default=None,
        metavar=None if knob.choices or knob.type is bool else knob.unit or "N",
        help=text,
        # ACTORSCHED_WORKERS is a setting of other commands, and would make another run of a seed
        allow_from_autoenv=False,
    )


class Finite(click.FloatRange):
    """A number that is not infinite, and not no number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number", param, ctx)
        return number


def knob_options() -> Iterator[click.Option]:
    """A flag for each knob but the seed."""
    yield from (knob_option(knob) for knob in knobs_of(Options) if knob.name != "seed")


def simulate_command(
    seed: int | None,
    seeds: int,
    replay: Path | None,
    calm: bool,
    shrink: float,
    save: Path | None,
    trace: Path | None,
    worker_class: str | None,
    checker: tuple[str, ...],
    log_level: str,
    as_json: bool,
    **knobs: Any,
) -> int:
    """Play a whole system in a hostile world, and look for what must never happen.

    The actors that ship run in one thread, on a virtual clock: a scheduler, workers with a graph of tasks,
    and a network and machines that fail. A seed is a run: the same seed does the same again. Knobs that are
    not given are drawn from the seed; with --calm they keep their defaults, so that nothing goes wrong
    but what is asked for.

    Exits with 0 if no checker found anything, else with 1; then the simulation is written to a file that
    --replay plays again.
    """
    given = {name: value for name, value in knobs.items() if value is not None}
    if replay is not None and (given or seed is not None or seeds != 1 or calm):
        named = [f"--{name.replace('_', '-')}" for name in given]
        named += ["--seed"] * (seed is not None) + ["--seeds"] * (seeds != 1) + ["--calm"] * calm
        raise click.UsageError(f"--replay: the file says all of that, so leave out {', '.join(named)}")
    if knobs.get("store") in (None, "none") and replay is None:
        for knob in knobs_of(Options):
            if knob.section == STORE and knob.name != "store" and given.get(knob.name):
                flag = f"--{knob.name.replace('_', '-')}"
                raise click.UsageError(f"{flag}: nothing is stored; say --store full, or normal, too")
    if trace is not None and seeds != 1:
        raise click.UsageError("--trace: there is one trace for one seed; leave out --seeds")
    try:
        import actorsched.simulation as simulation_api

        _ = simulation_api.Simulation, simulation_api.cases  # one of the extra without the other is no extra
    except ImportError as error:
        raise ConfigError(str(error)) from None
    from actorsched.cli.logging import set_up
    from actorsched.cli.plugins import Plugins
    from actorsched.cli.simulated import Player, case_of

    set_up(log_level)
    plugins = Plugins.find(worker_class, checker)
    player = Player(
        plugins,
        save=save,
        trace=trace,
        shrink_s=shrink,
        quiet=as_json,
        many=seeds > 1,
        logs=log_level != "off",
    )
    if replay is not None:
        from actorsched.simulation.case import read_case

        player.replay(read_case(replay), replay)
    else:
        first = secrets.choice(SEEDS) if seed is None else seed
        for number in range(first, first + seeds):
            player.play(case_of(number, given, calm))
    player.finish()
    if as_json:
        print_json(player.summary())
    return EXIT_FOUND if player.failed else 0


simulate = SectionedCommand(
    "simulate",
    callback=simulate_command,
    help=simulate_command.__doc__,
    params=[
        click.Option(
            ["--seed"],
            type=int,
            metavar="N",
            help="Which run to play.  [default: drawn]",
            allow_from_autoenv=False,
        ),
        click.Option(
            ["--seeds"],
            type=click.IntRange(1),
            default=1,
            show_default=True,
            metavar="N",
            help="Play so many seeds, from --seed on.",
            allow_from_autoenv=False,
        ),
        click.Option(["--calm"], is_flag=True, help="Knobs that are not given keep their defaults."),
        click.Option(
            ["--replay"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Play what was written to a file.",
            allow_from_autoenv=False,
        ),
        click.Option(
            ["--shrink"],
            type=click.FloatRange(0),
            default=0.0,
            metavar="SECONDS",
            help="When something is found, look this long for a smaller simulation that shows it.",
        ),
        click.Option(
            ["--save"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Write the simulation there.  [default: to simulation-SEED.json, if something is found]",
            allow_from_autoenv=False,
        ),
        click.Option(
            ["--trace"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Write the whole trace there.",
            allow_from_autoenv=False,
        ),
        click.Option(
            ["--worker-class"],
            metavar="MODULE:CLASS",
            help="A subclass of WorkerActor that takes its place.",
        ),
        click.Option(
            ["--checker"],
            multiple=True,
            metavar="MODULE:CLASS",
            help="A checker of your own beside the others; may be repeated.",
        ),
        click.Option(
            ["--log-level"],
            type=click.Choice((*LEVELS, "off")),
            default="off",
            show_default=True,
            help="Show what the actors log, from this level on.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document."),
        *knob_options(),
    ],
)
