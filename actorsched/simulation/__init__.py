"""The actors that ship, on a virtual clock, with a faulty network, disk and processes.

What is named here is public; docs/simulation.md says how to use it. It is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorsched.simulation.case import Case, read_case, write_case
    from actorsched.simulation.checker import Checker, Finding
    from actorsched.simulation.faults import Fault
    from actorsched.simulation.hub import sleep
    from actorsched.simulation.options import Options, options_of
    from actorsched.simulation.pipelines import plans_of
    from actorsched.simulation.report import Report
    from actorsched.simulation.rules import SimulationMachine
    from actorsched.simulation.shrinking import shrink
    from actorsched.simulation.simulation import Simulation
    from actorsched.simulation.strategies import cases, fault_plans, hostile_options, task_graphs
    from actorsched.simulation.work import Plan
    from actorsched.simulation.world import Attempt

_HOMES = {
    "Attempt": "world",
    "Case": "case",
    "Checker": "checker",
    "Fault": "faults",
    "Finding": "checker",
    "Options": "options",
    "Plan": "work",
    "Report": "report",
    "Simulation": "simulation",
    "SimulationMachine": "rules",
    "cases": "strategies",
    "fault_plans": "strategies",
    "hostile_options": "strategies",
    "options_of": "options",
    "plans_of": "pipelines",
    "read_case": "case",
    "shrink": "shrinking",
    "sleep": "hub",
    "task_graphs": "strategies",
    "write_case": "case",
}

__all__ = [
    "Attempt",
    "Case",
    "Checker",
    "Fault",
    "Finding",
    "Options",
    "Plan",
    "Report",
    "Simulation",
    "SimulationMachine",
    "cases",
    "fault_plans",
    "hostile_options",
    "options_of",
    "plans_of",
    "read_case",
    "shrink",
    "sleep",
    "task_graphs",
    "write_case",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'actorsched.simulation' has no attribute {name!r}")
    from importlib import import_module

    try:
        value = getattr(import_module(f"actorsched.simulation.{home}"), name)
    except ModuleNotFoundError as error:
        if error.name not in ("greenlet", "hypothesis"):
            raise
        raise ImportError(
            f"actorsched.simulation.{name} needs {error.name}, which is not installed; say:"
            " pip install 'actorsched[simulation]'",
            name=error.name,
        ) from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
