"""What Hypothesis may do to a twin.

Few names, so that calls meet: some tasks, workers, families and resources, and no argument that is left
out always. Beside any call with any argument there are calls that fit the state (a worker ends what it
runs, claims the batch that it was given), because chance alone seldom gets that far. Rules are chosen
with equal chances, so the calls that change little share one (`chat`, `view`, `control`).
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from actorsched.core.statuses import DISABLED, FAILED, LIVE, RUNNING
from tests.differential import anatomy
from tests.differential.twin import Twin

TASKS = [f"{family}_{n}_abc" for family in ("Load", "Join") for n in range(4)] + ["odd"]
COMBINED = ["Load_all_abc", "Join_all_abc"]
ANY_TASK = [*TASKS, *COMBINED]
#: never registered
STRANGERS = ["Ghost_1_abc", "ghost(a=1)"]
WORKERS = ["w1", "w2", "w3", "w4"]
FAMILIES = ["Load", "Join"]
STATUSES = ["PENDING", "RUNNING", "DONE", "FAILED", "DISABLED", "SUSPENDED", "UNKNOWN"]
REPORTS = ["DONE", "FAILED", "PENDING", "SUSPENDED", "DISABLED", "RUNNING", "UNKNOWN"]
#: from nothing to more than all settings of time below
TIMES = [0, 0.5, 1, 3, 5, 10, 11, 30, 60, 61, 600, 900, 901, 4000, 90_000]

tasks = st.sampled_from(ANY_TASK)
any_ids = st.sampled_from([*ANY_TASK, *ANY_TASK, *ANY_TASK, *STRANGERS])
workers = st.sampled_from(WORKERS)
families = st.sampled_from(FAMILIES)
deps = st.lists(any_ids, max_size=3)
resources = st.dictionaries(
    st.sampled_from(["cpu", "disk", "other"]), st.sampled_from([0, 0.5, 1, 2, 3]), max_size=2
)
capacities = st.dictionaries(st.sampled_from(["cpu", "disk"]), st.sampled_from([0, 1, 2, 4]), max_size=2)
texts = st.sampled_from(["", "a text", "[1, 2]"])
batch_ids = st.sampled_from(["batch:0", "batch:1", "batch:2", "no batch"])
message_ids = st.sampled_from(["message:0", "message:1", "no message"])
policies = st.fixed_dictionaries(
    {},
    optional={
        "retry_count": st.sampled_from([None, 1, 2, 3]),
        "disable_hard_timeout": st.sampled_from([None, 0, 5, 100]),
        "disable_window": st.sampled_from([None, 1, 10, 1000]),
    },
)
infos = st.fixed_dictionaries(
    {},
    optional={
        "workers": st.sampled_from([1, 2, 3]),
        "assistant": st.booleans(),
        "first_task": any_ids,
        "address": st.just("here"),
        "state": st.just("excellent"),
    },
)
scheduler_settings = st.fixed_dictionaries(
    {},
    optional={
        "retry_delay": st.sampled_from([-1.0, 0.0, 5.0, 900.0]),
        "remove_delay": st.sampled_from([0.0, 10.0, 600.0]),
        "worker_disconnect_delay": st.sampled_from([10.0, 60.0]),
        "disable_window": st.sampled_from([10, 3600]),
        "retry_count": st.sampled_from([1, 2, 3]),
        "disable_hard_timeout": st.sampled_from([5, 100]),
        "disable_persist": st.sampled_from([0, 30, 86400]),
        "max_shown_tasks": st.sampled_from([1, 3]),
        "max_graph_nodes": st.sampled_from([1, 3]),
        "prune_on_get_work": st.booleans(),
        "pause_enabled": st.booleans(),
        "send_messages": st.booleans(),
        "record_task_history": st.just(False),
        "stable_done_cooldown_secs": st.sampled_from([0, 3]),
        "max_worker_deaths": st.sampled_from([1, 2, 3]),
    },
)


def family_of(task_id: str) -> str:
    return task_id.partition("_")[0] if "_" in task_id else ""


@st.composite
def params_of(draw: st.DrawFn, task_id: str) -> dict[str, Any]:
    """Parameters of the task; those of one family are alike in all but a few."""
    family, _, rest = task_id.partition("_")
    if draw(st.integers(0, 9)) == 9:
        return draw(st.dictionaries(st.sampled_from("abn"), st.sampled_from(["1", "2"]), max_size=3))
    return {"n": rest[:1], "a": draw(st.sampled_from(["1", "1", "1", "2"])), "family": family}


@st.composite
def registrations(draw: st.DrawFn, task_id: str | None = None) -> dict[str, Any]:
    """Arguments of add_task; most are left out most of the time."""
    task_id = draw(tasks) if task_id is None else task_id
    said: dict[str, Any] = {"task_id": task_id, "worker": draw(workers)}

    def maybe(name: str, values: st.SearchStrategy[Any], one_in: int) -> None:
        if draw(st.integers(1, one_in)) == one_in:
            said[name] = draw(values)

    if draw(st.integers(0, 9)):
        said["family"] = family_of(task_id)
        said["params"] = draw(params_of(task_id))
    maybe("status", st.sampled_from(STATUSES), 3)
    maybe("deps", deps, 2)
    maybe("new_deps", deps, 8)
    maybe("resources", resources, 3)
    maybe("priority", st.sampled_from([-1, 0, 1, 5, 2.5]), 3)
    maybe("runnable", st.booleans(), 6)
    maybe("batchable", st.sampled_from([True, True, False]), 2)
    maybe("assistant", st.booleans(), 6)
    maybe("module", st.sampled_from(["", "some.module"]), 6)
    maybe("param_visibilities", st.dictionaries(st.sampled_from("nab"), st.integers(0, 2), max_size=2), 6)
    maybe("accepts_messages", st.sampled_from([True, False, None]), 6)
    maybe("tracking_url", st.sampled_from(["http://here", ""]), 6)
    maybe("expl", texts, 6)
    maybe("batch_id", batch_ids, 12)
    maybe("retry_policy_dict", policies, 4)
    maybe("owners", st.just(["me"]), 12)
    maybe("something_else", st.just(1), 12)
    return said


def call(method: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.tuples(st.just(method), st.fixed_dictionaries(arguments))


chats = st.one_of(
    call("ping", worker=workers),
    call("count_pending", worker=workers),
    call("set_worker_processes", worker=workers, n=st.integers(1, 3)),
    call("send_scheduler_message", worker=workers, task=any_ids, content=texts),
    call("add_scheduler_message_response", task_id=any_ids, message_id=message_ids, response=texts),
    call("get_scheduler_message_response", task_id=any_ids, message_id=message_ids),
    call("set_task_status_message", task_id=any_ids, status_message=texts),
    call("get_task_status_message", task_id=any_ids),
    call(
        "set_task_progress_percentage",
        task_id=any_ids,
        progress_percentage=st.sampled_from([None, 0, 50.5]),
    ),
    call("get_task_progress_percentage", task_id=any_ids),
    call("get_running_task_resources", task_id=any_ids),
    call("fetch_error", task_id=any_ids),
    call("report_task_statistics", task_id=any_ids, statistics=st.just({"memory": 1})),
    call("update_metrics_task_started", task=st.just(None)),
    call(
        "announce_scheduling_failure",
        task_name=any_ids,
        family=families,
        params=st.just({"a": "1"}),
        expl=texts,
        owners=st.just([]),
        worker=workers,
    ),
)
views = st.one_of(
    call(
        "task_list",
        status=st.sampled_from(["", "", *STATUSES, "BATCH_RUNNING", "no status"]),
        upstream_status=st.sampled_from(
            ["", "", "UPSTREAM_RUNNING", "UPSTREAM_MISSING_INPUT", "UPSTREAM_FAILED", "UPSTREAM_DISABLED"]
        ),
        limit=st.booleans(),
        search=st.sampled_from([None, None, "", "load", "n=1 join", "a=1", "nowhere"]),
        max_shown_tasks=st.sampled_from([None, None, None, 1, 3]),
    ),
    call("task_search", task_str=st.sampled_from(["", "Load", "_1", "nowhere"])),
    call("dep_graph", task_id=any_ids, include_done=st.booleans()),
    call("inverse_dep_graph", task_id=any_ids, include_done=st.booleans()),
    call("worker_list", include_running=st.booleans()),
    call("graph"),
    call("resource_list"),
    call("prune"),
    call("has_task_history"),
)
controls = st.one_of(
    call("pause"),
    call("unpause"),
    call("is_paused"),
    call("is_pause_enabled"),
    call(
        "update_resource",
        resource=st.sampled_from(["cpu", "disk"]),
        amount=st.sampled_from([0, 1, 3, -1, 1.5]),
    ),
    capacities.map(lambda amounts: ("update_resources", amounts)),
    call("disable_worker", worker=workers),
    call("add_worker", worker=workers, info=infos),
    call("add_worker", worker=workers, info=infos.map(lambda info: [list(pair) for pair in info.items()])),
    call(
        "add_task_batcher",
        worker=workers,
        task_family=families,
        batched_args=st.sampled_from([["n"], ["n"], ["a"], ["n", "a"], [], ["missing"]]),
        max_batch_size=st.sampled_from([None, 0, 1, 2, 3]),
    ),
    call(
        "decrease_running_task_resources",
        task_id=any_ids,
        decrease_resources=st.dictionaries(
            st.sampled_from(["cpu", "disk", "none"]), st.sampled_from([-1, 0, 0.5, 1, 9])
        ),
    ),
    call("add_task", worker=workers, task_id=tasks, status=st.sampled_from(["BATCH_RUNNING", "nonsense"])),
    call(
        "stale_report",
        task_id=any_ids,
        worker=workers,
        status=st.sampled_from(REPORTS),
        deps=st.just(["odd"]),
        priority=st.just(9),
    ),
)
mending = st.sampled_from(["forgive_failures", "re_enable_task", "mark_as_done"])


class SchedulersAgree(RuleBasedStateMachine):
    """Luigi's scheduler and ours, called alike."""

    #: steps taken by all examples of this process
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.twin = Twin()

    def take(self, method: str, **arguments: Any) -> Any:
        SchedulersAgree.steps += 1
        return self.twin.take(method, **arguments)

    @initialize(settings=scheduler_settings, capacities=capacities)
    def begin(self, settings: dict[str, Any], capacities: dict[str, int]) -> None:
        self.twin = Twin(settings, capacities)

    @rule(step=chats)
    def chat(self, step: tuple[str, dict[str, Any]]) -> None:
        self.take(step[0], **step[1])

    @rule(step=views)
    def view(self, step: tuple[str, dict[str, Any]]) -> None:
        self.take(step[0], **step[1])

    @rule(step=controls)
    def control(self, step: tuple[str, dict[str, Any]]) -> None:
        self.take(step[0], **step[1])

    # -- registering

    @rule(said=registrations())
    def register(self, said: dict[str, Any]) -> None:
        self.take("add_task", **said)

    @rule(data=st.data())
    def register_graph(self, data: st.DataObject) -> None:
        """One worker registers several tasks, mostly layered, mostly of one family."""
        worker = data.draw(workers)
        chosen = data.draw(st.lists(st.sampled_from(TASKS), min_size=2, max_size=6, unique=True))
        batchable = data.draw(st.booleans())
        demand = data.draw(st.none() | resources)
        needs = data.draw(st.booleans())
        policy = data.draw(st.none() | policies)
        for index, task_id in enumerate(chosen):
            said: dict[str, Any] = {
                "worker": worker,
                "task_id": task_id,
                "family": family_of(task_id),
                "params": {"n": task_id[-5:-4], "a": "1", "family": family_of(task_id)},
                "priority": data.draw(st.sampled_from([0, 0, 0, 1])),
            }
            if batchable:
                said["batchable"] = True
            if demand:
                said["resources"] = demand
            if policy:
                said["retry_policy_dict"] = policy
            if needs and chosen[index + 1 :]:
                said["deps"] = data.draw(st.lists(st.sampled_from(chosen[index + 1 :]), max_size=2))
            self.take("add_task", **said)
        if batchable:
            for family in FAMILIES:
                self.take("add_task_batcher", worker=worker, task_family=family, batched_args=["n"])

    def _known(self, *statuses: str) -> list[str]:
        indexes = self.twin.ours.by_status
        return [task_id for status in statuses or indexes for task_id in indexes[status]]

    @precondition(lambda self: self._known())
    @rule(data=st.data())
    def register_again(self, data: st.DataObject) -> None:
        """Somebody says something else about a known task."""
        self.take("add_task", **data.draw(registrations(data.draw(st.sampled_from(self._known())))))

    # -- working

    @rule(data=st.data(), worker=workers, assistant=st.sampled_from([False, False, False, True]))
    def get_work(self, data: st.DataObject, worker: str, assistant: bool) -> None:
        said: dict[str, Any] = {"worker": worker}
        if assistant:
            said["assistant"] = True
        if data.draw(st.booleans()):
            said["host"] = "h"
        told = data.draw(st.sampled_from(["nothing", "nothing", "the truth", "none", "anything"]))
        if told == "the truth":
            said["current_tasks"] = [
                record.task_id
                if record.status == RUNNING
                else f"batch:{self.twin.batches.index(record.batch_id or '')}"
                for record in anatomy.held_by(self.twin.ours, worker)
            ]
        elif told != "nothing":
            said["current_tasks"] = data.draw(deps) if told == "anything" else []
        self.take("get_work", **said)

    @precondition(lambda self: self.twin.ours.ready.classes and self.twin.ours.workers)
    @rule(data=st.data(), n=st.integers(1, 3))
    def work(self, data: st.DataObject, n: int) -> None:
        """A known worker takes several tasks."""
        worker = data.draw(st.sampled_from(list(self.twin.ours.workers)))
        for _ in range(n):
            self.take("get_work", worker=worker)

    @precondition(lambda self: anatomy.batches_of(self.twin.ours))
    @rule(data=st.data(), task_id=st.sampled_from(COMBINED), batchable=st.booleans())
    def claim_batch(self, data: st.DataObject, task_id: str, batchable: bool) -> None:
        """The worker that was given a batch registers the combined task as running."""
        batch_id = data.draw(st.sampled_from(anatomy.batches_of(self.twin.ours)))
        member = self.twin.ours.batches.of_batch(batch_id)[0]
        self.take(
            "add_task",
            task_id=task_id,
            worker=member.worker_running,
            status=RUNNING,
            family=family_of(task_id),
            params={"n": ["1", "2"], "a": "1"},
            batch_id=f"batch:{self.twin.batches.index(batch_id)}",
            resources=dict(member.demand.needs),
            batchable=batchable,
            runnable=data.draw(st.booleans()),
        )

    @precondition(lambda self: self._known(*LIVE))
    @rule(data=st.data(), status=st.sampled_from([*REPORTS, "DONE", "DONE", "DONE", "FAILED", "FAILED"]))
    def report(self, data: st.DataObject, status: str) -> None:
        """The worker that runs a task says what became of it, with its run id."""
        record = self.twin.ours.tasks[data.draw(st.sampled_from(self._known(*LIVE)))]
        said: dict[str, Any] = {
            "task_id": record.task_id,
            "worker": record.worker_running,
            "status": status,
            "family": record.family,
            "params": dict(record.params),
        }
        if data.draw(st.booleans()):
            said["resources"] = data.draw(st.just(dict(record.demand.needs)) | resources)
        if data.draw(st.integers(0, 3)) == 3:
            said["new_deps"] = data.draw(deps)
        if data.draw(st.booleans()):
            said["expl"] = data.draw(texts)
        if data.draw(st.booleans()):
            said["retry_policy_dict"] = data.draw(policies)
        if data.draw(st.booleans()):
            said["batchable"] = record.batchable
        self.take("report", **said)

    @precondition(lambda self: self._known(*LIVE))
    @rule(statuses=st.lists(st.sampled_from(["DONE", "FAILED"]), min_size=1, max_size=8))
    def report_all(self, statuses: list[str]) -> None:
        """Everything that runs ends, as a stock client reports it."""
        for n, task_id in enumerate(self._known(RUNNING)):
            record = self.twin.ours.tasks[task_id]
            self.take(
                "add_task", task_id=task_id, worker=record.worker_running, status=statuses[n % len(statuses)]
            )

    @precondition(lambda self: self._known(RUNNING))
    @rule(data=st.data(), by=st.sampled_from([0.5, 1, 9]))
    def give_back(self, data: st.DataObject, by: float) -> None:
        """A running task needs less from now on."""
        task_id = data.draw(st.sampled_from(self._known(RUNNING)))
        self.take(
            "decrease_running_task_resources", task_id=task_id, decrease_resources={"cpu": by, "disk": by}
        )

    # -- time and trouble

    @rule(by=st.sampled_from(TIMES), look=st.booleans())
    def advance(self, by: float, look: bool) -> None:
        self.take("advance", by=by)
        if look:
            self.take("prune")

    @precondition(lambda self: self.twin.ours.workers)
    @rule(data=st.data(), by=st.sampled_from([11, 61]))
    def die(self, data: st.DataObject, by: float) -> None:
        """All workers but some fall silent for as long as it takes to give them up."""
        known = list(self.twin.ours.workers)
        alive = data.draw(st.lists(st.sampled_from(known), max_size=len(known) - 1, unique=True))
        self.take("advance", by=by)
        for worker in alive:
            self.take("ping", worker=worker)
        self.take("prune")

    @rule(data=st.data(), method=mending)
    def mend(self, data: st.DataObject, method: str) -> None:
        broken = self._known(FAILED, DISABLED, RUNNING)
        self.take(method, task_id=data.draw(st.sampled_from(broken) if broken else any_ids))

    def teardown(self) -> None:
        self.twin.compare_views()
