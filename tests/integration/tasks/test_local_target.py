"""A file is there as a whole or not at all: when disks are full, processes die, and others write too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from actorsched import LocalTarget

TIMEOUT_S = 60


def python(code: str, *args: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


FULL = """
import resource, signal, sys
from actorsched import LocalTarget
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
target = LocalTarget(sys.argv[1], sys.argv[2])
try:
    with target.open("w") as stream:
        for _ in range(int(sys.argv[3])):
            stream.write("x" * 1000 if sys.argv[2] == "text" else b"x" * 1000)
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("format", ["text", "binary"])
@pytest.mark.parametrize("thousands", [101, 500])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, format: str, thousands: int) -> None:
    """Whether it is noticed while writing or only by the last flush."""
    done = python(FULL, tmp_path / "file", format, thousands)
    assert done.stdout.strip() == os.strerror(27), done.stderr  # EFBIG: as good as ENOSPC, and needs no root
    assert done.stderr == ""
    assert os.listdir(tmp_path) == []


DIES = """
import os, signal, sys
from actorsched import LocalTarget
with LocalTarget(sys.argv[1]).open("w") as stream:
    stream.write("half")
    stream.flush()
    os.kill(os.getpid(), int(sys.argv[2]))
"""


def test_a_killed_writer_leaves_only_its_temporary_file(tmp_path: Path) -> None:
    """It can be told by its name; the next writer is not disturbed."""
    done = python(DIES, tmp_path / "file", int(signal.SIGKILL))
    assert done.returncode == -signal.SIGKILL
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".tmp-")
    with LocalTarget(tmp_path / "file").open("w") as stream:
        stream.write("whole")
    assert (tmp_path / "file").read_text() == "whole"


EXITS = """
import sys
from actorsched import LocalTarget
stream = LocalTarget(sys.argv[1]).open("w")
stream.write("half")
sys.exit(0)
"""


def test_a_program_that_forgets_to_close_leaves_nothing(tmp_path: Path) -> None:
    """Also at the end of the interpreter."""
    done = python(EXITS, tmp_path / "file")
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(tmp_path) == []


WRITES = """
import sys
from actorsched import LocalTarget
for n in range(200):
    with LocalTarget(sys.argv[1]).open("w") as stream:
        for _ in range(50):
            stream.write(sys.argv[2] * 100)
"""


def test_a_reader_never_sees_half_of_what_several_write(tmp_path: Path) -> None:
    """Three processes write the same file two hundred times; each reading is one of theirs, whole."""
    path = tmp_path / "file"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITES, str(path), letter], stderr=subprocess.PIPE)
        for letter in "abc"
    ]
    try:
        while any(writer.poll() is None for writer in writers):
            if path.exists():
                content = path.read_text()
                assert len(content) == 5000
                assert content == content[0] * 5000
    finally:
        for writer in writers:
            writer.kill() if writer.poll() is None else None
            _, errors = writer.communicate(timeout=TIMEOUT_S)
            assert errors == b""
    assert path.read_text() in {letter * 5000 for letter in "abc"}
    assert os.listdir(tmp_path) == ["file"]
