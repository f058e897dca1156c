"""In a program that cannot be changed, Luigi's ways in lead to us."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import luigi.cmdline
import luigi.interface
import luigi.retcodes

from actorsched.luigi.command import run_command
from actorsched.luigi.entry import schedule_and_run


def install() -> None:
    """From now on `luigi.build`, `luigi.run` and the command of Luigi are ours in this process."""
    luigi.interface._schedule_and_run = schedule_and_run
    command: Any = _run_with_retcodes
    luigi.retcodes.run_with_retcodes = luigi.cmdline.run_with_retcodes = command


def _run_with_retcodes(argv: Sequence[str]) -> NoReturn:
    sys.exit(run_command(list(argv)))
