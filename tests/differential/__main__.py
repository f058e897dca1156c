"""The soak: `python -m tests.differential --examples 5000 --steps 60 [--seed N]`."""

from __future__ import annotations

import argparse
import sys
import time

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.differential.rules import SchedulersAgree
from tests.differential.twin import DifferenceError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=60, help="rules per example, at most")
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    chosen = arguments.seed if arguments.seed is not None else int(time.time())
    print(f"seed {chosen}", flush=True)
    began = time.monotonic()
    profile = settings(
        max_examples=arguments.examples,
        stateful_step_count=arguments.steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        print_blob=False,
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink],
    )
    examples = 0

    class Counted(SchedulersAgree):
        def teardown(self) -> None:
            nonlocal examples
            examples += 1
            super().teardown()

    try:
        run_state_machine_as_test(seed(chosen)(Counted), settings=profile)
    except DifferenceError as error:
        sys.exit(f"after {SchedulersAgree.steps} steps, also of shrinking: {error}")
    print(
        f"{examples} examples, {SchedulersAgree.steps} steps, no unlisted difference, "
        f"{time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
