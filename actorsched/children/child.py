"""The child process of a slot: wait for a job, run it, say how it ended, wait for the next.

The child stays for as long as it is clean. What a task may leave behind and the next task would see
(threads, processes, another working folder, a changed environment: `traces.py`) is noticed after each
job, and told to the slot, which takes a new child. Its life is tied to the other end of its socket,
and, where the kernel offers it, to the life of the process that started it.

A run that waits for dynamic requirements stays here, suspended, and the slot puts the child aside.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from functools import cache, partial
from typing import Any, NoReturn

import msgspec

from actorsched.children.descriptors import allow
from actorsched.children.frames import FrameStream, FrameWriter
from actorsched.children.performing import Performer
from actorsched.children.shelf import Shelf
from actorsched.children.speech import Ended, Job, Message, Notice, Prepare, decode_for_child, encode
from actorsched.children.traces import Traces
from actorsched.config import WorkerSettings
from actorsched.tasks.mailbox import Mailbox

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36


def child_main(
    given: list[int], sys_path: list[str], folder: str, environment: dict[bytes, bytes], files_max: int
) -> NoReturn:
    """Serve jobs until the slot goes away; never returns.

    Args:
        given: descriptors: the blocking stream socket to the slot; those that standard output and standard
            error go to, in turn, another one for each run that lay ready; that of the shelf.
        sys_path: where this child imports from.
        folder: its working folder, as it was in the worker's process.
        environment: its environment, as it was in the worker's process.
        files_max: how many files it may have open, as in the worker's process.
    """
    _bind_to_parent()
    connection, shelf = socket.socket(fileno=given[0]), Shelf(None, socket.socket(fileno=given[-1]))
    logs = itertools.cycle(given[1:-1])
    allow(files_max)
    for fd in given:  # what a task starts has no business with them
        os.set_inheritable(fd, False)
    _print_to(next(logs))
    sys.path[:] = sys_path
    _take_environment(environment)
    _write_lines()
    own_pid = os.getpid()
    try:
        os.chdir(folder)
        performer = Performer(WorkerSettings())
        traces = Traces()
        frames, speaker = FrameStream(connection), FrameWriter(connection)
        while True:
            said = decode_for_child(frames.read())
            while isinstance(said, Job):
                ended = _do(said, performer, speaker, frames, traces, own_pid)
                _flush()
                said, ended = _next(shelf, ended)
                speaker.write(encode(ended))
                if said is not None:
                    log_fd = next(logs)
                    _print_to(log_fd)
                    traces.redirected(log_fd)
            if isinstance(said, Prepare):
                performer = Performer(said.settings, luggage=said.luggage)
            # a message that is still here was not fetched by the task that it was for
    except (EOFError, ConnectionError):
        os._exit(0)  # the slot is gone, and with it everybody who would want anything from here
    except BaseException:
        with contextlib.suppress(Exception):  # there may be nowhere to write to any more
            traceback.print_exc()
        os._exit(1)  # the interpreter's own end may stumble over what a task has left, and say otherwise


def _next(shelf: Shelf, ended: Ended) -> tuple[Job | None, Ended]:
    """The job that lies ready, if this child is fit for it; and the end, which tells of it."""
    payload = None if ended.tainted or ended.suspended else shelf.take()
    if payload is None:
        return None, ended
    job = decode_for_child(payload)
    assert isinstance(job, Job)
    if job.after and (job.after != ended.run_id or ended.outcome.status != "DONE"):
        return None, ended  # the slot gives it back
    return job, msgspec.structs.replace(ended, took=job.run_id)


def _do(
    job: Job,
    performer: Performer,
    speaker: FrameWriter,
    frames: FrameStream,
    traces: Traces,
    own_pid: int,
) -> Ended:
    def report(kind: str, value: Any) -> None:
        speaker.write(encode(Notice(run_id=job.run_id, kind=kind, value=value)))

    def fetch(timeout: float | None) -> tuple[str, str] | None:
        while frames.wait(timeout):
            said = decode_for_child(frames.read())
            if isinstance(said, Message) and said.run_id == job.run_id:  # not for the run before
                return said.message_id, said.content
        return None

    def loaded() -> None:
        _show_logs()
        traces.loaded()

    if job.resume:
        report("resumed", None)
    outcome, registration = performer.perform(job, report, messages=Mailbox(fetch, report), loaded=loaded)
    if os.getpid() != own_pid:
        _flush()
        os._exit(0 if outcome.status == "DONE" else 1)  # a fork of the task's own came back here
    return Ended(
        run_id=job.run_id,
        outcome=outcome,
        registration=registration,
        tainted=traces.found(),
        suspended=performer.suspended,
    )


def _flush() -> None:
    """What a task printed is visible before its end is."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # the task closed or replaced it
    c_flusher()()


def main() -> NoReturn:
    """How a child begins that is a fresh process; its command line names its descriptors."""
    files_max, *given = (int(each) for each in sys.argv[2:])
    child_main(given, sys.path, os.getcwd(), dict(os.environb), files_max)


def _print_to(log_fd: int) -> None:
    os.dup2(log_fd, 1)
    os.dup2(log_fd, 2)


def _write_lines() -> None:
    """Standard output is a pipe here, which Python would write in blocks; people wait for lines."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True)


def _show_logs() -> None:
    """What tasks log is printed, unless their modules have other plans for it."""
    if not logging.root.handlers:
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")


def _take_environment(environment: dict[bytes, bytes]) -> None:
    if environment == os.environb:
        return
    for name in set(os.environb) - set(environment):
        del os.environb[name]
    os.environb.update(environment)


def _bind_to_parent() -> None:
    """Ask the kernel for SIGKILL when the parent ends, and for the orphans among our descendants."""
    if sys.platform != "linux":
        return
    import ctypes

    try:
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        return  # a C library without it: the socket still tells


@cache
def c_flusher() -> Callable[[], object]:
    """What writes out what libraries in C have printed: to a pipe, they write in blocks, too.

    Of standard output only: all streams at once would wait for those that somebody reads.
    """
    import ctypes

    try:
        library = ctypes.CDLL(None)
        stream = ctypes.c_void_p.in_dll(library, "__stdoutp" if sys.platform == "darwin" else "stdout")
        return partial(library.fflush, stream)
    except (OSError, AttributeError, ValueError, TypeError):
        return lambda: None
