"""A process that starts children, because the worker's own process must not fork.

The worker's process has threads, and a fork of a process with threads inherits locks that nobody will
ever release. So a small process without threads is started once and starts children on request: under
`forkserver` it has imported what every child needs and forks (a new child costs a fork instead of a
start of Python); under `spawn` it starts Python anew.

The standard library's fork server was not used because there is one of it for the whole program, it
outlives the systems that it served, and its children import the user's `__main__` again, which a
script without a guard does not survive.

A request is a frame with what the child is to find, and these descriptors: the writing end of the status
pipe, the child's end of its socket, those that it writes its output to, and the reading end of its shelf. The
answer comes on the status pipe: the process id, or minus the number of the error, and, when the child has
ended, its status. When the control socket closes (the worker has ended, however that happened), the server
kills the group of each child and ends. A server that was killed is replaced by the next request.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from typing import NoReturn

import msgspec

from actorsched.children.child import c_flusher, child_main
from actorsched.children.descriptors import (
    N_LOGS_MAX,
    N_LOGS_MIN,
    UNLIMITED,
    allow,
    files_max,
    in_plenty,
    leave_some,
)
from actorsched.children.frames import is_readable, pack_frame, read_frame
from actorsched.children.launcher import PID, STATUS, Child
from actorsched.children.shelf import Shelf
from actorsched.errors import ChildLostError

#: seconds that a loaded machine may need to start Python and import this package
START_TIMEOUT_S = 60.0
# The import path of the worker's process, because the package may have been found through it.
_BOOT_SERVER = (
    "import os, sys; sys.path[:] = sys.argv[3].split(os.pathsep); "
    "from actorsched.children.fork_server import serve; serve(int(sys.argv[1]), sys.argv[2]); "
    "os._exit(0)"  # whoever closes waits for the end, and there is nothing to tidy up
)
_BOOT_CHILD = (
    "import os, sys; sys.path[:] = sys.argv[1].split(os.pathsep); "
    "from actorsched.children.child import main; main()"
)


class Request(msgspec.Struct, frozen=True, array_like=True):
    """What a child is to find when it begins; see `child_main`."""

    sys_path: list[str]
    folder: str
    environment: dict[bytes, bytes]
    files_max: int


class ServedLauncher:
    """The worker's side. The server's process is started at once and is ready when it is ready."""

    def __init__(self, start_method: str) -> None:
        self._start_method = start_method
        self._turn = threading.Lock()
        self._lock = threading.Lock()
        self._closed = False
        self._used = False
        self._start_server()

    def launch(self) -> Child:
        # One at a time, as the server does it: each has twice its descriptors until it has begun.
        if not self._turn.acquire(timeout=START_TIMEOUT_S):
            raise ChildLostError(f"no other child process has begun within {START_TIMEOUT_S:.0f} s")
        try:
            try:
                return self._launch()
            except ChildLostError:
                with self._lock:
                    if self._closed or self._process.poll() is None:
                        raise
                    self._control.close()
                    self._start_server()
            return self._launch()
        finally:
            self._turn.release()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._control.close()
        if not self._used:  # it has no children, and may still be busy with its own start
            self._process.kill()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start_server(self) -> None:
        ours, theirs = socket.socketpair()
        self._control = ours
        with theirs:
            arguments = [str(theirs.fileno()), self._start_method, os.pathsep.join(sys.path)]
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT_SERVER, *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,
            )

    def _launch(self) -> Child:
        request = msgspec.msgpack.encode(Request(sys.path, os.getcwd(), dict(os.environb), files_max()))
        child, given = _open_ends()
        assert child.shelf is not None
        try:
            with self._lock:
                self._used = True
                socket.send_fds(self._control, [b"+"], [*given, child.shelf.fileno()])
                self._control.sendall(pack_frame(request))
        except OSError as error:
            child.close()
            self._await_end()
            raise ChildLostError(f"the server of child processes is gone: {error}") from error
        finally:
            for fd in given:
                os.close(fd)
        readable = is_readable(child.status_fd, START_TIMEOUT_S)
        packed = os.read(child.status_fd, PID.size) if readable else b""
        if len(packed) < PID.size:
            child.close()
            why = "it ended" if readable else f"no answer within {START_TIMEOUT_S:.0f} s"
            if readable:
                self._await_end()
            raise ChildLostError(f"the server of child processes started no child: {why}")
        pid = PID.unpack(packed)[0]
        if pid < 0:
            child.close()
            raise ChildLostError(f"the system has no room for another process: {os.strerror(-pid)}")
        child.pid = pid
        return child

    def _await_end(self) -> None:
        """The server has let go of its descriptors: then it is about to have ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)


def _open_ends() -> tuple[Child, list[int]]:
    """A child that has yet to begin, and, beside its shelf, what the server is to get of it, in that order.

    Raises:
        ChildLostError: there are too many descriptors; nothing is left open.
    """
    with contextlib.ExitStack() as undo:

        def pipe() -> tuple[int, int]:
            ends = os.pipe()
            for end in ends:
                undo.callback(os.close, end)
            return ends

        try:
            status_read, status_write = pipe()
            ours, theirs = map(undo.enter_context, socket.socketpair())
            front, back = map(undo.enter_context, socket.socketpair(type=socket.SOCK_DGRAM))
            logs = [pipe() for _ in range(N_LOGS_MIN)]
            while len(logs) < N_LOGS_MAX and in_plenty(logs[-1][0]):
                logs.append(pipe())
            leave_some(logs[-1][0])
        except OSError as error:
            raise ChildLostError(f"no descriptors for another child process: {error}") from error
        undo.pop_all()
    ours.setblocking(False)
    for log_read, _ in logs:
        os.set_blocking(log_read, False)
    shelf = Shelf(front, back, len(logs) - 1)
    child = Child(ours, status_read, 0, tuple(log_read for log_read, _ in logs), shelf)
    return child, [status_write, theirs.detach(), *(log_write for _, log_write in logs)]


def serve(control_fd: int, start_method: str) -> None:
    """The server's process: start on request, tell of ends, until the control socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    c_flusher()  # so that no child has to load what that needs
    allow(UNLIMITED)  # it has one for each child, and these set theirs back
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    control = socket.socket(fileno=control_fd)
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(wake_read, select.POLLIN)
    status_pipes: dict[int, int] = {}
    try:
        while True:
            ready = {fd for fd, _ in poller.poll()}
            if wake_read in ready:
                os.read(wake_read, 4096)
                _tell_of_ends(status_pipes)
            if control.fileno() in ready:
                got = _receive(control)
                if got is None:
                    return
                request, status_fd, given = got
                try:
                    pid = _spawn(request, given) if start_method == "spawn" else os.fork()
                except OSError as error:  # no room for more; those that live go on
                    pid = -(error.errno or errno.EAGAIN)
                if pid == 0:
                    control.close()
                    idle = (wake_read, wake_write, status_fd, *status_pipes.values())
                    _become_child(request, given, idle)
                for fd in given:
                    os.close(fd)
                if pid > 0:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.setpgid(pid, pid)  # by both, so that it is done whoever comes first
                    status_pipes[pid] = status_fd
                with contextlib.suppress(BrokenPipeError):
                    os.write(status_fd, PID.pack(pid))
                if pid < 0:
                    os.close(status_fd)
    finally:
        for pid in status_pipes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def _receive(control: socket.socket) -> tuple[Request, int, list[int]] | None:
    """The next request, its status pipe, and what the child gets; None when nobody is left to ask."""
    try:
        mark, fds, _, _ = socket.recv_fds(control, 1, 3 + N_LOGS_MAX)
        if not mark:
            return None
        request = msgspec.msgpack.decode(read_frame(control), type=Request)
    except (EOFError, ConnectionError):
        return None
    status_fd, *given = fds
    return request, status_fd, given


def _become_child(request: Request, given: list[int], idle: tuple[int, ...]) -> NoReturn:
    """What the fork of the server does."""
    try:
        for fd in idle:
            os.close(fd)
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        child_main(given, request.sys_path, request.folder, request.environment, request.files_max)
    finally:
        os._exit(1)  # child_main never returns; nothing of the server may run in the child


def _spawn(request: Request, given: list[int]) -> int:
    for fd in given:
        os.set_inheritable(fd, True)
    path = os.pathsep.join(request.sys_path)
    boot = f"import os; os.chdir({request.folder!r}); {_BOOT_CHILD}"
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", boot, path, str(request.files_max), *map(str, given)],
        request.environment,
        setpgroup=0,
        setsigdef=[signal.SIGINT, signal.SIGCHLD],
    )


def _tell_of_ends(status_pipes: dict[int, int]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        status_fd = status_pipes.pop(pid, -1)
        if status_fd >= 0:
            with contextlib.suppress(BrokenPipeError):
                os.write(status_fd, STATUS.pack(os.waitstatus_to_exitcode(status)))
            os.close(status_fd)
