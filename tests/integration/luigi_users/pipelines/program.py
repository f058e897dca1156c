"""A program of its own: tasks in it and elsewhere, handlers, settings that it reads and makes while it runs.

python program.py build FOLDER WORKERS      calls luigi.build
python program.py run [FLAGS OF LUIGI …]    calls luigi.run
python program.py main [FLAGS OF LUIGI …]   calls what the command `luigi` calls
"""

import sys

import luigi
import luigi.cmdline
import tools
from noting import Making


class Inner(Making):
    def run(self):
        uses = tools.Uses()
        self.note("uses", uses.rate, uses.name)
        self.write(uses.name)


class Outer(Making):
    fails = luigi.BoolParameter(default=False)

    def requires(self):
        return tools.Configured(folder=self.folder, number=5), Inner(folder=self.folder)

    def run(self):
        target = yield tools.Daily(folder=self.folder, day=DAY)
        if self.fails:
            raise ValueError("no luck")
        self.write(target.open().read())


class Lonely(Making):
    """Waits for what nobody makes."""

    def requires(self):
        return tools.Given(folder=self.folder)


@luigi.Task.event_handler(luigi.Event.SUCCESS)
def cheer(task):
    task.note("was cheered by", __name__)


@luigi.Task.event_handler(luigi.Event.FAILURE)
def mourn(task, exception):
    task.note("was mourned for", exception)


DAY = None

if __name__ == "__main__":
    DAY = luigi.DateParameter().parse("2024-02-29")
    luigi.configuration.add_config_path("more.cfg")
    luigi.configuration.get_config().set("Uses", "name", "100%% of the program")
    how, *rest = sys.argv[1:]
    if how == "build":
        folder, workers = rest
        result = luigi.build(
            [Outer(folder=folder), Outer(folder=folder, fails=True)],
            local_scheduler=True,
            workers=int(workers),
            detailed_summary=True,
            log_level="ERROR",
        )
        print(result.status.name, result.scheduling_succeeded)
        sys.exit(not result.scheduling_succeeded)
    if how == "main":
        luigi.cmdline.luigi_run(rest)
    print(luigi.run(rest))
