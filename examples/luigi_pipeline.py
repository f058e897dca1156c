"""A month of web server logs, from raw lines to the pages that people read: a pipeline for Luigi.

    python -m luigi --module luigi_pipeline MonthReport --month 2024-02 --out out/site --local-scheduler

(from the folder of this file, or with it on PYTHONPATH). There is no server, so the logs are made up; the
same month and seed give the same lines on every machine.

    MonthReport
      ├── TopPages        the most read pages of the month
      │     └── AllDays
      │           └── DaySummary   hits, bytes, visitors and errors of each day
      │                 └── AccessLog   a day's raw lines
      │                       └── SiteMap   the site's pages: a file that has to be there
      └── Incidents       the days with the most server errors; looks closer at the worst of them
            ├── AllDays
            └── ErrorDetail   found out about while Incidents runs
"""

import collections
import datetime
import hashlib
import json
import random
from pathlib import Path

import luigi
from luigi.util import inherits, requires


class SiteMap(luigi.ExternalTask):
    """The pages of the site, and how often each is read: nobody here can make it, it is just there."""

    def output(self):
        return luigi.LocalTarget(str(Path(__file__).with_name("luigi_pipeline_pages.csv")))


@requires(SiteMap)
class AccessLog(luigi.Task):
    """What the web server wrote on one day, in the Common Log Format."""

    day = luigi.DateParameter()
    seed = luigi.IntParameter(default=7, description="another seed, another month of visitors")
    hits = luigi.IntParameter(default=2000, description="requests on an average day")
    out = luigi.Parameter(default="out/site", description="folder for all results")

    def output(self):
        return luigi.LocalTarget(f"{self.out}/logs/{self.day}.log")

    def run(self):
        with self.input().open() as stream:
            pages = [line.split(",") for line in stream.read().splitlines()[1:]]
        paths = [path for path, _, _ in pages]
        weights = [int(weight) for _, _, weight in pages]
        chance = random.Random(f"{self.seed} {self.day}")
        weekend = 0.6 if self.day.weekday() >= 5 else 1.0
        broken = chance.random() < 0.15  # on some days the server has a bad time
        count = int(self.hits * weekend * chance.uniform(0.8, 1.2))
        seconds = sorted(chance.randrange(86400) for _ in range(count))
        midnight = datetime.datetime.combine(self.day, datetime.time())
        with self.output().open("w") as stream:
            for second in seconds:
                host = f"10.{chance.randrange(4)}.{chance.randrange(16)}.{chance.randrange(1, 255)}"
                moment = midnight + datetime.timedelta(seconds=second)
                (path,) = chance.choices(paths, weights)
                failed = chance.random() < (0.08 if broken and 9 <= moment.hour < 12 else 0.002)
                status = 503 if failed else 404 if chance.random() < 0.01 else 200
                size = chance.randrange(2_000, 60_000) if status == 200 else 512
                time = moment.strftime("%d/%b/%Y:%H:%M:%S +0000")
                stream.write(f'{host} - - [{time}] "GET {path} HTTP/1.1" {status} {size}\n')


@requires(AccessLog)
class DaySummary(luigi.Task):
    """One day in numbers."""

    @property
    def priority(self):
        """Late days first: they are what people ask for."""
        return self.day.day

    def output(self):
        return luigi.LocalTarget(f"{self.out}/days/{self.day}.json")

    def run(self):
        pages = collections.Counter()
        statuses = collections.Counter()
        visitors = set()
        size = 0
        with self.input().open() as stream:
            for line in stream:
                fields = line.split()
                visitors.add(fields[0])
                statuses[fields[8]] += 1
                size += int(fields[9])
                if fields[8] == "200":
                    pages[fields[6]] += 1
        summary = {
            "day": str(self.day),
            "bytes": size,
            "visitors": len(visitors),
            "statuses": statuses,
            "pages": pages,
        }
        with self.output().open("w") as stream:
            json.dump(summary, stream, indent=1, sort_keys=True)


@DaySummary.event_handler(luigi.Event.SUCCESS)
def seal(task):
    """Keep a checksum beside each finished summary, for whoever copies them elsewhere."""
    path = Path(task.output().path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".sha256").write_text(f"{digest}  {path.name}\n")


class MonthParameters(luigi.Config):
    """What everything that looks at a whole month has in common."""

    month = luigi.MonthParameter(default=datetime.date(2024, 2, 1))
    seed = luigi.IntParameter(default=7)
    hits = luigi.IntParameter(default=2000)
    out = luigi.Parameter(default="out/site")


@inherits(MonthParameters)
class AllDays(luigi.WrapperTask):
    """The summaries of all days of a month."""

    def requires(self):
        following = (self.month + datetime.timedelta(days=31)).replace(day=1)
        for number in range((following - self.month).days):
            yield self.clone(DaySummary, day=self.month + datetime.timedelta(days=number))


@requires(AllDays)
class TopPages(luigi.Task):
    """The most read pages of the month."""

    top = luigi.IntParameter(default=10)

    def output(self):
        return luigi.LocalTarget(f"{self.out}/top-{self.top}-{self.month:%Y-%m}.txt")

    def run(self):
        pages = collections.Counter()
        for summary in read_all(self.requires().input()):
            pages.update(summary["pages"])
        ranked = sorted(pages.items(), key=lambda page: (-page[1], page[0]))[: self.top]
        with self.output().open("w") as stream:
            for place, (path, reads) in enumerate(ranked, start=1):
                stream.write(f"{place:3} {reads:7,} {path}\n")


@requires(AccessLog)
class ErrorDetail(luigi.Task):
    """The server errors of one day, by hour."""

    def output(self):
        return luigi.LocalTarget(f"{self.out}/errors/{self.day}.txt")

    def run(self):
        with self.input().open() as stream:
            failed = [line.split() for line in stream if line.split()[8] == "503"]
        hours = collections.Counter(fields[3].split(":")[1] for fields in failed)
        with self.output().open("w") as stream:
            for hour in sorted(hours):
                stream.write(f"{hour}:00 {hours[hour]:4} {'#' * hours[hour]}\n")


@requires(AllDays)
class Incidents(luigi.Task):
    """The days with the most server errors."""

    priority = 10

    def output(self):
        return luigi.LocalTarget(f"{self.out}/incidents-{self.month:%Y-%m}.txt")

    def run(self):
        summaries = read_all(self.requires().input())
        errors = {summary["day"]: summary["statuses"].get("503", 0) for summary in summaries}
        worst = sorted(errors, key=lambda day: (-errors[day], day))[:3]
        details = yield [self.clone(ErrorDetail, day=datetime.date.fromisoformat(day)) for day in worst]
        with self.output().open("w") as stream:
            for day, detail in zip(worst, details, strict=True):
                stream.write(f"{day}: {errors[day]} server errors\n")
                with detail.open() as lines:
                    stream.write(lines.read() + "\n")


@inherits(MonthParameters)
class MonthReport(luigi.WrapperTask):
    """All that is to be known about a month."""

    top = luigi.IntParameter(default=10, description="so many pages")

    def requires(self):
        return [self.clone(TopPages), self.clone(Incidents)]


def read_all(targets):
    """The summaries behind the targets, in the order of the targets."""
    summaries = []
    for target in targets:
        with target.open() as stream:
            summaries.append(json.load(stream))
    return summaries


if __name__ == "__main__":
    luigi.run()
