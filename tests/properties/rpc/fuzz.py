"""Many random frames against a dispatcher with the real machine behind it; prints how many.

    tox -e fuzz -- --inputs 200000 --seed 7

Bytes, JSON that is almost a request, and real requests that were cut, doubled and overwritten. After each,
there must be an answer that is JSON-RPC, and from time to time the machine's invariants are checked.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from actorsched.config import SchedulerSettings
from actorsched.core import SchedulerMachine
from actorsched.core.instant import Instant
from actorsched.core.invariants import check_invariants
from actorsched.rpc import envelope
from actorsched.rpc.dispatch import Dispatcher
from actorsched.rpc.methods import METHODS
from tests.properties.rpc.test_fuzz import requests, values

#: the invariants walk over all tasks, so they are checked once in so many inputs
CHECK_EVERY = 500


class Target:
    """A machine behind a dispatcher; time goes by with each call."""

    def __init__(self) -> None:
        self.machine = SchedulerMachine(SchedulerSettings(), resources={"r": 2}, epoch="f")
        self.bugs: list[BaseException] = []
        self.dispatcher = Dispatcher(self._make_calls, report=self.bugs.append)
        self.inputs = self.answers = self.results = 0

    def _make_calls(self, calls: Any) -> list[Any]:
        results: list[Any] = []
        for method, params in calls:
            now = Instant(1000.0 + self.inputs, 2000.0 + self.inputs)
            try:
                results.append(getattr(self.machine, method)(now, **params))
            except Exception as error:
                results.append(error)
        return results

    def hit(self, frame: bytes) -> None:
        self.inputs += 1
        answer = self.dispatcher.answer(frame)
        assert not self.bugs, (frame, self.bugs)
        if answer:
            self.answers += 1
            self.results += b'"result"' in answer
            json.loads(answer)
            envelope.read_responses(answer)
        if self.inputs % CHECK_EVERY == 0:
            check_invariants(self.machine)


calls = st.builds(
    lambda method, worker, task, more: json.dumps(
        {
            "jsonrpc": "2.0",
            "method": method,
            "id": 1,
            "params": {
                name: value
                for name, value in (("worker", worker), ("task_id", task), *more.items())
                if name in {p.name for p in METHODS[method].parameters}
            },
        }
    ).encode(),
    st.sampled_from(sorted(METHODS)),
    st.sampled_from(["w", "v"]),
    st.sampled_from([f"T{n}" for n in range(8)]),
    st.fixed_dictionaries(
        {},
        optional={
            "status": st.sampled_from(["PENDING", "RUNNING", "DONE", "FAILED", "DISABLED", "SUSPENDED"]),
            "deps": st.lists(st.sampled_from([f"T{n}" for n in range(8)]), max_size=3),
            "info": st.just({"workers": 2}),
            "max_tasks": st.integers(1, 3),
            "resources": st.dictionaries(st.sampled_from(["r", "q"]), st.integers(0, 3), max_size=2),
            "priority": st.integers(-3, 3),
            "n": st.integers(0, 4),
            "task_str": st.text(max_size=3),
            "batched_args": st.just(["a"]),
            "task_family": st.just("F"),
        },
    ),
)


def mutated(frame: bytes, cut: int, junk: bytes, how: int) -> bytes:
    at = cut % (len(frame) + 1)
    return (frame[:at], frame[:at] + junk + frame[at:], frame[:at] + junk + frame[at + len(junk) :], frame)[
        how
    ]


frames = st.one_of(
    st.binary(max_size=300),
    (requests | st.lists(requests, max_size=4) | values).map(lambda value: json.dumps(value).encode()),
    calls,
    st.lists(calls, min_size=1, max_size=4).map(lambda many: b"[" + b",".join(many) + b"]"),
    st.builds(mutated, calls, st.integers(0, 400), st.binary(min_size=1, max_size=4), st.integers(0, 3)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    chosen = options.seed if options.seed is not None else random.randrange(2**32)
    target = Target()

    @seed(chosen)
    @settings(
        max_examples=options.inputs,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(frames)
    def run(frame: bytes) -> None:
        target.hit(frame)

    started = time.monotonic()
    run()
    check_invariants(target.machine)
    print(
        f"seed {chosen}: {target.inputs} inputs, {target.answers} answers, {target.results} with a result,"
        f" {len(target.machine.tasks)} tasks, no failure, {time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    main()
