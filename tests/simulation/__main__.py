"""The soak: `python -m tests.simulation --seeds 1000 [--first N]`, or `--seconds 600`."""

from __future__ import annotations

import argparse
import logging
import sys
import time

import structlog

from tests.simulation.seeds import describe, run_seed

#: how far it is, is said so often, seconds
SHOWN_EVERY_S = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=None, help="the first seed; by default from the clock")
    parser.add_argument("--seconds", type=float, default=None, help="instead of a number of seeds")
    arguments = parser.parse_args()
    first = arguments.first if arguments.first is not None else int(time.time())
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(f"from seed {first}", flush=True)
    began, seeds, virtual_s, failed = time.monotonic(), 0, 0.0, 0
    shown_at = began

    def show() -> None:
        elapsed_s = time.monotonic() - began
        print(
            f"{seeds} seeds, {failed} failed, {elapsed_s:.0f} s, {seeds / elapsed_s:.2f} seeds/s, "
            f"{virtual_s / 3600:.0f} hours of virtual time",
            flush=True,
        )

    def goes_on() -> bool:
        if arguments.seconds is None:
            return seeds < arguments.seeds
        return time.monotonic() - began < arguments.seconds

    while goes_on():
        if time.monotonic() - shown_at >= SHOWN_EVERY_S:
            shown_at = time.monotonic()
            show()
        seed = first + seeds
        seeds += 1
        try:
            report = run_seed(seed)
        except Exception as error:
            failed += 1
            print(f"seed {seed}: {error!r}", flush=True)
            continue
        virtual_s += report.now_s
        if not report.ok:
            failed += 1
            print(describe(report), flush=True)
    show()
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
