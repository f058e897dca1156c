"""The Luigi example makes the same files under Luigi and under us; native tasks need no Luigi."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
TIMEOUT_S = 100


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES), "XDG_STATE_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=folder, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_luigi_example_gives_the_same_files_under_luigi(tmp_path: Path) -> None:
    """Every day's log and summary, the seals that a handler wrote, and what was found out while running."""
    options = ["--month", "2024-02", "--hits", "200", "--out"]
    names = ["luigi_pipeline", "MonthReport"]
    run(
        ["-m", "luigi", "--module", *names, *options, str(tmp_path / "a"), "--local-scheduler", "--no-lock"],
        tmp_path,
    )
    run(["-m", "actorsched", "run", *names, *options, str(tmp_path / "b"), "--workers", "2"], tmp_path)
    theirs, ours = files(tmp_path / "a"), files(tmp_path / "b")
    assert ours == theirs
    assert len(ours) == 29 * 3 + 3 + 2  # logs, summaries, seals; three days in detail; two pages


NATIVE = """
import sys
from pathlib import Path
import actorsched


class Here(actorsched.Task):
    out: Path

    def output(self):
        return actorsched.LocalTarget(self.out)

    def run(self):
        with self.output().open("w") as stream:
            stream.write(repr("luigi" in sys.modules))


if __name__ == "__main__":
    result = actorsched.build([Here(Path(sys.argv[1]))], execution=sys.argv[2])
    assert result.succeeded, result.summary_text
    print("luigi" in sys.modules)
"""


@pytest.mark.parametrize("execution", ["process", "inline"])
def test_luigi_is_not_imported_for_native_tasks(tmp_path: Path, execution: str) -> None:
    """Neither in the program nor in its children: it takes long, and need not be installed."""
    (tmp_path / "native.py").write_text(NATIVE)
    done = run(["native.py", "out.txt", execution], tmp_path)
    assert done.stdout == "False\n"
    assert (tmp_path / "out.txt").read_text() == "False"


WITHOUT = """
import sys
sys.modules["luigi"] = None  # as if it were not installed
sys.argv = ["actorsched", "run", "native.py", "Here", "--out", "out.txt"]
from actorsched.cli.main import main
main()
"""


def test_the_command_runs_where_luigi_is_not_installed(tmp_path: Path) -> None:
    """It is an extra."""
    (tmp_path / "native.py").write_text(NATIVE)
    (tmp_path / "without.py").write_text(WITHOUT)
    run(["without.py"], tmp_path)
    assert (tmp_path / "out.txt").exists()
