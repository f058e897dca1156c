"""Bad input: one clear message, the right exit code, and the others go on."""

from __future__ import annotations

import itertools
import shutil
import socket
from pathlib import Path

import pytest
import zmq

from tests.acceptance.commands import TROUBLE, run, run_json, scheduler_node


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(TROUBLE, tmp_path / "trouble.py")
    return tmp_path


#: the line → words that the message must hold: the value, the place, the remedy
MISTAKES = {
    "run": ["PATH_OR_MODULE"],
    "run no_such_module Fine": ["'no_such_module'", "PYTHONPATH"],
    "run truble.py Fine": ["'truble.py'", "did you mean 'trouble.py'?"],
    "run trouble.py Fin": ["'Fin'", "did you mean 'Fine'?"],
    "run trouble.py": ["say which task", "Typed"],
    "run trouble.py Typed --tpo 3": ["Typed", "'--tpo'", "did you mean --top?"],
    "run trouble.py Typed --top many": ["Typed", "'top'", "'many'", "expected int"],
    "run trouble.py Typed --day yesterday": ["Typed", "'day'", "'yesterday'", "YYYY-MM-DD"],
    "run trouble.py All": ["All", "required and not given", "kind"],
    "run trouble.py Fine --workers none": ["--workers", "'none'", "whole number"],
    "run --wrokers 3 trouble.py Fine": ["'--wrokers'", "did you mean --workers?"],
    "run trouble.py Fine --scheduler localhost": ["'localhost'", "expected tcp://HOST:PORT"],
    "run trouble.py Fine --workers 0": ["--workers 0", "--scheduler tcp://HOST:PORT"],
    "run trouble.py Fine --scheduler tcp://127.0.0.1:1 --retry-delay 4": [
        "--retry-delay",
        "--role scheduler",
    ],
    "run trouble.py Fine --log-dir trouble.py/logs": ["log_dir", "'trouble.py/logs'", "Not a directory"],
    "run trouble.py Fine --smtp mail.example.org": ["smtp='mail.example.org'", "smtp://host:port"],
    "rnu trouble.py Fine": ["'rnu'", "did you mean 'run'?"],
    "node": ["--role", "scheduler", "worker"],
    "node --role scheduler --bind 8081": ["'8081'", "expected tcp://HOST:PORT"],
    "node --role scheduler --bind tcp://0.0.0.0:0": ["'tcp://0.0.0.0:0'", "127.0.0.1"],
    "node --role scheduler --slots 2": ["--slots", "--role scheduler"],
    "node --role worker --path nowhere": ["--path", "'nowhere'"],
    "status --scheduler tcp://127.0.0.1": ["'tcp://127.0.0.1'", "no port"],
    "tasks --status lost": ["--status", "'lost'", "running"],
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_on_the_line_is_named_with_its_remedy(line: str, folder: Path) -> None:
    """Exit code 2, nothing on standard output, and one message that holds value, place and remedy."""
    done = run(*line.split(), cwd=folder, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("actorsched: error: ")
    assert all(words in done.stderr for words in MISTAKES[line]), done.stderr


@pytest.mark.parametrize("line", ["", "store", "keygen"])
def test_a_command_without_anything_shows_its_help_and_no_error(line: str, folder: Path) -> None:
    done = run(*line.split(), cwd=folder, code=2)
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: actorsched")
    assert "error" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "code", "cause"),
    [
        ("BadRequires", 35, "RuntimeError: requires() is broken"),
        ("BadComplete", 35, "RuntimeError: complete() is broken"),
        ("Circle", 35, "dependency cycle: Circle("),
        ("Raises", 30, "ValueError: no luck"),
        ("Exits", 30, "sys.exit(3)"),
        ("Dies", 30, "SIGKILL"),
        ("Missing", 20, ""),
    ],
)
def test_a_broken_task_is_blamed_and_the_others_run(kind: str, code: int, cause: str, folder: Path) -> None:
    """What is wrong with one task is told with its cause, and keeps nobody else from running."""
    report = run_json("run", "trouble.py", "All", "--kind", kind, cwd=folder, code=code)
    assert report["exit_code"] == code
    assert [task["name"] for task in report["tasks"]["ran"]] == [
        "Fine(name=first, out=out)",
        "Fine(name=last, out=out)",
    ]
    (root,) = report["tasks"]["not_run"]
    assert root["name"].startswith("All(")
    assert kind in root["cause"]
    blamed = [
        task
        for outcome in ("failed", "scheduling_failed", "missing_external")
        for task in report["tasks"].get(outcome, [])
        if task["name"].startswith(kind)
    ]
    assert len(blamed) == 1
    assert cause in blamed[0].get("cause", "")


def test_the_summary_shows_where_in_the_users_code_a_task_failed(folder: Path) -> None:
    """The cause alone does not tell the line."""
    done = run("run", "trouble.py", "Raises", cwd=folder, code=30)
    assert "Raises(name=fine, out=out): ValueError: no luck" in done.stdout
    assert 'trouble.py", line' in done.stdout


def test_a_scheduler_that_cannot_be_reached_is_named(folder: Path) -> None:
    """A short command does not wait for minutes."""
    with socket.socket() as reserved:  # bound and not listening: nobody answers there
        reserved.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{reserved.getsockname()[1]}"
        lines = (["status"], ["run", "trouble.py", "Fine"])
        for url, line in itertools.product((f"tcp://{place}", f"http://{place}"), lines):
            done = run(*line, "--scheduler", url, "--patience", "0.2", cwd=folder, code=69)
            assert done.stdout == ""
            assert url in done.stderr
            assert "is it running" in done.stderr
    assert not (folder / "out").exists()


def test_a_port_in_use_is_named_and_its_owner_goes_on(folder: Path) -> None:
    with scheduler_node(folder) as (url, _):
        done = run("node", "--role", "scheduler", "--bind", url, cwd=folder, code=69)
        assert done.stdout == ""
        assert url in done.stderr
        assert "somebody else listens there" in done.stderr
        assert run_json("status", "--scheduler", url, cwd=folder)["paused"] is False


def test_garbage_on_the_socket_disturbs_nobody(folder: Path) -> None:
    """Strangers send what they like: no ZeroMQ at all, or ZeroMQ with something else in it."""
    with scheduler_node(folder) as (url, node):
        host, port = url.removeprefix("tcp://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" + bytes(range(256)) * 64)
        with zmq.Context() as context:
            for garbage in (b"", b"\xff\x00garbage", b'{"jsonrpc": "2.0"', b"[[[[", b"[]", b"7"):
                with context.socket(zmq.REQ) as client:
                    client.linger = 0
                    client.connect(url)
                    client.send(garbage)
                    assert client.poll(60_000), garbage
                    assert b'"error"' in client.recv()
        report = run_json("run", "trouble.py", "Typed", "--scheduler", url, cwd=folder)
        assert report["counts"]["ran"] == 2
        assert not [line for line in node.errors if "Traceback" in line]


def test_a_mistake_in_the_file_of_settings_is_named_with_its_place(folder: Path) -> None:
    settings = folder / "actorsched.toml"
    for text, words in {
        "[run]\nwrokers = 2\n": ["[run]", "'wrokers'", "did you mean 'workers'?"],
        "[run]\nworkers = 'two'\n": ["[run] workers", "'two'"],
        "[rnu]\nworkers = 2\n": ["[rnu]", "did you mean 'run'?"],
        "[run\n": ["is no TOML"],
    }.items():
        settings.write_text(text)
        done = run("run", "trouble.py", "Fine", cwd=folder, code=2)
        assert all(word in done.stderr for word in ["actorsched.toml", *words]), done.stderr
    settings.write_text("[run]\nworkers = 2\nretry-delay = 1.5\nresource = {gpu = 1}\n[node]\nslots = 3\n")
    run("run", "trouble.py", "Fine", cwd=folder)
