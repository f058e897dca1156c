"""A task goes to its child process as itself."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import types
from datetime import date
from pathlib import Path
from typing import Any

import luigi
import pytest

from actorsched import LocalTarget, Task
from actorsched.errors import TaskLoadError
from actorsched.tasks.travel import pack, unpack

#: reads a packed task as a child process would, and shows it
READS = """
import sys
from actorsched.tasks.travel import unpack
sys.path.insert(0, sys.argv[1])
task = unpack(sys.stdin.buffer.read())
says = getattr(task, "says", lambda: "")
print(task.task_id, hash(task) == hash(task.task_id), vars(task).get("extra"), says())
"""


def read_elsewhere(data: bytes, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READS, str(folder)], input=data, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def test_a_class_of_a_module_is_imported_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And attributes that were set arrive."""
    (tmp_path / "travels.py").write_text(
        "from actorsched import Task\n"
        "class Goes(Task):\n    n: int\n    words: list[str]\n    def says(self): return self.words[0]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import travels  # type: ignore[import-not-found]

    task = travels.Goes(1, ["a"])
    task.extra = {"set": "later"}
    data = pack(task)
    assert b"cloudpickle" not in data
    assert read_elsewhere(data, tmp_path) == f"{task.task_id} True {{'set': 'later'}} a"
    del sys.modules["travels"]


def test_a_class_of_a_function_goes_by_value(tmp_path: Path) -> None:
    """Also when its module cannot be found there."""
    word = "from a closure"

    class Local(Task):
        day: date

        def says(self) -> str:
            return f"{word} on {self.day}"

    task = Local(date(2024, 2, 29))
    data = pack(task)
    assert read_elsewhere(data, tmp_path) == f"{task.task_id} True None from a closure on 2024-02-29"
    again = unpack(data)
    assert again.task_id == task.task_id
    assert again.to_str_params() == task.to_str_params()


def test_a_module_that_no_finder_finds_goes_by_value(tmp_path: Path) -> None:
    """One that was made at run time, for instance."""
    module = types.ModuleType("made_at_run_time")
    sys.modules["made_at_run_time"] = module
    try:
        exec(
            "from actorsched import Task\n"
            "class Made(Task):\n    n: int = 1\n    def says(self): return 'made'\n",
            vars(module),
        )
        data = pack(module.Made())
        assert read_elsewhere(data, tmp_path).endswith("True None made")
    finally:
        del sys.modules["made_at_run_time"]


def test_a_luigi_task_travels_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its hash is that of the process where it is."""
    (tmp_path / "luigi_travels.py").write_text(
        "import luigi\nclass Goes(luigi.Task):\n    n = luigi.IntParameter()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import luigi_travels  # type: ignore[import-not-found]

    task = luigi_travels.Goes(n=1)
    assert read_elsewhere(pack(task), tmp_path) == f"{task.task_id} True None"
    again = unpack(pack(task))
    assert again == task
    assert hash(again) == hash(task)
    del sys.modules["luigi_travels"]


class HoldsLock(Task):
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class LuigiHoldsLock(luigi.Task):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


def luigi_task_of_a_class_with_a_lock() -> Any:
    lock = threading.Lock()

    class Bound(luigi.Task):  # type: ignore[misc]
        def run(self) -> None:
            lock.acquire()

    return Bound()


@pytest.mark.parametrize(
    "task", [HoldsLock(), luigi_task_of_a_class_with_a_lock()], ids=lambda task: type(task).__name__
)
def test_what_cannot_travel_says_whose_it_is_and_why(task: Any) -> None:
    """It fails alone, and its author knows what to do."""
    with pytest.raises(TaskLoadError) as caught:
        pack(task)
    message = str(caught.value)
    assert message.startswith(
        f"task {task.task_id} cannot travel to another process: TypeError: cannot pickle"
    )
    assert message.endswith("leave open files, locks and the like out of its attributes")


def test_a_luigi_task_is_made_anew_with_what_can_travel(caplog: pytest.LogCaptureFixture) -> None:
    """Luigi forks, so its users hold locks. What neither travels nor is made by __init__ is named."""
    task = LuigiHoldsLock()
    task.found = ["something"]
    with caplog.at_level("INFO"):
        again = unpack(pack(task))
    assert again == task
    assert hash(again) == hash(task)
    assert again.found == ["something"]
    assert again.lock is not task.lock
    assert not caplog.records
    task.client = threading.Lock()
    with caplog.at_level("INFO"):
        again = unpack(pack(task))
    assert not hasattr(again, "client")
    assert caplog.messages == [
        "attributes of LuigiHoldsLock() that cannot travel to another process were left behind: client"
    ]
    del task.found, task.client


class Unready(Task):
    """Goes, and does not arrive."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        raise OSError("no licence here")


def test_what_does_not_arrive_says_whose_it_is_and_why() -> None:
    """The id stands in front of the pickle."""
    task = Unready()
    with pytest.raises(TaskLoadError) as caught:
        unpack(pack(task))
    assert str(caught.value) == (
        f"task {task.task_id} cannot be made again in this process: OSError: no licence here"
    )


def test_a_text_that_says_main_does_not_confuse() -> None:
    """It only costs time."""
    task = Unready()
    task.note = "__main__"  # type: ignore[attr-defined]
    assert task.task_id.encode() in pack(task)


def test_targets_travel() -> None:
    """They may be attributes."""
    assert pickle.loads(pickle.dumps(LocalTarget("/x", "binary"))).format == "binary"
