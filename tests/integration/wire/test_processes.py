"""A client and the processes that are forked from its own."""

from __future__ import annotations

import subprocess
import sys

from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve

LONG_S = 60.0

#: each forked process registers a task; all of them, and the first one, go on using what there was
FORKS = """
import os, sys, warnings
from actorsched.actors.runtime import Runtime
from actorsched.facade.remote_scheduler import RemoteScheduler
warnings.simplefilter("ignore")  # newer Pythons warn of forks beside threads, with reason
with RemoteScheduler(sys.argv[1], runtime=Runtime(), patience=30.0) as remote:
    remote.add_task("before", worker="w", family="F")
    children = []
    for number in range(3):
        child = os.fork()
        if not child:
            code = 1
            try:
                with remote:  # and closing leaves alone what is not its own
                    for n in range(5):
                        remote.add_task(f"{number}-{n}", worker="w", family="F")
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    remote.add_task("after", worker="w", family="F")
    codes = [os.waitpid(child, 0)[1] for child in children]
    remote.add_task("at the end", worker="w", family="F")
    pid = os.fork()
    if not pid:
        remote.close()  # unused there
        del remote
        os._exit(0)
    codes.append(os.waitpid(pid, 0)[1])
    remote.ping("w")
print(codes)
"""


def test_forked_processes_have_identities_of_their_own() -> None:
    """Two with one identity would get each other's answers; one without its thread would wait for ever."""
    with Scheduler() as scheduler, serve(scheduler) as server:
        done = subprocess.run(
            [sys.executable, "-c", FORKS, server.address],
            capture_output=True,
            text=True,
            timeout=LONG_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "[0, 0, 0, 0]\n"
        ours = {"before", "after", "at the end"}
        assert set(scheduler.graph()) == ours | {f"{number}-{n}" for number in range(3) for n in range(5)}


#: nobody there can answer: the thread of the actor stayed behind
FORKED_SCHEDULER = """
import os, sys, warnings
from pykka import ActorDeadError
from actorsched.facade.scheduler import Scheduler
from actorsched.facade.worker import Worker
warnings.simplefilter("ignore")
with Scheduler() as scheduler, Worker(scheduler, execution="inline") as worker:
    pid = os.fork()
    if not pid:
        code = 1
        try:
            with scheduler:
                scheduler.ping("w")
        except ActorDeadError as error:
            code = 0 if "was forked from it" in str(error) else 2
        finally:
            os._exit(code)
    print(os.waitpid(pid, 0)[1])
    scheduler.ping("w")
"""


def test_a_scheduler_says_to_a_forked_process_that_it_is_not_there() -> None:
    """Instead of letting it wait for ever."""
    done = subprocess.run(
        [sys.executable, "-c", FORKED_SCHEDULER], capture_output=True, text=True, timeout=LONG_S, check=False
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr
