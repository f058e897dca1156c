"""How tasks end, and who hears of it."""

import logging
import os
import sys
import time

import luigi
from dynamic import Fails
from noting import Making, Noting
from structures import Given, Leaf


class Downstream(Making):
    """Needs one that fails, and others that do not."""

    def requires(self):
        return [Fails(folder=self.folder), Leaf(folder=self.folder, n=1), Leaf(folder=self.folder, n=2)]


class FurtherDown(Making):
    def requires(self):
        return Downstream(folder=self.folder), Leaf(folder=self.folder, n=3)


class Exits(Making):
    code = luigi.IntParameter()

    def run(self):
        self.note("run")
        sys.exit(self.code)


class HalfWritten(Making):
    """Fails in the middle of its output."""

    def run(self):
        with self.output().open("w") as stream:
            stream.write("half")
            raise OSError("disk full")


class SickRequires(Making):
    def requires(self):
        raise KeyError("no idea")


class SickComplete(Making):
    def complete(self):
        raise OSError("the store is away")


class SickOutput(Making):
    def output(self):
        raise AttributeError("no place")


class NeedsSick(Making):
    kind = luigi.ChoiceParameter(choices=["requires", "complete", "output"])

    def requires(self):
        sick = {"requires": SickRequires, "complete": SickComplete, "output": SickOutput}[self.kind]
        return [Leaf(folder=self.folder, n=1), sick(folder=self.folder)]


class NeedsMissing(Making):
    def requires(self):
        return [
            Leaf(folder=self.folder, n=1),
            Given(folder=self.folder, name="not there"),
            Given(folder=self.folder),
        ]


class Disabled(Making):
    """Its author does not want it to run."""

    disabled = True


class NeedsDisabled(Making):
    def requires(self):
        return Disabled(folder=self.folder), Leaf(folder=self.folder, n=1)


class NoOutput(Noting):
    """Has nothing to show."""

    def run(self):
        self.note("run")


class OwnComplete(Noting):
    """Says by itself whether it is complete: by a marker that is no output."""

    def complete(self):
        return os.path.exists(self.path("marker"))

    def run(self):
        self.note("run")
        with open(self.path("marker"), "w") as stream:
            stream.write("x")


class AfterOwnComplete(Making):
    def requires(self):
        return OwnComplete(folder=self.folder)


class DoneDespite(Making):
    """Complete, so nobody looks at what it requires."""

    def requires(self):
        return Fails(folder=self.folder)

    def complete(self):
        return True


class Ordered(Making):
    n = luigi.IntParameter()

    @property
    def priority(self):
        return {1: 5, 2: 50, 3: 20, 4: 20, 5: -1}[self.n]

    def run(self):
        self.note(self.n)
        self.write(self.n)


class AllOrdered(luigi.WrapperTask, Noting):
    def requires(self):
        return [Ordered(folder=self.folder, n=n) for n in (1, 2, 3, 4, 5)]


class PriorityFlows(Making):
    """What an urgent task needs is urgent."""

    priority = 100

    def requires(self):
        return Ordered(folder=self.folder, n=5)


class Urgent(luigi.WrapperTask, Noting):
    def requires(self):
        return [Ordered(folder=self.folder, n=2), PriorityFlows(folder=self.folder)]


class Retried(Making):
    """Fails so many times first."""

    failures = luigi.IntParameter()
    retry_count = 3

    def run(self):
        with open(self.path("tries"), "a") as stream:
            stream.write("x")
        tries = os.path.getsize(self.path("tries"))
        self.note("try", tries)
        logging.getLogger("luigi-interface").info("this is try %s", tries)
        if tries <= self.failures:
            raise ValueError(f"try {tries}")
        self.write(tries)


class Patient(Making):
    """Goes on until somebody says so."""

    def run(self):
        self.note("began")
        while not os.path.exists(self.path("go")):
            time.sleep(0.01)
        self.write("went")


class Watched(Making):
    """All events of it are noted."""

    how = luigi.Parameter(default="well")

    def requires(self):
        return Leaf(folder=self.folder, n=1), Given(folder=self.folder)

    def run(self):
        self.note("run")
        if self.how == "fails":
            raise ValueError("bad luck")
        if self.how == "exits":
            sys.exit(3)
        self.write("watched")

    def on_success(self):
        self.note("on_success")
        return super().on_success()

    def on_failure(self, exception):
        self.note("on_failure", type(exception).__name__)
        return "told: " + super().on_failure(exception)


class WatchedGiven(Given):
    pass


class WatchedSick(SickRequires):
    how = luigi.Parameter(default="sick")


class WatchedNeeds(Watched):
    def requires(self):
        return WatchedGiven(folder=self.folder, name="not there"), WatchedGiven(folder=self.folder)


class SickHandler(Making):
    """What handlers raise harms nobody."""


@SickHandler.event_handler(luigi.Event.SUCCESS)
def _sick(task):
    raise RuntimeError("the handler is sick")


EVENTS = {value: name for name, value in vars(luigi.Event).items() if name.isupper()}


def _watch(cls):
    for event, name in EVENTS.items():

        def note(task, *more, name=name):
            task.note("EVENT", name, *(type(one).__name__ for one in more))

        cls.event_handler(event)(note)


_watch(Watched)
_watch(WatchedGiven)
_watch(WatchedSick)
