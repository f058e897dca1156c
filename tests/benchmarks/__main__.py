"""`python -m tests.benchmarks [SUITE …]`: measure, and print tables."""

from __future__ import annotations

import argparse

from tests.benchmarks import discovery, machine, scaling, startup, store, worker_memory
from tests.benchmarks.core import suite as core
from tests.benchmarks.endtoend import suite as endtoend
from tests.benchmarks.rpc import suite as rpc

#: suite → what it measures
SUITES = {
    "endtoend": "tiny tasks from the first to the last, beside peers",
    "startup": "a whole command for one task",
    "core": "the scheduler's machine: cost by number of tasks, views, memory, a long life",
    "discovery": "finding tasks",
    "rpc": "calls through the network, beside peers; registration; wake-ups; heartbeats",
    "store": "what a durable store costs the scheduler",
    "worker": "memory of a worker",
    "scaling": "how many workers a scheduler can serve, by simulation; writes docs/scaling.svg",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure, and print tables.",
        epilog="suites: " + "; ".join(f"{name}: {what}" for name, what in SUITES.items()),
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help="all by default")
    parser.add_argument("--rounds", type=int, default=5, help="how often everybody runs (%(default)s)")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of tasks, for endtoend and core")
    parser.add_argument("--only", nargs="+", default=[], help="endtoend: the beginnings of names")
    parser.add_argument(
        "--slow", action="store_true", help="endtoend: peers also with more tasks than they are fit for"
    )
    args = parser.parse_args()
    unknown = [name for name in args.suites if name not in SUITES]
    if unknown:
        parser.error(f"no suite {unknown[0]!r}; there are {', '.join(SUITES)}")
    wanted = args.suites or list(SUITES)
    print(machine.describe(), flush=True)
    if "endtoend" in wanted:
        endtoend.main(args.sizes or (1_000, 10_000), args.rounds, args.only, args.slow)
    if "startup" in wanted:
        startup.suite(args.rounds)
    if "core" in wanted:
        core.main(args.sizes or (1_000, 10_000, 100_000, 1_000_000), args.rounds)
    if "discovery" in wanted:
        discovery.suite(args.rounds)
    if "rpc" in wanted:
        rpc.suite(args.rounds)
    if "store" in wanted:
        store.suite(args.rounds)
    if "scaling" in wanted:
        scaling.suite()
    if "worker" in wanted:
        worker_memory.suite()


if __name__ == "__main__":
    main()
