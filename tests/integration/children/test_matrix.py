"""Each trouble on the way, with a good and with a bad end: the answer is true in both.

Two of four leaves run, then there is trouble, then they may end. Where the end is bad, one of the others
never succeeds.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actorsched import LocalTarget, RemoteScheduler, Scheduler, Task, Worker, serve
from tests.integration.children.background import Running, until

OPTIONS: dict[str, Any] = {
    "log_dir": "off",
    "wait_interval": 0.05,
    "wait_jitter": 0.0,
    "ping_interval": 0.1,
    "keep_alive": True,
}
#: the leaf that may fail, and the one that somebody else may get
FAILS, LAST = 2, 3


class Leaf(Task):
    """Notes that it is begun, waits for the gate, and does what files in its folder say."""

    n: int
    folder: str

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / f"leaf-{self.n}")

    def run(self) -> None:
        folder = Path(self.folder)
        with (folder / "runs").open("a") as file:
            file.write(f"{self.n}\n")
        while not (folder / "gate").exists():
            time.sleep(0.01)
        if (folder / f"always-{self.n}").exists():
            raise RuntimeError("told to fail")
        if (folder / f"once-{self.n}").exists():
            (folder / f"once-{self.n}").unlink()
            raise RuntimeError("told to fail once")
        (folder / f"leaf-{self.n}").write_text("done")


class Top(Task):
    folder: str

    def requires(self) -> Any:
        return [Leaf(n, self.folder) for n in range(LAST + 1)]

    def output(self) -> LocalTarget:
        return LocalTarget(Path(self.folder) / "top")

    def run(self) -> None:
        (Path(self.folder) / "top").write_text("done")


class Stage:
    """A scheduler with a store, served at one address, whose clock can be moved on; others that work."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.skipped_s = 0.0
        self.others: list[Running] = []
        self._address = "tcp://127.0.0.1:0"
        self._begin()

    def _begin(self) -> None:
        self.scheduler = Scheduler(
            clock=lambda: time.monotonic() + self.skipped_s,
            store=f"sqlite:///{self.folder}/state.db",
            retry_delay=0.05,  # what fails gets one more chance
            retry_count=2,
            remove_delay=0.0,
            prune_on_get_work=True,  # with a clock that is not its own, nothing else looks at the time
        )
        self.server = serve(self.scheduler, bind=self._address)
        self._address = self.server.address

    @property
    def address(self) -> str:
        return self._address

    def restart(self, *, with_memory: bool) -> None:
        """Another scheduler at the same address."""
        self._end()
        if not with_memory:
            for path in self.folder.glob("state.db*"):
                path.unlink()
        self._begin()

    def skip(self, seconds: float) -> None:
        self.skipped_s += seconds
        self.scheduler.prune()

    def begun(self) -> list[str]:
        notes = self.folder / "runs"
        return notes.read_text().split() if notes.exists() else []

    def in_status(self, status: str) -> int:
        return len(self.scheduler.task_list(status=status))

    def open(self) -> None:
        (self.folder / "gate").touch()

    def close(self) -> None:
        self.open()
        for other in self.others:
            other.worker.close()
        self._end()

    def _end(self) -> None:
        self.server.stop()
        self.scheduler.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


# -- what happens while two leaves run; the gate is opened behind it, if it is not open by then --


def nothing(stage: Stage) -> None:
    """For comparison."""


def death_of_another_worker(stage: Stage) -> None:
    """kill -9, in the middle of a leaf; its lease runs out, and this worker's does not."""
    code = "import sys; from tests.integration.children.test_matrix import work; work(*sys.argv[1:])"
    command = [sys.executable, "-c", code, stage.address, str(stage.folder)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3]) as process:
        until(lambda: len(stage.begun()) == 3)
        process.kill()
    stage.skip(40.0)
    spoke = time.monotonic() + stage.skipped_s
    until(lambda: any(w["last_active"] > spoke for w in stage.scheduler.worker_list()))
    stage.skip(40.0)
    assert [worker["name"] for worker in stage.scheduler.worker_list()] == ["w"]


def work(address: str, folder: str) -> None:
    """What the worker does that is killed."""
    with RemoteScheduler(address) as scheduler, Worker(scheduler, worker_id="dies", **OPTIONS) as worker:
        worker.add(Leaf(LAST, folder))
        worker.run()


def restart_with_memory(stage: Stage) -> None:
    stage.restart(with_memory=True)
    assert stage.in_status("RUNNING") == 2


def restart_without_memory(stage: Stage) -> None:
    stage.restart(with_memory=False)
    until(lambda: stage.in_status("RUNNING") == 2)


def being_forgotten(stage: Stage) -> None:
    """Given up for dead, with all that only it wanted."""
    stage.skip(1000.0)
    until(lambda: stage.in_status("RUNNING") == 2)


def pause(stage: Stage) -> None:
    stage.scheduler.pause()
    stage.open()
    until(lambda: stage.in_status("DONE") == 2)
    assert len(stage.begun()) == 2
    stage.scheduler.unpause()


def prune(stage: Stage) -> None:
    for _ in range(5):
        stage.scheduler.prune()
    assert stage.in_status("RUNNING") == 2


def others_do_a_part(stage: Stage) -> None:
    other = Worker(stage.scheduler, worker_id="other", **OPTIONS)
    other.add(Top(str(stage.folder)))
    stage.others.append(Running(other))
    until(lambda: len(stage.begun()) == 3)


def failure_at_first(stage: Stage) -> None:
    (stage.folder / "once-0").touch()


#: trouble → leaves that are begun twice because of it
TROUBLES: dict[Callable[[Stage], None], list[int]] = {
    nothing: [],
    death_of_another_worker: [LAST],
    restart_with_memory: [],
    restart_without_memory: [],
    being_forgotten: [],
    pause: [],
    prune: [],
    others_do_a_part: [],
    failure_at_first: [0],
}


@pytest.mark.parametrize("good", [True, False], ids=["good", "bad"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_the_answer_is_true(trouble: Callable[[Stage], None], good: bool, stage: Stage) -> None:
    """It is True, and the exit code 0, if and only if all is complete; and nothing runs without need."""
    again = [*TROUBLES[trouble], *([] if good else [FAILS])]
    if not good:
        (stage.folder / f"always-{FAILS}").touch()
    with (
        RemoteScheduler(stage.address) as remote,
        Worker(remote, worker_id="w", worker_processes=2, **OPTIONS) as worker,
    ):
        top = Top(str(stage.folder))
        worker.add(top)
        running = Running(worker, longest_s=90)
        until(lambda: len(stage.begun()) == 2)
        trouble(stage)
        stage.open()
        assert running.end() is good
        assert [other.end() for other in stage.others] == [good] * len(stage.others)
        result = worker.result
    assert top.complete() is good
    assert (result.exit_code == 0) is good
    well = "SUCCESS_WITH_RETRY" if trouble is failure_at_first else "SUCCESS"
    assert result.status.name == (well if good else "FAILED"), result.summary_text
    assert sorted(stage.begun()) == sorted(map(str, [*range(LAST + 1), *again]))
