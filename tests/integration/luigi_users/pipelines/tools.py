# ruff: noqa: DTZ001, RUF012 (as Luigi's users write it)
"""Luigi's own tools and targets that need nothing but this machine."""

import datetime
import os
import sys

import luigi
import luigi.contrib.external_program
import luigi.contrib.opener
import luigi.contrib.simulate
import luigi.contrib.sqla
import luigi.format
import luigi.mock
import luigi.tools.range
import sqlalchemy
from noting import Making, Noting
from structures import Given, Leaf

__all__ = ["Given"]


class Program(luigi.contrib.external_program.ExternalProgramTask, Noting):
    code = luigi.IntParameter(default=0)

    def program_args(self):
        return [
            sys.executable,
            "-c",
            f"import sys; open({self.path('program')!r}, 'w'); sys.exit({self.code})",
        ]

    def output(self):
        return luigi.LocalTarget(self.path("program" if self.code == 0 else "nothing"))


class Anyway(Noting):
    """Runs at each invocation."""

    def output(self):
        return luigi.contrib.simulate.RunAnywayTarget(self)

    def run(self):
        self.note("run")
        self.output().done()


class AfterAnyway(Making):
    def requires(self):
        return Anyway(folder=self.folder)


class Rows(luigi.contrib.sqla.CopyToTable):
    """Copies rows into a table of a database."""

    folder = luigi.Parameter()
    columns = (
        (["id", sqlalchemy.Integer], {"primary_key": True}),
        (["name", sqlalchemy.String(20)], {}),
    )
    table = "things"

    @property
    def connection_string(self):
        return f"sqlite:///{self.folder}/things.db"

    def requires(self):
        return RowFile(folder=self.folder)


class RowFile(Making):
    def run(self):
        self.write("1\tone\n2\ttwo\n")


class CountRows(Making):
    def requires(self):
        return Rows(folder=self.folder)

    def run(self):
        engine = sqlalchemy.create_engine(f"sqlite:///{self.folder}/things.db")
        with engine.connect() as connection:
            rows = connection.execute(sqlalchemy.text("select * from things order by id")).fetchall()
        engine.dispose()
        self.note("rows", [tuple(row) for row in rows])
        self.write(len(rows))


class Daily(Making):
    day = luigi.DateParameter()
    extra = luigi.IntParameter(default=1)

    def run(self):
        self.note(self.day, self.extra)
        self.write(self.day)


class BulkDaily(Daily):
    """Knows of many days at once whether they are complete."""

    @classmethod
    def bulk_complete(cls, parameter_tuples):
        return [each for each in parameter_tuples if os.path.exists(cls(each).output().path)]


class Hourly(Making):
    hour = luigi.DateHourParameter()


class Nothing(Making):
    """Values that are not there: a node makes them again from texts."""

    number = luigi.IntParameter(default=None)
    day = luigi.DateParameter(default=None)
    text = luigi.Parameter(default=None)
    maybe = luigi.OptionalParameter(default=None)
    given = luigi.IntParameter(default=3)

    def run(self):
        self.note(self.number, self.day, self.text, self.maybe, self.given)
        assert self.text is None
        self.write("nothing")


class Monthly(Making):
    month = luigi.MonthParameter()


def ranges(folder):
    days = {"start": datetime.date(2024, 2, 27), "stop": datetime.date(2024, 3, 2)}
    return [
        luigi.tools.range.RangeDailyBase(
            of=Daily, param_name="day", of_params={"folder": folder, "extra": 2}, days_back=100_000, **days
        ),
        luigi.tools.range.RangeHourlyBase(
            of=Hourly,
            param_name="hour",
            of_params={"folder": folder},
            start=datetime.datetime(2024, 2, 29, 22),
            stop=datetime.datetime(2024, 3, 1, 2),
            hours_back=10_000_000,
            reverse=True,
        ),
        luigi.tools.range.RangeMonthly(
            of=Monthly,
            param_name="month",
            of_params={"folder": folder},
            start=datetime.date(2024, 1, 1),
            stop=datetime.date(2024, 4, 1),
            months_back=10_000,
        ),
    ]


class Formats(Noting):
    """Targets with formats, atomic files, copies and moves."""

    def output(self):
        return {
            "gzip": luigi.LocalTarget(self.path("text.gz"), format=luigi.format.Gzip),
            "bzip2": luigi.LocalTarget(self.path("text.bz2"), format=luigi.format.Bzip2),
            "utf8": luigi.LocalTarget(self.path("text.utf8"), format=luigi.format.UTF8),
            "bytes": luigi.LocalTarget(self.path("deep/er/bytes"), format=luigi.format.Nop),
            "by path": luigi.LocalTarget(self.path("by-path")),
            "moved": luigi.LocalTarget(self.path("moved")),
            "folder": luigi.LocalTarget(self.path("folder")),
        }

    def run(self):
        out = self.output()
        for name, word in (("gzip", b"z"), ("bzip2", b"z"), ("utf8", "\N{SNOWMAN}"), ("bytes", b"\x00\xff")):
            with out[name].open("w") as stream:
                stream.write(word)
        with out["by path"].temporary_path() as path, open(path, "w") as stream:
            stream.write("by path")
        temporary = luigi.LocalTarget(is_tmp=True)
        with temporary.open("w") as stream:
            stream.write("moved")
        temporary.move(out["moved"].path)
        with out["folder"].temporary_path() as path:
            os.mkdir(path)
            with open(f"{path}/inside", "w") as stream:
                stream.write("inside")
        self.note(sorted(os.listdir(self.path("deep/er"))))


class ReadsFormats(Making):
    def requires(self):
        return Formats(folder=self.folder)

    def run(self):
        given = self.input()
        for name in ("gzip", "bzip2", "utf8", "bytes"):
            with given[name].open() as stream:
                self.note(name, repr(stream.read()))
        self.write("read")


class Opened(Noting):
    def output(self):
        return luigi.contrib.opener.OpenerTarget(self.path("opened"))

    def run(self):
        with self.output().open("w") as stream:
            stream.write("opened")


class Mocked(Noting):
    """Its output is in memory."""

    n = luigi.IntParameter(default=2)

    def requires(self):
        if self.n:
            return self.clone(n=self.n - 1)
        return None

    def output(self):
        return luigi.mock.MockTarget(f"{self.folder}/{self.n}")

    def run(self):
        below = self.input().open().read() if self.n else ""
        with self.output().open("w") as stream:
            stream.write(below + str(self.n))
        self.note(below + str(self.n))


class Uses(luigi.Config):
    """A section of luigi.cfg."""

    rate = luigi.FloatParameter(default=0.5)
    name = luigi.Parameter(default="nobody")
    table = luigi.DictParameter(default={})


class Configured(Making):
    """Takes values from luigi.cfg: by its own section, by a path, and by a class of settings."""

    number = luigi.IntParameter(default=1)
    town = luigi.Parameter(default="?", config_path={"section": "places", "name": "town"})
    chosen = luigi.TaskParameter(default=Leaf)

    def run(self):
        uses = Uses()
        self.note(self.number, self.town, uses.rate, uses.name, dict(uses.table), self.chosen.__name__)
        self.write(luigi.configuration.get_config().get("free", "text", "nothing"))


class Resourceful(Making):
    n = luigi.IntParameter()
    resources = {"line": 1}

    def run(self):
        path = self.path("in use")
        fd = os.open(path, os.O_CREAT | os.O_EXCL)  # fails if somebody else is here
        os.close(fd)
        os.unlink(path)
        self.write(self.n)


class AllResourceful(luigi.WrapperTask, Noting):
    def requires(self):
        return [Resourceful(folder=self.folder, n=n) for n in range(4)]


class Spaced(Making):
    task_namespace = "space"


class OuterSpaced(Spaced):
    task_namespace = "outer.space"

    def requires(self):
        return Spaced(folder=self.folder)

    def run(self):
        self.note(self.task_family, self.get_task_namespace())
        self.write(self.task_family)
