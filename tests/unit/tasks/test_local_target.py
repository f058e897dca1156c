"""A file is there as a whole or not at all."""

from __future__ import annotations

import gc
import io
import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from actorsched import LocalTarget
from actorsched.errors import TaskDefinitionError


def inside(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.fixture
def target(tmp_path: Path) -> LocalTarget:
    return LocalTarget(tmp_path / "file.txt")


@pytest.mark.parametrize("ending", ["", ".txt"])
@pytest.mark.parametrize("format", ["text", "binary"])
def test_what_is_written_appears_when_it_is_closed(tmp_path: Path, format: str, ending: str) -> None:
    """And not before; the folder is made."""
    target = LocalTarget(tmp_path / "new" / "folder" / f"file{ending}", format)  # type: ignore[arg-type]
    content = "é\r\nb" if format == "text" else b"\x00\xff"
    assert not target.exists()
    with target.open("w") as stream:
        stream.write(content)
        stream.flush()
        assert not target.exists()
        (temporary,) = inside(tmp_path / "new" / "folder")
        assert temporary.startswith(".tmp-")
        assert temporary.endswith(f"file{ending}")  # some judge a file by its suffix
    assert target.exists()
    assert inside(tmp_path / "new" / "folder") == [f"file{ending}"]
    assert Path(target).read_bytes() == ("é\r\nb".encode() if format == "text" else content)


def test_the_newlines_of_a_text_are_read_as_python_does(target: LocalTarget) -> None:
    """It is an ordinary text file."""
    with target.open("w") as stream:
        print("a", "b", sep="\n", file=stream)
    with target.open() as stream:
        assert list(stream) == ["a\n", "b\n"]


def test_it_is_a_real_file(target: LocalTarget) -> None:
    """Whatever wants a file takes it."""
    with target.open("w") as stream:
        assert isinstance(stream, io.TextIOWrapper)
        json.dump({"a": 1}, stream)
    with LocalTarget(target.path, "binary").open("w") as stream:
        assert isinstance(stream, io.BufferedWriter)
        pickle.dump({"a": 1}, stream)
    with LocalTarget(target.path, "binary").open() as stream:
        assert pickle.load(stream) == {"a": 1}


def write_and_fail(stream: Any, content: Any) -> None:
    stream.write(content)
    stream.flush()
    raise ZeroDivisionError


@pytest.mark.parametrize("format", ["text", "binary"])
def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path, format: str) -> None:
    """What was there before stays."""
    target = LocalTarget(tmp_path / "file", format)  # type: ignore[arg-type]
    for before in ([], ["file"]):
        with pytest.raises(ZeroDivisionError), target.open("w") as stream:
            write_and_fail(stream, "new" if format == "text" else b"new")
        assert inside(tmp_path) == before
        (tmp_path / "file").write_text("old")
    assert (tmp_path / "file").read_text() == "old"


def test_a_file_that_is_never_closed_does_not_appear(target: LocalTarget, tmp_path: Path) -> None:
    """A forgotten close may mean that something went wrong in between."""
    stream = target.open("w")
    stream.write("half")
    del stream
    gc.collect()
    assert inside(tmp_path) == []


def test_a_text_that_cannot_be_encoded_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nor does an encoding that does not exist."""
    with pytest.raises(UnicodeEncodeError), LocalTarget(tmp_path / "a", encoding="ascii").open("w") as stream:
        stream.write("é")
    with pytest.raises(LookupError):
        LocalTarget(tmp_path / "a", encoding="klingon").open("w")
    assert inside(tmp_path) == []


def test_closing_by_hand_and_twice(target: LocalTarget, tmp_path: Path) -> None:
    """The second time does nothing."""
    stream = target.open("w")
    stream.write("a")
    stream.close()
    assert target.exists()
    target.remove()
    stream.close()
    assert inside(tmp_path) == []


def test_the_last_of_two_writers_wins_and_both_were_whole(target: LocalTarget, tmp_path: Path) -> None:
    """Each writes to a name of its own."""
    with target.open("w") as one:
        with target.open("w") as two:
            two.write("two")
        one.write("one")
        assert Path(target).read_text() == "two"
    assert Path(target).read_text() == "one"
    assert inside(tmp_path) == ["file.txt"]


def test_a_folder_in_the_way_is_an_error_and_nothing_is_left(target: LocalTarget, tmp_path: Path) -> None:
    """The rename is the last thing that can fail."""
    (tmp_path / "file.txt").mkdir()
    with pytest.raises(OSError, match=r"file\.txt"), target.open("w") as stream:
        stream.write("a")
    assert inside(tmp_path) == ["file.txt"]


def test_a_long_name_still_finds_a_temporary_one(tmp_path: Path) -> None:
    """Names may have 255 bytes, and characters more than one."""
    for name in ("x" * 255, "é" * 127):
        with LocalTarget(tmp_path / name).open("w") as stream:
            stream.write("a")
        assert inside(tmp_path) == [name]
        (tmp_path / name).unlink()


def fill_and_fail(path: Path, folder: bool) -> None:
    if folder:
        path.mkdir()
        (path / "part").write_text("a")
    else:
        path.write_text("a")
    path.mkdir()


@pytest.mark.parametrize("folder", [False, True])
def test_a_temporary_path_becomes_the_target(tmp_path: Path, folder: bool) -> None:
    """For programs that want a name, and for whole folders."""
    target = LocalTarget(tmp_path / "out" / "result")
    with target.temporary_path() as path:
        assert not target.exists()
        if folder:
            Path(path).mkdir()
            (Path(path) / "part").write_text("a")
        else:
            Path(path).write_text("a")
    assert target.exists()
    assert inside(tmp_path / "out") == ["result"]
    target.remove()
    with pytest.raises(FileExistsError), target.temporary_path() as path:
        fill_and_fail(Path(path), folder)
    assert inside(tmp_path / "out") == []
    with (
        pytest.raises(FileNotFoundError, match=r"nothing was written to .*, which should become .*result"),
        target.temporary_path(),
    ):
        pass


def test_removing_files_folders_and_nothing(tmp_path: Path) -> None:
    """What a link points at stays."""
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    LocalTarget(tmp_path / "link").remove()
    assert inside(tmp_path) == ["folder"]
    LocalTarget(tmp_path / "folder").remove()
    assert inside(tmp_path) == []
    with pytest.raises(FileNotFoundError, match="folder"):
        LocalTarget(tmp_path / "folder").remove()


def test_a_target_is_its_path(target: LocalTarget) -> None:
    """It goes where paths go."""
    assert target == LocalTarget(target.path)
    assert hash(target) == hash(LocalTarget(target.path))
    assert target != LocalTarget("/other")
    assert os.fspath(target) == str(target) == target.path
    assert repr(target) == f"LocalTarget({target.path!r})"
    assert pickle.loads(pickle.dumps(target)) == target


def test_what_cannot_be_meant_is_refused(target: LocalTarget) -> None:
    """With what could be."""
    with pytest.raises(TaskDefinitionError, match="format is 'text' or 'binary', not 'gzip'"):
        LocalTarget("/x", "gzip")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"open\('a'\) of .*: 'r' or 'w'"):
        target.open("a")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        target.open("r")
