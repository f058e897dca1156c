"""Playing simulations for people: options first, progress, a summary, and what is left for a replay."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from actorsched._version import __version__
from actorsched.cli.output import ago, one_line
from actorsched.cli.plugins import Plugins
from actorsched.errors import ActorschedError, ConfigError, InternalError
from actorsched.simulation.case import Case, write_case
from actorsched.simulation.checker import Checker, Finding
from actorsched.simulation.options import Options, options_of
from actorsched.simulation.report import Report
from actorsched.simulation.shrinking import shrink
from actorsched.simulation.simulation import Simulation
from actorsched.simulation.standard import CHECKERS, Narrator

#: seconds between two lines of progress where there is no terminal
QUIET_S = 10.0
#: seconds between two looks of a terminal
BUSY_S = 0.2


def case_of(seed: int, given: Mapping[str, Any], calm: bool) -> Case:
    """What a seed and some knobs mean."""
    return Case(options=Options(seed=seed, **given) if calm else options_of(seed, **given))


class Played(NamedTuple):
    """One simulation that was played."""

    report: Report
    wall_s: float
    file: Path | None = None
    smaller: Case | None = None
    #: why there is no file, or no trace
    trouble: str = ""


class Progress:
    """Shows on stderr how far it is: one line that changes, or on no terminal a line now and then."""

    def __init__(self, quiet: bool) -> None:
        self._live = sys.stderr.isatty() and not quiet
        self._every_s = BUSY_S if self._live else QUIET_S
        self._quiet = quiet
        self._next = time.monotonic() + self._every_s
        self._shown = False

    def show(self, text: str) -> None:
        now = time.monotonic()
        if self._quiet or now < self._next:
            return
        self._next = now + self._every_s
        if self._live:
            click.echo(f"\r\x1b[K{text}", err=True, nl=False)
            self._shown = True
        else:
            click.echo(text, err=True)

    def clear(self) -> None:
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._shown = False


class Player:
    """Plays one simulation after the other.

    Args:
        save: where to write the simulation; None: to a file of its own name when something is found.
        trace: where to write the whole trace.
        shrink_s: how long to look for a smaller one.
        quiet: print nothing.
        many: there is more than one, so that only what is found is told of each.
        logs: what actors log is shown.
    """

    def __init__(
        self,
        plugins: Plugins,
        *,
        save: Path | None,
        trace: Path | None,
        shrink_s: float,
        quiet: bool,
        many: bool,
        logs: bool = False,
    ) -> None:
        self.failed = 0
        self._logs = logs
        self._source: Path | None = None
        self._plugins = plugins
        self._save = save
        self._trace = trace
        self._shrink_s = shrink_s
        self._quiet = quiet
        self._many = many
        self._played: list[Played] = []
        self._progress = Progress(quiet)
        self._began = time.monotonic()

    # -- what the command does --------------------------------------------------------------------

    def play(self, case: Case) -> None:
        """Play it, and tell."""
        if not self._many:
            self._say(case.options.describe())
        began = time.monotonic()
        simulation = self._make(case, keep=None if self._trace else 20_000)
        report = self._run(simulation)
        played = Played(report, time.monotonic() - began)
        if self._trace is not None:
            played = played._replace(trouble=_write(self._trace, simulation.trace.text()))
        self._progress.clear()
        if not report.ok:
            self.failed += 1
            played = self._keep(played)
        elif self._save is not None and not self._many:
            played = _written(played, report.case, self._save)
        if self._many and report.ok:
            played = played._replace(report=_slim(report))
        self._played.append(played)
        if not self._many or not report.ok:
            self._tell(played)

    def replay(self, case: Case, source: Path) -> None:
        """Play what was written to a file."""
        self._source = source
        if case.version not in ("", __version__):
            self._warn(
                f"{source} was written by actorsched {case.version}, and this is {__version__}: other things"
                " may happen in the same world"
            )
        self.play(case)
        if case.found and not self.failed:
            self._warn(
                f"{source} says: {one_line(case.found)}; now nothing is found. It may be mended, or it needs"
                " the --worker-class or --checker with which it was found"
            )

    def _warn(self, text: str) -> None:
        if not self._quiet:
            click.secho(text, err=True, fg="yellow")

    def finish(self) -> None:
        """Tell of all of them together.

        Raises:
            ConfigError: something could not be written; all is told by then.
        """
        self._progress.clear()
        if not self._many:
            if self._played and self._played[0].trouble and not self.failed:
                raise ConfigError(self._played[0].trouble)
            return
        wall_s = time.monotonic() - self._began
        seeds = len(self._played)
        virtual_s = sum(played.report.now_s for played in self._played)
        self._say(
            f"{seeds} seeds, {self.failed} with a finding, {seeds / wall_s:.1f} seeds/s,"
            f" {ago(virtual_s)} of virtual time in {ago(wall_s)}"
        )

    def summary(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "ok": not self.failed,
            "seeds": len(self._played),
            "failed": self.failed,
            "wall_s": round(time.monotonic() - self._began, 3),
            "simulations": [_as_json(played) for played in self._played],
        }

    # -- one simulation ---------------------------------------------------------------------------

    def _make(self, case: Case, keep: int | None = 20_000, show: bool = True) -> Simulation:
        checkers = [*self._plugins.checkers, *([_watch(self)] if show else [])]
        return Simulation.of(
            case,
            worker_class=self._plugins.worker_class,
            checkers=checkers,
            keep=keep,
            logs=self._logs and show,
        )

    def _run(self, simulation: Simulation) -> Report:
        try:
            return simulation.run()
        except InternalError as error:
            return _with_error(simulation, error)

    def watch(self, simulation: Simulation) -> None:
        """It goes on."""
        world, options = simulation.world, simulation.options
        number = f"{len(self._played) + 1} seeds, {self.failed} with a finding; " if self._many else ""
        self._progress.show(
            f"{number}seed {options.seed}: {ago(simulation.hub.now)}"
            + (", healed" if simulation.troubles.healed else f" of {ago(options.hostile_s)}")
            + f", {len(world.outputs)} of {len(world.plans)} tasks complete"
        )

    def _keep(self, played: Played) -> Played:
        seed = played.report.case.options.seed
        smaller = self._smaller(played.report) if self._shrink_s else None
        if self._source is not None and smaller is None and self._save is None:
            return played._replace(file=self._source)
        file = self._save if self._save is not None and not self._many else Path(f"simulation-{seed}.json")
        return _written(played._replace(smaller=smaller), smaller or played.report.case, file)

    def _smaller(self, report: Report) -> Case:
        wanted = {finding.checker for finding in report.findings}
        deadline, plays = time.monotonic() + self._shrink_s, 0
        best = report.case

        def fails(case: Case) -> bool:
            nonlocal plays, best
            plays += 1
            self._progress.show(
                f"shrinking: {plays} plays; {len(best.plans or ())} tasks, {len(best.faults or ())} faults"
            )
            found = self._run(self._make(case, show=False))
            if wanted.isdisjoint(finding.checker for finding in found.findings):
                return False
            best = msgspec.structs.replace(case, found=found.case.found)
            return True

        shrink(report.case, fails, lambda: time.monotonic() < deadline)
        self._progress.clear()
        return best

    # -- what people read -------------------------------------------------------------------------

    def _say(self, text: str = "", **style: Any) -> None:
        if not self._quiet:
            click.secho(text, **style)

    def _tell(self, played: Played) -> None:
        report, counts = played.report, played.report.counts
        if self._many:
            self._say(report.case.options.describe())
        good = sum(succeeded for _, succeeded in report.exits)
        tasks = len(report.case.plans or ())
        states = ", ".join(f"{number} {state}" for state, number in sorted(report.states.items()))
        lost = counts.get("dropped", 0) + counts.get("broken", 0) + counts.get("cut", 0)
        faults = Counter(fault.kind for fault in report.case.faults or () if fault.at_s <= report.now_s)
        checked = len(CHECKERS) - (Narrator in CHECKERS) + len(self._plugins.checkers)
        rows = {
            "time": f"{ago(report.now_s)} in {played.wall_s:.2f} s, {report.steps:,} steps",
            "messages": f"{counts.get('sent', 0):,} sent, {lost:,} lost,"
            f" {counts.get('doubled', 0):,} doubled, {counts.get('held', 0):,} held back",
            "faults": ", ".join(f"{number} {kind}" for kind, number in sorted(faults.items())) or "none",
            "tasks": f"{report.complete} of {tasks} complete",
            "scheduler": states or "knows no task",
            "runs": f"{counts.get('run', 0):,}, {counts.get('output', 0):,} of them with a result",
            "programs": f"{len(report.exits)} ended, {good} of them with success",
            "checkers": f"{checked} and the invariants of the scheduler: "
            + ("nothing found" if report.ok else f"{len(report.findings)} found"),
            "trace": report.digest[:16],
        }
        self._say()
        for head, text in rows.items():
            self._say(f"{head:<10} {text}")
        if report.ok:
            if played.file is not None:
                self._say(f"\nwritten to {played.file}")
            return
        self._say(f"\nthe end of the trace ({sum(counts.values()):,} lines; all of them: --trace FILE):\n")
        for line in report.last_lines:
            self._say(f"  {one_line(line)}")
        self._say()
        for finding in report.findings:
            self._say(
                f"FOUND by {finding.checker} at {finding.at_s:.3f} s: {one_line(finding.text)}", fg="red"
            )
        if played.smaller is not None:
            smaller = played.smaller
            self._say(
                f"smaller: {len(smaller.plans or ())} of {tasks} tasks, {len(smaller.faults or ())} of"
                f" {len(report.case.faults or ())} faults; {one_line(smaller.found)}"
            )
        if played.file is not None:
            self._say(f"again: actorsched simulate --replay {played.file}{self._plugins.flags()}")
        else:
            self._say(f"again: the same command with --seed {report.case.options.seed}")
        if played.trouble:
            self._warn(played.trouble)
        if self._many:
            self._say()


def _watch(player: Player) -> type[Checker]:
    """A checker that finds nothing and shows how far it is; it draws nothing, so the run stays what it is."""

    class Watch(Checker):
        def each_second(self) -> None:
            player.watch(self.simulation)

    return Watch


def _with_error(simulation: Simulation, error: ActorschedError) -> Report:
    """The report of a simulation that an error has ended: a program or an actor is broken."""
    simulation.findings.append(Finding("error", simulation.hub.now, str(error)))
    return simulation.report()


def _slim(report: Report) -> Report:
    """Without what nobody asks for of a simulation that went well, one of many."""
    return replace(report, case=Case(options=report.case.options), last_lines=())


def _write(path: Path, text: str) -> str:
    """Write a trace; returns why it could not be done, if so: what was found is to be told all the same."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        return f"--trace {str(path)!r}: cannot be written: {error.strerror}"
    return ""


def _written(played: Played, case: Case, file: Path) -> Played:
    try:
        write_case(case, file)
    except ConfigError as error:
        return played._replace(trouble=str(error))
    return played._replace(file=file)


def _as_json(played: Played) -> dict[str, Any]:
    report = played.report
    return {
        "seed": report.case.options.seed,
        "options": report.case.options,
        "ok": report.ok,
        "findings": [finding._asdict() for finding in report.findings],
        "virtual_s": round(report.now_s, 6),
        "wall_s": round(played.wall_s, 3),
        "steps": report.steps,
        "events": report.counts,
        "complete": report.complete,
        "states": report.states,
        "exits": report.exits,
        "digest": report.digest,
        "file": None if played.file is None else str(played.file),
    }
