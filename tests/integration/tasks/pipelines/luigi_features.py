# ruff: noqa: DTZ001, RUF012 (as Luigi's users write it)
"""What Luigi's users write, in one module, with no word of actorsched in it.

Everything that happens is noted in a file, one line each: whoever notes it may be another process.
"""

import datetime
import enum
import os
import time

import luigi
from luigi.util import inherits, requires


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Noting(luigi.Task):
    """The base of all: notes, and an output in a folder."""

    folder = luigi.Parameter(significant=False)

    def note(self, *words):
        line = " ".join(map(str, (type(self).__name__, *words)))
        fd = os.open(f"{self.folder}/story", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, (line + "\n").encode())
        os.close(fd)

    def output(self):
        return luigi.LocalTarget(f"{self.folder}/{self.task_id}")

    def touch(self):
        with self.output().open("w") as stream:
            stream.write(repr(sorted(self.to_str_params().items())))

    def run(self):
        self.note("run")
        self.touch()


class AllKinds(Noting):
    """A parameter of every kind that Luigi has."""

    text = luigi.Parameter(default="a b, é")
    optional = luigi.OptionalParameter(default=None)
    optional_text = luigi.OptionalStrParameter(default="x")
    day = luigi.DateParameter(default=datetime.date(2024, 2, 29))
    month = luigi.MonthParameter(default=datetime.date(2024, 2, 1))
    year = luigi.YearParameter(default=datetime.date(2024, 1, 1))
    hour = luigi.DateHourParameter(default=datetime.datetime(2024, 2, 29, 13))
    minute = luigi.DateMinuteParameter(default=datetime.datetime(2024, 2, 29, 13, 5), interval=5)
    second = luigi.DateSecondParameter(default=datetime.datetime(2024, 2, 29, 13, 5, 59))
    interval = luigi.DateIntervalParameter(default=luigi.date_interval.Week(2024, 9))
    span = luigi.TimeDeltaParameter(default=datetime.timedelta(days=1, hours=2))
    number = luigi.IntParameter(default=-3)
    optional_number = luigi.OptionalIntParameter(default=None)
    real = luigi.FloatParameter(default=0.1)
    optional_real = luigi.OptionalFloatParameter(default=2.5)
    flag = luigi.BoolParameter(default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING)
    optional_flag = luigi.OptionalBoolParameter(default=False)
    ranged = luigi.NumericalParameter(default=5, var_type=int, min_value=1, max_value=9)
    choice = luigi.ChoiceParameter(default="b", choices=["a", "b"])
    choices = luigi.ChoiceListParameter(default=("a",), choices=["a", "b"])
    colour = luigi.EnumParameter(default=Colour.BLUE, enum=Colour)
    colours = luigi.EnumListParameter(default=(Colour.RED, Colour.BLUE), enum=Colour)
    path = luigi.PathParameter(default="/tmp/some where")
    items = luigi.ListParameter(default=[1, "a", [2.5, None]])
    pair = luigi.TupleParameter(default=((1, 2), (3, 4)))
    table = luigi.DictParameter(default={"a": {"b": [1, 2]}})
    optional_table = luigi.OptionalDictParameter(default=None)
    other = luigi.TaskParameter(default=Noting)
    hidden = luigi.Parameter(default="h", visibility=luigi.parameter.ParameterVisibility.HIDDEN)
    private = luigi.Parameter(default="p", visibility=luigi.parameter.ParameterVisibility.PRIVATE)

    def run(self):
        self.note("run")
        assert isinstance(self.interval, luigi.date_interval.Week)
        assert self.table["a"]["b"] == (1, 2)
        assert self.other is Noting
        assert self.private == "p"
        self.touch()


class Given(luigi.ExternalTask, Noting):
    name = luigi.Parameter()

    def output(self):
        return luigi.LocalTarget(f"{self.folder}/{self.name}")


@requires(Given)
class UsesGiven(Noting):
    """Its input is there as itself."""

    def run(self):
        with self.input().open() as stream:
            self.note("read", stream.read().strip())
        self.touch()


@inherits(Given)
class Inherits(Noting):
    extra = luigi.IntParameter(default=1)

    def requires(self):
        return {"given": self.clone(Given), "used": [self.clone(UsesGiven)]}

    def run(self):
        self.note("inputs", sorted(self.input()), len(self.input()["used"]))
        self.touch()


class Everything(luigi.WrapperTask):
    folder = luigi.Parameter(significant=False)
    name = luigi.Parameter()

    def requires(self):
        yield AllKinds(folder=self.folder)
        yield Inherits(folder=self.folder, name=self.name)
        yield Grows(folder=self.folder)
        yield Talks(folder=self.folder)


class Leaf(Noting):
    n = luigi.IntParameter()


class Grows(Noting):
    """Dynamic requirements: one, several, wrapped."""

    def run(self):
        self.note("begin")
        one = yield Leaf(folder=self.folder, n=1)
        several = yield {"a": Leaf(folder=self.folder, n=2), "b": [Leaf(folder=self.folder, n=3)]}
        leaves = [Leaf(folder=self.folder, n=n) for n in (4, 5)]
        wrapped = yield luigi.DynamicRequirements(leaves)
        self.note("got", one.exists(), sorted(several), len(wrapped))
        self.touch()


class Talks(Noting):
    resources = {"line": 2}

    def run(self):
        self.set_status_message("half way")
        self.set_progress_percentage(50)
        self.set_tracking_url("http://example.org/run")
        self.decrease_running_resources({"line": 1})
        self.note("messages", self.scheduler_messages is None)
        self.touch()


class Ordered(Noting):
    n = luigi.IntParameter()

    @property
    def priority(self):
        return {1: 5, 2: 50, 3: 20}[self.n]

    def run(self):
        self.note("run", self.n)
        self.touch()


class AllOrdered(luigi.WrapperTask):
    folder = luigi.Parameter(significant=False)

    def requires(self):
        return [Ordered(folder=self.folder, n=n) for n in (1, 2, 3)]


class Ends(Noting):
    """Ends in some way; all events of it are noted."""

    how = luigi.Parameter()
    worker_timeout = None

    def complete(self):
        return self.how != "not done" and super().complete()

    def run(self):
        self.note("run")
        if self.how == "fail":
            raise ValueError("bad luck")
        if self.how == "die":
            os._exit(7)
        if self.how == "sleep":
            time.sleep(600)
        self.touch()

    def on_success(self):
        self.note("on_success")
        return {"rows": 3}

    def on_failure(self, exception):
        self.note("on_failure", exception)
        return super().on_failure(exception)


class Sleeps(Ends):
    how = "sleep"
    worker_timeout = 1


class MuteComplete(Ends):
    how = luigi.Parameter(default="mute")

    def complete(self):
        raise OSError("the store is away")


class SickRequires(Ends):
    how = luigi.Parameter(default="sick")

    def requires(self):
        raise KeyError("no idea")


class Missing(Given):
    pass


class Present(Given):
    pass


class Needs(Ends):
    """Requires tasks of its own choice."""

    how = luigi.Parameter(default="needs")

    def requires(self):
        return [Missing(folder=self.folder, name="not there"), Present(folder=self.folder, name="given")]


class Retries(Noting):
    """Fails so many times first."""

    failures = luigi.IntParameter()
    retry_count = 3
    disable_window = 3600

    def run(self):
        with open(f"{self.folder}/tries", "a") as stream:
            stream.write("x")
        tries = os.path.getsize(f"{self.folder}/tries")
        self.note("try", tries)
        if tries <= self.failures:
            raise ValueError(f"try {tries} fails")
        self.touch()


class Batched(Noting):
    """Several days in one run: the last day stands for all."""

    day = luigi.DateParameter(batch_method=max)
    kind = luigi.Parameter(default="k")
    token = luigi.Parameter(visibility=luigi.parameter.ParameterVisibility.PRIVATE)
    max_batch_size = 3

    def run(self):
        assert self.token == "secret"
        self.note("run", self.day, self.kind)
        days = [self.day - datetime.timedelta(days=n) for n in range(10)]
        for day in days:
            with self.clone(day=day).output().open("w") as stream:
                stream.write("batch")


class Listed(Noting):
    """A batch method that keeps all values."""

    names = luigi.Parameter(batch_method=",".join)

    def run(self):
        self.note("run", self.names)
        for name in self.names.split(","):
            with self.clone(names=name).output().open("w") as stream:
                stream.write("batch")
        self.touch()


class AllBatches(luigi.WrapperTask):
    folder = luigi.Parameter(significant=False)

    def requires(self):
        first = datetime.date(2024, 2, 1)
        for n in range(5):
            yield Batched(folder=self.folder, day=first + datetime.timedelta(days=n), token="secret")
        yield Batched(folder=self.folder, day=first, kind="other", token="secret")
        for name in "abc":
            yield Listed(folder=self.folder, names=name)


EVENTS = {value: name for name, value in vars(luigi.Event).items() if name.isupper()}


def watch(cls):
    for event, name in EVENTS.items():

        def note(task, *more, name=name):
            shown = [type(one).__name__ if not isinstance(one, str) else one for one in more]
            task.note("EVENT", name, *shown)

        cls.event_handler(event)(note)


watch(Ends)
watch(Given)
