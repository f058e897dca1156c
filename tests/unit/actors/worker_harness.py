"""A worker that was never started, driven message by message in this thread, with all around it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from actorsched.actors.messages import Exchange, ExchangeEnded, Register, SlotEnded, StartRun
from actorsched.actors.runtime import CallableClock, Runtime
from actorsched.actors.worker import WorkerActor
from actorsched.config import WorkerSettings
from actorsched.tasks import Task
from actorsched.tasks.discovery import discover
from actorsched.tasks.outcome import Outcome


class Ref:
    """Stands where an actor's reference would: keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.actor_stopped = threading.Event()

    def tell(self, message: Any) -> None:
        self.told.append(message)

    def stop(self, block: bool = True) -> None:
        self.told.append("stop")
        self.actor_stopped.set()

    def is_alive(self) -> bool:
        return True

    def take(self, kind: type) -> list[Any]:
        taken = [message for message in self.told if isinstance(message, kind)]
        self.told = [message for message in self.told if not isinstance(message, kind)]
        return taken


class Promise:
    def __init__(self) -> None:
        self.answers: list[Any] = []

    def set(self, value: Any | None = None) -> None:
        self.answers.append(value)

    def set_exception(self, exc_info: Any | None = None) -> None:
        assert exc_info is not None
        self.answers.append(exc_info[1])


class Leaf(Task):
    n: int

    def complete(self) -> bool:
        return False

    def run(self) -> None: ...


class Harness:
    """A worker that was never started, its scheduler and its slots."""

    def __init__(self, slots: int = 2, **options: Any) -> None:
        self.scheduler = Ref()
        self.slots: dict[int, Ref] = {}
        forever = options.pop("forever", False)
        self.time = 1000.0
        self.settings = WorkerSettings(**options)
        self.worker = WorkerActor(
            self.scheduler,  # type: ignore[arg-type]
            "w",
            {"workers": slots, "host": "h"},
            self.settings,
            self._make_slot,  # type: ignore[arg-type]
            slots=slots,
            forever=forever,
            runtime=Runtime(clock=CallableClock(lambda: self.time), ticking=False),
        )
        self.worker.on_start()
        self.ended = Promise()

    def _make_slot(self, number: int, worker: Any) -> Ref:
        self.slots[number] = Ref()
        return self.slots[number]

    def register(self, *tasks: Task) -> Promise:
        promise = Promise()
        found = tuple(discover(tasks, settings=self.settings, seen=set()))
        self.worker.handle(Register(found=found, acknowledged=promise))
        return promise

    def start(self) -> None:
        self.worker.handle(StartRun(ended=self.ended))

    def exchange(self) -> Exchange:
        [exchange] = self.scheduler.take(Exchange)
        return exchange

    def answer(self, exchange: Exchange, answer: Callable[[str, Any], Any]) -> None:
        results = tuple(answer(call.method, call.params) for call in exchange.calls)
        self.worker.handle(ExchangeEnded(tag=exchange.tag, results=results))

    def grant(self, *task_ids: str, n_can_run: int = 9, **more: Any) -> Callable[[str, Any], Any]:
        tasks = [
            {"task_id": task_id, "task_family": "Leaf", "task_module": __name__, "task_params": {"n": "1"}}
            | {"run_id": f"run-{task_id}"}
            for task_id in task_ids
        ]

        def answer(method: str, params: Any) -> Any:
            if method == "get_work":
                return {"tasks": tasks, "n_can_run": n_can_run, "known": True, "running_tasks": []} | more
            return None

        return answer

    def run(self, *tasks: Task) -> None:
        """Register tasks, start, and have the first ones granted, one for each slot."""
        self.register(*tasks)
        self.answer(self.exchange(), self.grant())
        self.start()
        granted = [task.task_id for task in tasks[: len(self.slots)]]
        self.answer(self.exchange(), self.grant(*granted))

    def timers(self) -> list[Any]:
        """The messages that are due some time later."""
        return [timer.message for _, _, timer in self.worker.actor_inbox._timers if not timer.cancelled]

    def end(self, slot: int, run_id: str, status: str = "DONE", **fields: Any) -> None:
        outcome = Outcome(status=status, **fields)  # type: ignore[arg-type]
        self.worker.handle(SlotEnded(slot=slot, run_id=run_id, outcome=outcome))


def methods(exchange: Exchange) -> list[str]:
    return [call.method for call in exchange.calls]
