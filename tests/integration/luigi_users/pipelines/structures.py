"""What `requires()`, `output()` and `run()` may look like."""

import collections
import datetime
import functools
import threading

import luigi
from luigi.task import externalize, flatten
from luigi.util import common_params, copies, delegates, inherits, requires
from noting import Making, Noting

Pair = collections.namedtuple("Pair", "left right")


def shape(thing):
    """A structure of targets or values, in words that do not depend on the folder."""
    if isinstance(thing, dict):
        return {key: shape(each) for key, each in thing.items()}
    if isinstance(thing, list | tuple):
        return type(thing).__name__, [shape(each) for each in thing]
    return getattr(thing, "path", str(thing)).rpartition("/")[2].partition("_")[0]


class Leaf(Making):
    n = luigi.IntParameter(default=0)


class Given(luigi.ExternalTask, Noting):
    name = luigi.Parameter(default="given")

    def output(self):
        return luigi.LocalTarget(self.path(self.name))


class Shaped(Making):
    """Requires in the shape that it is told."""

    kind = luigi.Parameter()

    def requires(self):
        one, two, three = (Leaf(folder=self.folder, n=n) for n in range(3))
        return {
            "none": None,
            "empty": [],
            "single": one,
            "list": [one, two],
            "tuple": (one, two),
            "named": Pair(one, two),
            "dict": {"a": one, "b": two},
            "nested": {"a": [one, {"b": (two, three)}], "c": one},
            "generator": (task for task in (one, two)),
            "twice": [one, one],
        }[self.kind]

    def run(self):
        self.note(self.kind, shape(self.input()), len(self.deps()))
        self.write(self.kind)


class AllShapes(luigi.WrapperTask, Noting):
    kinds = luigi.Parameter(default="empty single list tuple dict nested generator twice")

    def requires(self):
        for kind in self.kinds.split():
            yield Shaped(folder=self.folder, kind=kind)


class ManyOutputs(Noting):
    """A dict of lists of targets."""

    def output(self):
        return {
            "parts": [luigi.LocalTarget(self.path(f"part-{n}")) for n in range(3)],
            "sum": luigi.LocalTarget(self.path("sum")),
        }

    def run(self):
        for n, part in enumerate(self.output()["parts"]):
            with part.open("w") as stream:
                stream.write(str(n))
        with self.output()["sum"].open("w") as stream:
            stream.write("3")


@requires(ManyOutputs)
class ReadsMany(Making):
    def run(self):
        total = 0
        for part in self.input()["parts"]:
            with part.open() as stream:
                total += int(stream.read())
        self.note("total", total, len(flatten(self.input())))
        self.write(total)


class HalfOutputs(ManyOutputs):
    """Leaves one of its outputs out."""

    def run(self):
        with self.output()["sum"].open("w") as stream:
            stream.write("3")


@inherits(Leaf)
class Inherits(Making):
    """Has the parameters of another one, and one of its own."""

    more = luigi.Parameter(default="m")

    def requires(self):
        return self.clone(Leaf), self.clone_parent()

    def run(self):
        self.note("n", self.n, self.more, sorted(common_params(self, Leaf)))
        self.write(self.n)


@copies(Inherits)
class Copies(Making):
    def run(self):
        with self.input().open() as stream:
            self.write(stream.read() + " again")


@delegates
class Delegates(Making):
    """Uses the methods of another task."""

    def subtasks(self):
        return Leaf(folder=self.folder, n=7)

    def run(self):
        self.note("delegates to", self.subtasks().n)
        self.write("delegated")


@requires(Copies, Delegates)
class Requires(Making):
    def run(self):
        self.note("inputs", shape(self.input()))
        self.write("done")


class Outside(Making):
    """Nothing here makes it, once it is made external."""


class WantsOutside(Making):
    def requires(self):
        return externalize(Outside)(folder=self.folder)


class Diamond(Making):
    """Everything is needed twice, and made once."""

    depth = luigi.IntParameter(default=4)
    side = luigi.ChoiceParameter(choices=["left", "right"], default="left")

    def requires(self):
        if self.depth:
            for side in ("left", "right"):
                yield self.clone(depth=self.depth - 1, side=side)

    def run(self):
        self.note(self.depth, self.side)
        self.write(sum(int(t.open().read()) for t in self.input()) + 1 if self.depth else 1)


class Day(Making):
    """Needs the day before, down to the first of the month."""

    day = luigi.DateParameter()

    def requires(self):
        if self.day.day > 1:
            yield Day(folder=self.folder, day=self.day - datetime.timedelta(days=1))

    def run(self):
        self.note(self.day)
        self.write(self.day)


class State(Making):
    """Remembers in itself what its requires() has found out."""

    def requires(self):
        self.found = [Leaf(folder=self.folder, n=n) for n in (3, 4)]
        return self.found

    def run(self):
        self.note("found", [task.n for task in self.found])
        self.same = Leaf(folder=self.folder, n=3) is Leaf(folder=self.folder, n=3)
        self.note("one object for equal parameters", self.same)
        self.write("state")


class Clinging(Making):
    """Has what no other process can have: a lock from its beginning, and a client when it is first asked."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.lock = threading.Lock()

    @functools.cached_property
    def client(self):
        return threading.Lock()

    def complete(self):
        with self.client:
            self.asked = True
            return super().complete()

    def requires(self):
        return Leaf(folder=self.folder, n=8)

    def run(self):
        yield Clinging2(folder=self.folder)
        with self.lock, self.client:
            self.note("still knows", self.asked)
            self.write("clung")


class Clinging2(Clinging):
    def run(self):
        with self.lock:
            self.write("clung")


class Plugged(Making):
    """Is told by others what it reads: the way of flow-based libraries on top of Luigi."""

    label = luigi.Parameter()
    source = None

    def requires(self):
        return self.source.__self__ if self.source else []

    def out_data(self):
        return self.output()

    def run(self):
        text = self.source().open().read() if self.source else ""
        self.write(text + self.label)


class Flow(luigi.WrapperTask, Noting):
    def requires(self):
        first, second = (Plugged(folder=self.folder, label=label) for label in "ab")
        second.source = first.out_data
        return second
