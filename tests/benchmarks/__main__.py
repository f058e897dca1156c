"""`python -m tests.benchmarks [SUITE …]`: measure, and print tables."""

from __future__ import annotations

import argparse

from tests.benchmarks import machine
from tests.benchmarks.endtoend import suite as endtoend

SUITES = ("endtoend",)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}; all by default")
    parser.add_argument("--rounds", type=int, default=5, help="how often everybody runs (%(default)s)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000], help="numbers of tasks")
    parser.add_argument("--only", nargs="+", default=[], help="contestants, by the beginnings of their names")
    parser.add_argument(
        "--slow", action="store_true", help="peers also with more tasks than they are fit for"
    )
    args = parser.parse_args()
    unknown = [name for name in args.suites if name not in SUITES]
    if unknown:
        parser.error(f"no suite {unknown[0]!r}; there are {', '.join(SUITES)}")
    wanted = args.suites or SUITES
    print(machine.describe(), flush=True)
    if "endtoend" in wanted:
        endtoend.main(args.sizes, args.rounds, args.only, args.slow)


if __name__ == "__main__":
    main()
