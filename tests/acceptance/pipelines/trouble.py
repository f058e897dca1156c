"""Tasks with everything that can be wrong with a task, and some with nothing wrong."""

import os
import signal
import sys
import time
from datetime import date
from pathlib import Path

from actorsched import ExternalTask, LocalTarget, Task


class Fine(Task):
    name: str = "fine"
    out: Path = Path("out")

    def output(self):
        return LocalTarget(self.out / f"{self.task_family}-{self.name}")

    def run(self):
        print(f"{self.task_family} {self.name} speaks", flush=True)
        with self.output().open("w") as stream:
            stream.write(self.name)


class Typed(Fine):
    """A task with parameters of several types."""

    day: date = date(2026, 11, 24)
    top: int = 3
    deep: bool = False

    def requires(self):
        return Fine(out=self.out)


class BadRequires(Fine):
    def requires(self):
        raise RuntimeError("requires() is broken")


class BadComplete(Fine):
    def complete(self):
        raise RuntimeError("complete() is broken")


class Circle(Fine):
    def requires(self):
        return OtherHalf(out=self.out)


class OtherHalf(Fine):
    def requires(self):
        return Circle(out=self.out)


class Raises(Fine):
    def run(self):
        raise ValueError("no luck")


class Exits(Fine):
    def run(self):
        sys.exit(3)


class Dies(Fine):
    def run(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Missing(ExternalTask):
    def output(self):
        return LocalTarget("/nowhere/at/all")


class All(Fine):
    """Needs one task of the kind that is asked for, and two that are fine."""

    kind: str

    def requires(self):
        troubled = {cls.task_family: cls for cls in (BadRequires, BadComplete, Circle, Raises, Exits, Dies)}
        other = Missing() if self.kind == "Missing" else troubled[self.kind](out=self.out)
        return [Fine(name="first", out=self.out), other, Fine(name="last", out=self.out)]


class Gate(Fine):
    """Says that it is there, and waits until somebody opens."""

    def run(self):
        self.out.mkdir(exist_ok=True)
        (self.out / f"waiting-{self.name}-{os.getpid()}").touch()
        while not (self.out / "open").exists():
            time.sleep(0.01)
        super().run()


class Gates(Fine):
    def requires(self):
        return [Gate(name=str(number), out=self.out) for number in range(6)]


class Speaker(Fine):
    """Speaks before and after it waits for the gate."""

    def run(self):
        print("it begins", flush=True)
        while not (self.out / "open").exists():
            time.sleep(0.02)
        print("it ends", flush=True)
        with self.output().open("w") as stream:
            stream.write("done")
