"""What tasks do to their process, each as a method of one task; and how a run of it has to end."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from actorsched import Task

#: seconds; longer than any test
LONG = 600
MB = 1 << 20


class OddError(Exception):
    """Cannot travel: locks do not."""

    def __init__(self) -> None:
        super().__init__("odd")
        self.lock = threading.Lock()


class Does(Task):
    """A task that does one thing and has no output. `where` is a file for a process id."""

    what: str
    where: str = ""

    def run(self) -> None:
        getattr(self, f"do_{self.what}")()

    def on_success(self) -> Any:
        if self.what == "return_what_cannot_travel":
            return OddError()
        return "x" * 100 * MB if self.what == "return_100_mb" else None

    def note(self, pid: int) -> None:
        if self.where:
            Path(self.where).write_text(str(pid))

    # that end

    def do_return(self) -> None:
        self.note(os.getpid())

    def do_return_100_mb(self) -> None: ...
    def do_return_what_cannot_travel(self) -> None: ...

    def do_raise(self) -> None:
        raise ValueError("bad luck")

    def do_raise_what_cannot_travel(self) -> None:
        raise OddError

    def do_raise_100_mb(self) -> None:
        raise RuntimeError("x" * 100 * MB)

    def do_raise_keyboard_interrupt(self) -> None:
        raise KeyboardInterrupt

    def do_recurse(self) -> None:
        self.do_recurse()

    def do_say_what_cannot_travel(self) -> None:
        self.set_status_message(OddError())  # type: ignore[arg-type]

    def do_sys_exit(self) -> None:
        sys.exit(3)

    def do_os_exit(self) -> None:
        os._exit(0)

    def do_exec(self) -> None:
        os.execv("/bin/true", ["/bin/true"])

    def do_sigkill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def do_segfault(self) -> None:
        ctypes.string_at(0)

    def do_abort(self) -> None:
        os.abort()

    def do_exhaust_memory(self) -> None:
        resource.setrlimit(resource.RLIMIT_AS, (400 * MB, resource.RLIM_INFINITY))
        kept = []
        while True:
            kept.append(bytearray(16 * MB))

    def do_print_100_mb(self) -> None:
        for _ in range(100):
            os.write(1, b"x" * (MB - 1) + b"\n")

    def do_close_stdout(self) -> None:
        os.close(1)
        sys.stdout.close()

    def do_close_everything(self) -> None:
        os.closerange(0, 256)

    def do_change_folder(self) -> None:
        os.chdir("/")

    def do_change_environment(self) -> None:
        os.environ["ACTORSCHED_TEST_TRACE"] = "1"

    def do_change_signal_handlers(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def do_change_umask(self) -> None:
        os.umask(0o777)

    def do_leave_a_thread(self) -> None:
        threading.Thread(target=time.sleep, args=(LONG,)).start()

    def do_leave_a_process(self) -> None:
        self.note(subprocess.Popen(["sleep", str(LONG)]).pid)

    def do_leave_an_orphan(self) -> None:
        command = f"sleep {LONG} >&2 & echo $!"
        self.note(int(subprocess.run(["sh", "-c", command], stdout=subprocess.PIPE, check=True).stdout or 0))

    def do_fork_and_come_back(self) -> None:
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)

    # that do not end

    def do_sleep(self) -> None:
        self.note(os.getpid())
        time.sleep(LONG)

    def do_spin(self) -> None:
        self.note(os.getpid())
        while True:
            pass

    def do_ignore_sigterm(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.note(os.getpid())
        time.sleep(LONG)

    def do_hold_the_lock(self) -> None:
        """In C, with the interpreter's lock held."""
        self.note(os.getpid())
        ctypes.PyDLL(None).sleep(LONG)

    def do_stop(self) -> None:
        self.note(os.getpid())
        os.kill(os.getpid(), signal.SIGSTOP)

    def do_wait_for_a_process(self) -> None:
        process = subprocess.Popen(["sh", "-c", f"trap '' TERM; sleep {LONG}"])
        self.note(process.pid)
        process.wait()


#: what → (status, a part of the cause, whether the child is used again)
ENDINGS: dict[str, tuple[str, str, bool]] = {
    "return": ("DONE", "", True),
    "return_100_mb": ("DONE", "", True),
    "return_what_cannot_travel": ("DONE", "", True),
    "raise": ("FAILED", "ValueError: bad luck", True),
    "raise_what_cannot_travel": ("FAILED", "OddError: odd", True),
    "raise_100_mb": ("FAILED", "RuntimeError: xxx", True),
    "raise_keyboard_interrupt": ("FAILED", "KeyboardInterrupt", True),
    "recurse": ("FAILED", "RecursionError", True),
    "say_what_cannot_travel": ("FAILED", "OddError", True),
    "sys_exit": ("FAILED", "sys.exit(3) was called", True),
    "os_exit": ("FAILED", "exited with code 0 before the task ended", False),
    "exec": ("FAILED", "exited with code 0 before the task ended", False),
    "sigkill": ("FAILED", "SIGKILL", False),
    "segfault": ("FAILED", "SIGSEGV", False),
    "abort": ("FAILED", "SIGABRT", False),
    "exhaust_memory": ("FAILED", "MemoryError", False),
    "print_100_mb": ("DONE", "", True),
    "close_stdout": ("DONE", "", False),
    "close_everything": ("FAILED", "exited with code 1 before the task ended", False),
    "change_folder": ("DONE", "", False),
    "change_environment": ("DONE", "", False),
    "change_signal_handlers": ("DONE", "", False),
    "change_umask": ("DONE", "", False),
    "leave_a_thread": ("DONE", "", False),
    "leave_a_process": ("DONE", "", False),
    "leave_an_orphan": ("DONE", "", False),
    "fork_and_come_back": ("DONE", "", True),
}

#: these have to be ended from outside
ENDLESS = ("sleep", "spin", "ignore_sigterm", "hold_the_lock", "stop", "wait_for_a_process")


def is_alive(pid: int) -> bool:
    """Whether a process exists and is more than the entry of a dead one."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def pid_in(note: Path) -> int:
    """The process id in a file, as soon as it is there. Bounded by the test runner's limit."""
    while not (note.exists() and note.read_text()):
        threading.Event().wait(0.01)
    return int(note.read_text())


def wait_until_gone(pid: int) -> None:
    """Bounded by the test runner's limit."""
    while is_alive(pid):
        threading.Event().wait(0.01)


def group_of(pid: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_alive(int(entry.name)):
            try:
                if os.getpgid(int(entry.name)) == pid:
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found
