"""Dynamic requirements resume: one pass over `run()`, and no slot while it waits."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched import LocalTarget, Task, build

HOW: list[dict[str, Any]] = [
    {"start_method": "forkserver"},
    {"start_method": "spawn"},
    {"execution": "inline"},
]


def note(folder: str, line: str) -> None:
    with (Path(folder) / "notes").open("a") as file:
        file.write(f"{line}\n")


def notes(folder: Path) -> list[str]:
    return (folder / "notes").read_text().splitlines()


class Dep(Task):
    n: int
    folder: str
    #: what happens to the process that keeps the run that waits for this
    kills: bool = False

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / f"dep-{self.n}")

    def complete(self) -> bool:
        note(self.folder, "asked")
        return super().complete()

    def run(self) -> None:
        if self.kills:
            os.kill(int((Path(self.folder) / "waiting").read_text()), signal.SIGKILL)
        Path(self.output().path).write_text(str(self.n))


class Needs(Task):
    k: int
    folder: str
    kills: bool = False

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / f"needs-{self.k}")

    def run(self) -> Iterator[Any]:
        note(self.folder, "begun")
        (Path(self.folder) / "waiting").write_text(str(os.getpid()))
        got = []
        for n in range(self.k):
            target = yield Dep(n, self.folder, kills=self.kills and n == self.k - 1)
            got.append(Path(target.path).read_text())
        Path(self.output().path).write_text(" ".join(got))


class Deep(Task):
    """Each needs the next one; all of them wait at the same time."""

    n: int
    folder: str

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / f"deep-{self.n}")

    def run(self) -> Iterator[Any]:
        note(self.folder, f"begun {self.n}")
        if self.n:
            yield Deep(self.n - 1, self.folder)
        Path(self.output().path).write_text("done")


@pytest.mark.parametrize("how", HOW, ids=lambda how: next(iter(how.values())))
def test_k_yields_cost_one_pass_and_at_most_2k_questions(how: dict[str, Any], tmp_path: Path) -> None:
    """And one slot is enough: the run that waits has none."""
    k = 10
    result = build([Needs(k, str(tmp_path))], workers=1, log_dir="off", **how)
    assert result.succeeded, result.summary_text
    assert notes(tmp_path).count("begun") == 1
    assert notes(tmp_path).count("asked") <= 2 * k
    assert (tmp_path / f"needs-{k}").read_text() == " ".join(map(str, range(k)))


def test_a_lost_process_costs_another_pass_and_nothing_else(tmp_path: Path) -> None:
    result = build([Needs(3, str(tmp_path), kills=True)], workers=2, log_dir="off")
    assert result.status.name == "SUCCESS", result.summary_text
    assert notes(tmp_path).count("begun") == 2


@pytest.mark.parametrize(("most", "begun_again"), [(8, 0), (2, 3), (0, 5)])
def test_so_many_are_kept_and_the_others_begin_again(most: int, begun_again: int, tmp_path: Path) -> None:
    result = build([Deep(5, str(tmp_path))], workers=1, suspended_max=most, log_dir="off")
    assert result.succeeded, result.summary_text
    assert len(notes(tmp_path)) == 6 + begun_again
