"""A process that forks warm children, because the worker's own process must not fork.

The worker's process has threads, and a fork of a process with threads inherits locks that nobody will
ever release. So a small process without threads is started once (it imports what every child needs)
and forks on request: a new child costs a fork instead of a start of Python.

The standard library's fork server was not used because there is one of it for the whole program, it
outlives the systems that it served, and its children import the user's `__main__` again, which a
script without a guard does not survive.

A request is a frame with the import path and the working folder, and two descriptors: the child's end
of its socket, and the writing end of its status pipe. The answer comes on that pipe: the process id,
and, when the child has ended, its status. When the control socket closes (the worker has ended,
however that happened), the server kills the group of each child and ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading

import msgspec

from actorsched.children.child import child_main
from actorsched.children.frames import pack_frame, read_frame
from actorsched.children.launcher import PID, STATUS, Child
from actorsched.errors import ChildLostError

#: seconds that a loaded machine may need to start Python and import this package
START_TIMEOUT_S = 60.0


class ForkServerLauncher:
    """The worker's side. The server's process is started at once and is ready when it is ready."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self._control = ours
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, str(theirs.fileno()), os.pathsep.join(sys.path)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,
            )

    def launch(self) -> Child:
        request = msgspec.msgpack.encode((sys.path, os.getcwd()))
        ours, theirs = socket.socketpair()
        status_read, status_write = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._control, [b"+"], [theirs.fileno(), status_write])
                self._control.sendall(pack_frame(request))
        except OSError as error:
            ours.close()
            os.close(status_read)
            raise ChildLostError(f"the fork server is gone (exit {self._process.poll()}): {error}") from error
        finally:
            theirs.close()
            os.close(status_write)
        readable, _, _ = select.select([status_read], [], [], START_TIMEOUT_S)
        packed = os.read(status_read, PID.size) if readable else b""
        if len(packed) < PID.size:
            ours.close()
            os.close(status_read)
            why = "it ended" if readable else f"no answer within {START_TIMEOUT_S:.0f} s"
            raise ChildLostError(f"the fork server started no child: {why}")
        ours.setblocking(False)
        return Child(ours, status_read, PID.unpack(packed)[0])

    def close(self) -> None:
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


# The import path of the worker's process, because the package may have been found through it.
_BOOT = (
    "import os, sys; sys.path[:] = sys.argv[2].split(os.pathsep); "
    "from actorsched.children.fork_server import serve; serve(int(sys.argv[1]))"
)


def serve(control_fd: int) -> None:
    """The server's process: fork on request, tell of ends, until the control socket closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
            if control.fileno() in ready and not _answer(control, status_pipes, (wake_read, wake_write)):
                return
    finally:
        for pid in status_pipes:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def _answer(control: socket.socket, status_pipes: dict[int, int], wake: tuple[int, int]) -> bool:
    """Fork once; False when there is nobody left to fork for."""
    mark, fds, _, _ = socket.recv_fds(control, 1, 2)
    if not mark:
        return False
    try:
        sys_path, folder = msgspec.msgpack.decode(read_frame(control), type=tuple[list[str], str])
    except EOFError:
        return False
    connection_fd, status_fd = fds
    pid = os.fork()
    if pid == 0:
        try:
            for fd in (*wake, *status_pipes.values(), status_fd):
                os.close(fd)
            control.close()
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            child_main(socket.socket(fileno=connection_fd), sys_path, folder)
        finally:
            os._exit(1)  # child_main never returns; nothing of the server may run in the child
    os.close(connection_fd)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)  # by both, so that it is done whoever comes first
    status_pipes[pid] = status_fd
    os.write(status_fd, PID.pack(pid))
    return True


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
