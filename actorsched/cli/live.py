"""Progress on a terminal: a bar, counts by state, the rate, and what is running, redrawn in place.

What tasks print would go through the picture. So for as long as it is shown, the standard output and
standard error of this process and its children are a pipe, and what comes out of it is printed above the
picture, line by line.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import TextIO

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from actorsched.cli.captured import captured
from actorsched.cli.output import ago, one_line, short_name
from actorsched.cli.progress import Picture, Progress

#: the picture is redrawn so often in a second
FRAMES = 5
#: so many running tasks are named
NAMED = 8
#: failures that are told while the run goes on; the summary has the rest
FAILURES_TOLD = 10


class Live:
    """Shows the progress for as long as it is entered; leaves nothing of the picture behind."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._failures = 0
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Live:
        with contextlib.ExitStack() as stack:
            terminal = stack.enter_context(_own_copy_of(sys.stderr.fileno()))
            self._console = Console(file=terminal, highlight=False, force_terminal=True)
            live = RichLive(
                _View(self._progress, self._title),
                console=self._console,
                refresh_per_second=FRAMES,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            stack.enter_context(live)
            # what goes to a file or a program stays there
            descriptors = (1, 2) if sys.stdout.isatty() else (2,)
            stack.enter_context(captured(self._print, descriptors))
            self._progress.on_failure = self._tell_failure
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def say(self, text: str) -> None:
        """Tell the person something."""
        self._console.print(Text(text, style="yellow"))

    def _print(self, line: str) -> None:
        self._console.print(Text.from_ansi(line), soft_wrap=True)

    def _tell_failure(self, name: str, cause: str) -> None:
        self._failures += 1
        if self._failures <= FAILURES_TOLD:
            self._console.print(Text.assemble(("failed ", "bold red"), name, (f"  {cause}", "red")))
        elif self._failures == FAILURES_TOLD + 1:
            self._console.print(Text("more tasks fail; the summary names them", style="red"))


class _View:
    """What is drawn; rich asks for it again for each frame."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        picture = self._progress.picture()
        yield Group(_head(self._title, picture, options.max_width), _counts(picture), *_runs(picture))


def _head(title: str, picture: Picture, width: int) -> Table:
    line = Table.grid(padding=(0, 2), expand=True)
    line.add_column(no_wrap=True, overflow="ellipsis", max_width=max(12, width // 3))
    line.add_column(ratio=1)
    line.add_column(no_wrap=True, justify="right")
    if picture.discovering:
        bar = ProgressBar(total=None, pulse=True)
        right = f"looking for tasks: {picture.asked:,} of {picture.found:,} asked"
    else:
        bar = ProgressBar(total=max(1, picture.total), completed=picture.done)
        share = 100 * picture.done // max(1, picture.total)
        right = f"{picture.done:,} of {picture.total:,}  {share} %"
    line.add_row(Text(title, style="bold"), bar, right)
    return line


def _counts(picture: Picture) -> Text:
    parts = [(f"{picture.done:,} done", "green")]
    if picture.failed:
        parts.append((f"{picture.failed:,} failed", "bold red"))
    if not picture.discovering:
        parts += [(f"{picture.running:,} running", "cyan"), (f"{picture.pending:,} pending", "")]
    if picture.rate:
        parts.append((f"{picture.rate:,.3g} tasks/s", ""))
    parts.append((f"{ago(picture.elapsed_s)}", ""))
    if picture.left_s is not None:
        parts.append((f"about {ago(picture.left_s)} left", "dim"))
    return Text("  ").join(Text(text, style=style) for text, style in parts)


def _runs(picture: Picture) -> Iterator[Table | Text]:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(no_wrap=True, overflow="ellipsis", style="cyan", max_width=30)
    table.add_column(no_wrap=True, overflow="ellipsis", style="dim", max_width=30)
    table.add_column(no_wrap=True, justify="right", style="dim", min_width=8)
    runs = sorted(picture.runs, key=lambda run: run.since)
    for run in runs[:NAMED]:
        said = Text(one_line(run.said))
        table.add_row(Text(f"  {run.name}"), said, short_name(run.where), ago(picture.now - run.since))
    yield table
    if len(runs) > NAMED:
        yield Text(f"  … and {len(runs) - NAMED} more", style="dim")


@contextlib.contextmanager
def _own_copy_of(descriptor: int) -> Iterator[TextIO]:
    with open(os.dup(descriptor), "w", encoding="utf-8", errors="replace") as stream:
        yield stream
