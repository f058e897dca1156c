"""One side of the comparison: runs all scenarios with one engine, and tells what came of each.

    python side.py ENGINE FOLDER [URL] [NAME …]

prints one JSON object: name → what came of it. Engines: `luigi`; ours as `inline`, `process`, `two` (slots),
and `nodes` (registered here, run by the nodes of the scheduler at URL).
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "pipelines")]

import luigi  # noqa: E402
import luigi.execution_summary  # noqa: E402
from scenarios import SCENARIOS, Scenario  # noqa: E402

#: Luigi's names of what came of a task → ours; the others are "not_run"
FATES = {
    "completed": "ran",
    "already_done": "already_complete",
    "failed": "failed",
    "scheduling_error": "scheduling_failed",
    "still_pending_ext": "missing_external",
}


def delay_s(scenario: Scenario) -> float:
    """Time between two tries: next to none, or for ever."""
    return 0.01 if scenario.retries else 900.0


def with_luigi(scenario: Scenario, folder: str) -> list[dict[str, Any]]:
    told = []
    for _ in range(scenario.runs):
        luigi.task_register.Register.clear_instance_cache()
        worker = luigi.worker.Worker(
            luigi.scheduler.Scheduler(retry_delay=delay_s(scenario), prune_on_get_work=True),
            keep_alive=scenario.retries,
            wait_interval=0.02,
            wait_jitter=0,
            ping_interval=60,
        )
        good = True
        try:
            with worker:
                for task in scenario.make(folder):
                    good &= worker.add(task)
                good &= worker.run()
        except SystemExit:
            told.append({"status": "left the program"})
            continue
        sets = luigi.execution_summary._summary_dict(worker)
        fates = {task.task_id: ours for name, ours in FATES.items() for task in sets[name]}
        for task in sets["still_pending_not_ext"]:
            fates.setdefault(task.task_id, "not_run")
        status = luigi.execution_summary._tasks_status(sets).name
        told.append({"status": status, "good": good, "fates": fates})
    return told


def with_us(scenario: Scenario, folder: str, engine: str, url: str) -> list[dict[str, Any]]:
    import actorsched

    options: dict[str, Any] = {"log_dir": "off", "log_console": False, "wait_interval": 0.02}
    told = []
    for _ in range(scenario.runs):
        luigi.task_register.Register.clear_instance_cache()
        with contextlib.ExitStack() as stack:
            if engine == "nodes":
                scheduler: Any = stack.enter_context(actorsched.RemoteScheduler(url))
            else:
                scheduler = stack.enter_context(
                    actorsched.Scheduler(retry_delay=delay_s(scenario), resources={"line": 1})
                )
            result = actorsched.build(
                scenario.make(folder),
                workers={"two": 2, "nodes": 0}.get(engine, 1),
                scheduler=scheduler,
                execution="inline" if engine == "inline" else "process",
                keep_alive=scenario.retries,
                **options,
            )
        fates = {task.task_id: fate for fate, tasks in result.tasks.items() for task in tasks}
        if engine == "nodes":  # it was theirs to run
            fates = {name: "ran" if fate == "run_by_others" else fate for name, fate in fates.items()}
        told.append({"status": result.status.name, "good": result.succeeded, "fates": fates})
    return told


def story(folder: Path) -> list[str]:
    file = folder / "story"
    return file.read_text().splitlines() if file.exists() else []


def left(folder: Path) -> dict[str, str]:
    """What lies on the disk: names and contents (of databases only the names)."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "story":
            data = path.read_bytes()
            if path.suffix in (".gz", ".db"):  # these hold a time
                data = b"..."
            found[str(path.relative_to(folder))] = data.decode(errors="replace")
    return found


def main(engine: str, folder: str, url: str = "", *names: str) -> None:
    logging.disable(logging.CRITICAL)
    os.chdir(folder)  # the names of tasks may hold the folder, and are to be the same for all engines
    told = {}
    for number, (name, scenario) in enumerate(SCENARIOS.items()):
        if (names and name not in names) or (scenario.here and engine not in ("luigi", "inline")):
            continue
        place = Path(f"scenario-{number:02}")
        place.mkdir(parents=True)
        for file, text in scenario.before.items():
            (place / file).write_text(text)
        with contextlib.redirect_stderr(io.StringIO()):
            if engine == "luigi":
                runs = with_luigi(scenario, str(place))
            else:
                runs = with_us(scenario, str(place), engine, url)
        told[name] = {"runs": runs, "story": story(place), "left": left(place)}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
