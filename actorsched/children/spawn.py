"""Children as fresh processes: slower to start than forked ones, and possible everywhere."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading

from actorsched.children.launcher import STATUS, Child
from actorsched.errors import ChildLostError


class SpawnLauncher:
    """Starts Python anew for each child; a thread waits for each of them to end."""

    def __init__(self) -> None:
        self._living: dict[int, Child] = {}
        self._waiters: list[threading.Thread] = []

    def launch(self) -> Child:
        ours, theirs = socket.socketpair()
        status_read, status_write = os.pipe()
        arguments = [str(theirs.fileno()), os.pathsep.join(sys.path), os.getcwd()]
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError as error:
            ours.close()
            os.close(status_read)
            os.close(status_write)
            raise ChildLostError(f"{sys.executable} could not be started: {error}") from error
        finally:
            theirs.close()
        ours.setblocking(False)
        child = Child(ours, status_read, process.pid)
        self._living[process.pid] = child
        waiter = threading.Thread(target=self._wait, args=(process, status_write), daemon=True)
        self._waiters = [thread for thread in self._waiters if thread.is_alive()]
        self._waiters.append(waiter)
        waiter.start()
        return child

    def close(self) -> None:
        import signal

        for child in list(self._living.values()):
            child.kill(signal.SIGKILL)
        for waiter in self._waiters:
            waiter.join(timeout=5)

    def _wait(self, process: subprocess.Popen[bytes], status_fd: int) -> None:
        status = process.wait()
        self._living.pop(process.pid, None)
        with contextlib.suppress(BrokenPipeError):
            os.write(status_fd, STATUS.pack(status))
        os.close(status_fd)


_BOOT = (
    "import os, socket, sys; sys.path[:] = sys.argv[2].split(os.pathsep); "
    "from actorsched.children.child import child_main; "
    "child_main(socket.socket(fileno=int(sys.argv[1])), sys.path, sys.argv[3])"
)
