"""Random sequences of calls of the machine's methods, over so few names that they meet each other."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from actorsched.core import Instant, SchedulerMachine

TASKS = [f"T{number}" for number in range(8)]
WORKERS = ["w0", "w1", "w2", "w3"]
STATUSES = [
    "PENDING",
    "PENDING",
    "PENDING",
    "RUNNING",
    "DONE",
    "DONE",
    "FAILED",
    "FAILED",
    "DISABLED",
    "UNKNOWN",
]


class Step(NamedTuple):
    """A call after some time; `"live"` stands for the live run of the task, or for who has it."""

    wait_s: float
    method: str
    params: dict[str, Any]


tasks, workers = st.sampled_from(TASKS), st.sampled_from(WORKERS)
resources = st.dictionaries(st.sampled_from("ab"), st.sampled_from([1, 2, 0.5]), max_size=2)


def _params(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


@st.composite
def registrations(draw: st.DrawFn) -> dict[str, Any]:
    number = draw(st.integers(0, len(TASKS) - 1))
    params: dict[str, Any] = {
        "task_id": TASKS[number],
        "worker": draw(workers),
        "status": draw(st.sampled_from(STATUSES)),
        "family": draw(st.sampled_from(["F", "G", ""])),
    }
    optional = {
        "deps": st.lists(st.sampled_from([*TASKS[number + 1 :], "T99"]), max_size=4),
        "new_deps": st.lists(st.sampled_from([*TASKS[number + 1 :], "T98"]), max_size=2),
        "resources": resources,
        "priority": st.sampled_from([0, 1, 2.5]),
        "params": st.dictionaries(st.sampled_from("xyz"), st.sampled_from(["1", "2"]), max_size=3),
        "param_visibilities": st.just({"x": 1, "y": 2}),
        "module": st.sampled_from(["m", None]),
        "expl": st.sampled_from(["because", None]),
        "tracking_url": st.sampled_from(["http://u", None]),
        "batchable": st.booleans(),
        "runnable": st.booleans(),
        "accepts_messages": st.booleans(),
        "assistant": st.booleans(),
        "incarnation": st.sampled_from([1, 2]),
        "run_id": st.just("live"),
        "declined": st.just("no such module"),
        "retry_policy_dict": st.sampled_from(
            [
                {"retry_count": 2},
                {"retry_delay": 3, "retry_backoff": 2, "retry_delay_max": 20, "retry_jitter": 0.5},
                {"retry_delay": -1},
            ]
        ),
    }
    for name in draw(st.lists(st.sampled_from(sorted(optional)), max_size=5, unique=True)):
        params[name] = draw(optional[name])
    if "declined" in params:
        params |= {"status": "PENDING", "run_id": "live", "worker": "live", "incarnation": None}
    return params


METHODS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "get_work": _params(
        worker=workers,
        host=st.sampled_from(["h1", "h2"]),
        assistant=st.sampled_from([False, False, True]),
        current_tasks=st.none() | st.lists(tasks, max_size=2),
        max_tasks=st.none() | st.integers(1, 3),
        incarnation=st.sampled_from([None, None, 1, 2]),
    ),
    "add_worker": _params(worker=workers, info=st.just({"workers": 2})),
    "add_task_batcher": _params(
        worker=workers,
        task_family=st.sampled_from("FG"),
        batched_args=st.sampled_from([["x"], ["x", "y"]]),
        max_batch_size=st.sampled_from([2, None]),
    ),
    "ping": _params(worker=workers),
    "prune": st.just({}),
    "forgive_failures": _params(task_id=tasks),
    "mark_as_done": _params(task_id=tasks),
    "re_enable_task": _params(task_id=tasks),
    "cancel_task": _params(task_id=tasks),
    "disable_worker": _params(worker=workers),
    "set_worker_processes": _params(worker=workers, n=st.just(3)),
    "send_scheduler_message": _params(worker=workers, task=tasks, content=st.just("hello")),
    "add_scheduler_message_response": _params(
        task_id=tasks, message_id=st.just("m"), response=st.just({"a": 1})
    ),
    "get_scheduler_message_response": _params(task_id=tasks, message_id=st.just("m")),
    "set_task_status_message": _params(task_id=tasks, status_message=st.sampled_from(["half", None])),
    "set_task_progress_percentage": _params(task_id=tasks, progress_percentage=st.just(50)),
    "decrease_running_task_resources": _params(task_id=tasks, decrease_resources=resources),
    "report_task_statistics": _params(task_id=tasks, statistics=st.just({"memory": 3})),
    "announce_scheduling_failure": _params(
        task_name=tasks, family=st.just("F"), params=st.just({}), expl=st.just("?"), owners=st.just([])
    ),
    "count_pending": _params(worker=workers),
    "pause": st.just({}),
    "unpause": st.just({}),
    "update_resource": _params(resource=st.sampled_from("ab"), amount=st.integers(0, 3)),
}

_methods = st.sampled_from([*METHODS, *["add_task"] * 20, *["get_work"] * 8, *["unpause"] * 2])


@st.composite
def steps(draw: st.DrawFn) -> Step:
    method = draw(_methods)
    wait_s = draw(st.sampled_from([0, 0, 0, 1, 7, 40]))
    return Step(wait_s, method, draw(registrations() if method == "add_task" else METHODS[method]))


def call(machine: SchedulerMachine, step: Step, now: Instant) -> Any:
    params = dict(step.params)
    if params.get("run_id") == "live":
        record = machine.tasks.get(params["task_id"])
        params["run_id"] = None if record is None else record.run_id
        if params["worker"] == "live":
            params["worker"] = (record and record.worker_running) or WORKERS[0]
    return getattr(machine, step.method)(now, **params)
