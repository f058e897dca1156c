"""One scheduler node, worker nodes, and runs that leave the work to them."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from actorsched import RemoteScheduler
from tests.acceptance.commands import TROUBLE, background, run, run_json, scheduler_node, until, worker_node


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(TROUBLE, tmp_path / "trouble.py")
    return tmp_path


def waiting(folder: Path) -> list[Path]:
    """What the gates that wait have left."""
    return list(folder.glob("out/waiting-*"))


def test_a_worker_that_is_killed_costs_nothing_but_time(folder: Path) -> None:
    """`kill -9` while it runs a task: the other does that task too, and the run is a success."""
    with (
        scheduler_node(folder, "--worker-disconnect-delay", "1") as (url, scheduler),
        worker_node(folder, url) as victim,
        worker_node(folder, url) as other,
        background("run", "trouble.py", "Gates", "--workers", "0", "--scheduler", url, cwd=folder) as process,
    ):
        until(lambda: len(waiting(folder)) == 2, process)
        victim.signal(signal.SIGKILL)
        assert victim.wait() == -signal.SIGKILL
        (folder / "out" / "open").touch()
        text = process.ended()
        assert process.wait() == 0, text
        assert "7 run by other workers" in text, text
        workers = run_json("workers", "--scheduler", url, cwd=folder)["workers"]
        assert not [worker for worker in workers if worker["pid"] == victim.pid]
        until(lambda: any("a worker was given up" in line for line in scheduler.errors), scheduler)
        other.signal(signal.SIGTERM)
        assert other.wait() == 0, other.ended()


@pytest.mark.parametrize("store", ["sqlite", "memory"])
def test_a_scheduler_that_is_killed_and_comes_back_costs_nothing_but_time(store: str, folder: Path) -> None:
    """`kill -9` while tasks run: they go on, each is run once, and the run is a success."""
    keep = ["--store", "memory://" if store == "memory" else f"sqlite:///{folder}/state.db"]
    with (
        scheduler_node(folder, *keep) as (url, scheduler),
        worker_node(folder, url, "--slots", "2"),
        background("run", "trouble.py", "Gates", "--workers", "0", "--scheduler", url, cwd=folder) as process,
    ):
        until(lambda: len(waiting(folder)) == 2, process)
        scheduler.signal(signal.SIGKILL)
        scheduler.wait()
        with background("node", "--role", "scheduler", "--bind", url, *keep, cwd=folder) as second:
            assert second.ready() == url
            (folder / "out" / "open").touch()
            text = process.ended()
            assert process.wait() == 0, text
        assert "7 run by other workers" in text, text
    assert sorted(path.name.split("-")[1] for path in waiting(folder)) == list("012345")


def test_a_run_and_a_node_share_the_work(folder: Path) -> None:
    """Everything is run once, by the one or by the other."""
    with scheduler_node(folder) as (url, _), worker_node(folder, url):
        line = ["run", "trouble.py", "Gates", "--workers", "1", "--scheduler", url, "--json"]
        with background(*line, cwd=folder) as process:
            until(lambda: len(waiting(folder)) == 2, process)
            (folder / "out" / "open").touch()
            text = process.ended()
            assert process.wait() == 0, text
    names = sorted(path.name.split("-")[1] for path in waiting(folder))
    assert names == list("012345")


def test_a_failure_on_a_node_fails_the_run_that_asked_for_it(folder: Path) -> None:
    """The exit code is true, whoever ran the task."""
    with scheduler_node(folder) as (url, _), worker_node(folder, url) as worker:
        line = ["run", "trouble.py", "All", "--kind", "Raises", "--workers", "0", "--scheduler", url]
        report = run_json(*line, cwd=folder, code=30)
        assert report["counts"]["run_by_others"] == 2
        (failed,) = report["tasks"]["failed"]
        assert failed["cause"] == "ValueError: no luck"
        assert 'trouble.py", line' in failed["detail"]
        told = f'a task failed task="{failed["name"]}" cause="ValueError: no luck"'
        until(lambda: any(told in line for line in worker.errors), worker)


def test_what_was_done_before_and_is_gone_is_no_success(folder: Path) -> None:
    """For some seconds a scheduler takes a wish for what was just done as late news."""
    with scheduler_node(folder) as (url, _), worker_node(folder, url):
        line = ["run", "trouble.py", "Fine", "--workers", "0", "--scheduler", url]
        run(*line, cwd=folder)
        (folder / "out" / "Fine-fine").unlink()
        report = run_json(*line, cwd=folder, code=None)
    assert (report["exit_code"] == 0) is (folder / "out" / "Fine-fine").exists()
    assert report["exit_code"] == 0 or "holds it for done" in report["tasks"]["not_run"][0]["cause"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nodes_stop_cleanly(number: signal.Signals, folder: Path) -> None:
    """A worker finishes what it runs, reports it, and exits with 0; so does the scheduler."""
    with scheduler_node(folder) as (url, scheduler), worker_node(folder, url) as worker:
        with background(
            "run", "trouble.py", "Gate", "--workers", "0", "--scheduler", url, cwd=folder
        ) as run_:
            until(lambda: waiting(folder), run_)
            worker.signal(number)
            (folder / "out" / "open").touch()
            assert worker.wait() == 0, worker.ended()
            assert run_.wait() == 0, run_.ended()
        scheduler.signal(number)
        assert scheduler.wait() == 0, scheduler.ended()


def test_a_worker_that_waits_for_its_scheduler_can_be_stopped(folder: Path) -> None:
    """It waits for ever, so the signal has to reach it there."""
    node = ["node", "--role", "worker", "--scheduler", f"ipc://{folder}/nobody", "--connect-timeout", "0.2"]
    with background(*node, cwd=folder) as worker:
        until(lambda: any("no answer from the scheduler yet" in line for line in worker.errors), worker)
        until(lambda: any("waits for its scheduler. Is it running" in line for line in worker.errors), worker)
        worker.signal(signal.SIGTERM)
        assert worker.wait() == 0, worker.ended()


@pytest.mark.parametrize("owes", [True, False])
def test_the_deadline_of_a_node_counts_without_a_scheduler_too(owes: bool, folder: Path) -> None:
    """It owes a report that nobody takes, or would like to ask what became of a failure."""
    flags = ("--drain-timeout", "0.2", "--kill-grace", "0.1")
    with scheduler_node(folder) as (url, scheduler), worker_node(folder, url, *flags) as node:
        run("submit", "trouble.py", "Gates" if owes else "Raises", "--scheduler", url, cwd=folder)
        until(lambda: waiting(folder) if owes else any("a task failed" in line for line in node.errors), node)
        if not owes:
            until(lambda: run_json("status", "--scheduler", url, cwd=folder)["tasks"]["FAILED"], node)
        scheduler.signal(signal.SIGKILL)
        scheduler.wait()
        node.signal(signal.SIGTERM)
        assert node.wait() == 0, node.ended()
        assert ("ended without the scheduler" in node.ended()) is owes


def test_a_scheduler_can_be_looked_at(folder: Path) -> None:
    """While a task runs, another waits and a third has failed."""
    with scheduler_node(folder, "--resource", "gpu=2") as (url, _), worker_node(folder, url):
        at = ["--scheduler", url]
        run("run", "trouble.py", "All", "--kind", "Raises", *at, cwd=folder, code=None)
        with background("run", "trouble.py", "Gates", "--workers", "0", *at, cwd=folder) as process:
            until(lambda: waiting(folder), process)
            status = run_json("status", *at, cwd=folder)
            assert status["tasks"] == {
                "DONE": 2,
                "RUNNING": 1,
                "BATCH_RUNNING": 0,
                "PENDING": 7,
                "FAILED": 1,
                "DISABLED": 0,
                "UNKNOWN": 0,
            }
            assert status["workers"]["busy"] == 1
            assert status["resources"] == {"gpu": {"total": 2, "used": 0}}
            assert status["paused"] is False
            assert "1 failed" in run("status", *at, cwd=folder).stdout

            (running,) = run_json("tasks", "--status", "running", *at, cwd=folder)["tasks"]
            assert running["display_name"].startswith("Gate(")
            assert running["worker_running"]
            assert "Gate(" in run("tasks", "--status", "running", *at, cwd=folder).stdout
            page = run_json("tasks", "--limit", "3", *at, cwd=folder)
            assert (len(page["tasks"]), page["more"]) == (3, True)
            assert len(run_json("tasks", "--limit", "0", *at, cwd=folder)["tasks"]) == 11
            found = run_json("tasks", "--search", "gate name=3", *at, cwd=folder)["tasks"]
            assert [task["params"]["name"] for task in found] == ["3"]

            workers = run_json("workers", *at, cwd=folder)["workers"]
            assert sum(worker["num_running"] for worker in workers) == 1
            assert "Gate(" in run("workers", *at, cwd=folder).stdout
            (folder / "out" / "open").touch()
            assert process.wait() == 0, process.ended()


def test_a_paused_scheduler_hands_out_nothing(folder: Path) -> None:
    """What was asked for meanwhile runs when it goes on."""
    with scheduler_node(folder) as (url, _), worker_node(folder, url):
        at = ["--scheduler", url]
        assert run_json("pause", *at, cwd=folder) == {"paused": True}
        with background("run", "trouble.py", "Fine", *at, cwd=folder) as process:
            until(lambda: run_json("status", *at, cwd=folder)["tasks"]["PENDING"] == 1, process)
            assert run_json("status", *at, cwd=folder)["paused"] is True
            assert run_json("resume", *at, cwd=folder) == {"paused": False}
            assert process.wait() == 0, process.ended()


def test_a_run_says_when_others_have_to_do_something_first(folder: Path) -> None:
    """Else it looks as if it hung."""
    with scheduler_node(folder) as (url, _):
        run("pause", "--scheduler", url, cwd=folder)
        with background(
            "run", "trouble.py", "Fine", "--workers", "0", "--scheduler", url, cwd=folder
        ) as process:
            until(lambda: any("no worker node is there" in line for line in process.errors), process)
            assert any("the scheduler is paused" in line for line in process.errors)
            run("resume", "--scheduler", url, cwd=folder)
            with worker_node(folder, url):
                assert process.wait() == 0, process.ended()


def test_a_submission_is_done_by_nodes_that_come_later(folder: Path) -> None:
    """Nobody has to stay for it."""
    with scheduler_node(folder) as (url, _):
        at = ["--scheduler", url]
        reply = run_json("submit", "trouble.py", "Typed", *at, cwd=folder)
        assert reply["counts"]["not_run"] == 2
        assert "SUCCESS" not in run("submit", "trouble.py", "Fine", "--name", "no", *at, cwd=folder).stdout
        status = run_json("status", *at, cwd=folder)
        assert (status["workers"]["active"], status["submissions"]) == (0, 2)  # nobody is there to work
        assert "submitted" in run("workers", *at, cwd=folder).stdout
        assert run_json("cancel", "name=no", *at, cwd=folder)["status"] == "DISABLED"
        tree = run("graph", "Typed", *at, cwd=folder).stdout
        assert tree.startswith("pending Typed(")
        assert "└── pending Fine(name=fine, out=out)" in tree
        assert run_json("graph", "Fine(name=fine, out=out)", "--upwards", *at, cwd=folder)["root"].startswith(
            "Fine_fine_out"
        )
        assert "-> " in run("graph", "Typed", "--dot", *at, cwd=folder).stdout
        several = run("graph", "Fine", *at, cwd=folder, code=2)
        assert "fits several tasks" in several.stderr
        assert "no task 'Fin4'" in run("cancel", "Fin4", *at, cwd=folder, code=2).stderr
        with worker_node(folder, url) as worker:
            until((folder / "out" / "Typed-fine").exists, worker)
        assert not (folder / "out" / "Fine-no").exists()


def test_a_submission_that_cannot_be_scheduled_says_so(folder: Path) -> None:
    with scheduler_node(folder) as (url, _):
        line = ["submit", "trouble.py", "All", "--kind", "BadRequires", "--scheduler", url]
        assert "requires() is broken" in run(*line, cwd=folder, code=35).stderr


def test_what_a_node_cannot_import_is_done_by_another_one(folder: Path, tmp_path_factory: Any) -> None:
    """No failure is counted for it, as it is none of the task's."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with scheduler_node(folder) as (url, _), worker_node(elsewhere, url, "--slots", "2") as bare:
        at = ["--scheduler", url]
        assert run_json("pause", *at, cwd=folder) == {"paused": True}
        with worker_node(folder, url), RemoteScheduler(url) as remote:
            line = ["run", "trouble.py", "Gates", "--workers", "0", *at]
            with background(*line, cwd=folder) as process:
                until(lambda: len(remote.task_list(status="PENDING")) == 7, process)
                (folder / "out").mkdir(exist_ok=True)
                (folder / "out" / "open").touch()
                assert run_json("resume", *at, cwd=folder) == {"paused": False}
                text = process.ended()
                assert process.wait() == 0, text
            assert "7 run by other workers" in text, text
            assert not any(map(remote.task_list, ("FAILED", "DISABLED")))
        bare.signal(signal.SIGTERM)
        assert bare.wait() == 0, bare.ended()
    assert sorted(path.name.split("-")[1] for path in waiting(folder)) == list("012345")


def test_what_no_node_can_import_fails_with_the_remedy(folder: Path, tmp_path_factory: Any) -> None:
    """Whoever waits for it hears so at once; a node that comes later does what was submitted meanwhile."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with scheduler_node(folder) as (url, scheduler), worker_node(elsewhere, url) as bare:
        line = ["run", "trouble.py", "Fine", "--workers", "0", "--scheduler", url]
        text = run(*line, cwd=folder, code=30).stdout
        assert "1 failed" in text
        assert "no worker can load it: Worker(" in text
        assert f"pid={bare.pid}" in text
        assert f"none of its folders ({elsewhere})" in text
        assert "--path FOLDER or with --allow-module trouble" in text
        until(lambda: any("a task cannot be loaded here" in each for each in bare.errors), bare)
        until(lambda: any("no worker can load it" in each for each in scheduler.errors), scheduler)
        with worker_node(folder, url) as able:
            until((folder / "out" / "Fine-fine").exists, able)
            assert "1 complete already" in run(*line, cwd=folder).stdout


def test_a_disabled_node_finishes_what_it_runs_and_gets_no_more(folder: Path) -> None:
    """It goes on saying that it lives; the work is for others."""
    with (
        scheduler_node(folder) as (url, _),
        worker_node(folder, url) as first,
        RemoteScheduler(url) as remote,
    ):
        line = ["run", "trouble.py", "Gates", "--workers", "0", "--scheduler", url]
        with background(*line, cwd=folder) as process:
            until(lambda: len(waiting(folder)) == 1, process)
            [node] = [view for view in remote.worker_list() if view["num_running"]]
            remote.disable_worker(worker=node["name"])
            (folder / "out" / "open").touch()
            until(lambda: len(remote.task_list(status="DONE")) == 1, process)
            assert first.is_alive()
            with worker_node(folder, url):
                text = process.ended()
                assert process.wait() == 0, text
            pids = [path.name.rpartition("-")[2] for path in waiting(folder)]
            assert len(pids) == 6
            assert sorted(map(pids.count, set(pids))) == [1, 5], (
                "one by the first node, the rest by the other"
            )
        first.signal(signal.SIGTERM)
        assert first.wait() == 0, first.ended()


def test_a_scheduler_takes_as_many_open_files_as_it_may(folder: Path) -> None:
    """Each worker node has three connections, and the usual limit is there for the sake of old programs."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        with scheduler_node(folder, "--store", "memory://") as (_, scheduler):
            assert resource.prlimit(scheduler.pid, resource.RLIMIT_NOFILE) == (hard, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
