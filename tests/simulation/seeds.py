"""Which seeds are run, and how."""

from __future__ import annotations

from pathlib import Path

from actorsched.simulation.options import options_of
from actorsched.simulation.report import Report
from actorsched.simulation.simulation import Simulation

KNOWN = Path(__file__).with_name("known_seeds.txt")


def known_seeds() -> list[int]:
    """Seeds that once failed."""
    lines = KNOWN.read_text(encoding="utf-8").splitlines()
    return [int(line) for line in lines if line.strip() and not line.startswith("#")]


def run_seed(seed: int) -> Report:
    """Everything about the simulation is drawn from the seed."""
    return Simulation(options_of(seed)).run()


def describe(report: Report) -> str:
    """What was found, and the options that find it again."""
    findings = "; ".join(f"{found.checker} at {found.at_s:.3f} s: {found.text}" for found in report.findings)
    return f"{report.case.options.describe()}: {findings}"
