"""A task is made again from the names that a person or a scheduler gives."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from actorsched import Task
from actorsched.errors import ParameterError, TaskLoadError
from actorsched.tasks import families
from actorsched.tasks.loading import (
    ParameterInfo,
    find_family,
    load_module,
    load_task,
    parameters_of,
    task_from_text,
)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write modules into a folder of their own, which is the current one; they are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), set(sys.modules)

    def write(name: str, text: str) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    yield write
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


HELLO = "from actorsched import Task\nclass Hello(Task):\n    name: str = 'you'\n    times: int = 1\n"


def test_a_file_is_imported_under_its_own_name(write: Write, tmp_path: Path) -> None:
    """Child processes import it in the same way."""
    file = write("sub/hello_tasks.py", HELLO)
    module = load_module(str(file))
    assert module.__name__ == "hello_tasks"
    assert sys.path[0] == str(tmp_path / "sub")
    assert load_module("sub/hello_tasks.py") is module
    assert load_module("hello_tasks") is module
    assert module.Hello().task_module == "hello_tasks"


def test_a_module_in_the_current_folder_is_found_without_a_path(write: Write, tmp_path: Path) -> None:
    """As `python -m` would; but it hides no installed one."""
    write("near_tasks.py", HELLO)
    write("json.py", "raise SystemExit(5)")
    assert load_module("near_tasks").Hello().task_module == "near_tasks"
    assert sys.path[-1] == str(tmp_path)
    assert load_module("json").__name__ == "json"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("helo_tasks.py", "no file 'helo_tasks.py'; did you mean 'hello_tasks.py'?"),
        ("nowhere/tasks.py", "no file 'nowhere/tasks.py'; there is no folder"),
        ("./folder", "'./folder' is a folder: name a .py file in it"),
        ("./notes.txt", "'./notes.txt' is no Python file: its name must end in .py"),
        ("./my-tasks.py", "'my-tasks' is no name for a module; rename the file"),
        ("./string.py", "a module of this name is loaded already"),
        (
            "helo_tasks",
            "no module 'helo_tasks': neither installed nor in the current folder; set PYTHONPATH, or give the"
            " path of a .py file; did you mean 'hello_tasks.py'?",
        ),
        ("hello_tasks.sub", "no module 'hello_tasks.sub'"),
        ("__main__", "the module '__main__' is another one in each process"),
        ("./exits.py", "'./exits.py' cannot be imported: sys.exit(7) was called"),
        ("broken", "'broken' cannot be imported: ZeroDivisionError: division by zero"),
        ("./needs.py", "cannot be imported: ModuleNotFoundError: No module named 'not_installed_at_all'"),
        ("./syntax.py", "cannot be imported: SyntaxError"),
    ],
)
def test_what_cannot_be_loaded_is_told_with_a_hint(write: Write, path: str, words: str) -> None:
    """Nothing else comes out than this error, whatever the module does."""
    import string  # noqa: F401  # loaded under this name

    write("hello_tasks.py", HELLO)
    write("folder/x.py", "")
    write("notes.txt", "")
    write("my-tasks.py", HELLO)
    write("string.py", HELLO)
    write("exits.py", "import sys\nsys.exit(7)")
    write("broken.py", "def f():\n    return 1 / 0\nf()\n")
    write("needs.py", "import not_installed_at_all")
    write("syntax.py", "def f(:\n")
    with pytest.raises(TaskLoadError) as caught:
        load_module(path)
    assert words in str(caught.value)
    assert "importlib" not in str(caught.value)


def test_a_broken_module_shows_where(write: Write) -> None:
    """The end of its own traceback."""
    write("broken.py", "def f():\n    return 1 / 0\nf()\n")
    with pytest.raises(TaskLoadError) as caught:
        load_module("broken")
    assert "return 1 / 0" in str(caught.value)
    assert "broken.py" in str(caught.value)


def test_a_task_is_made_from_module_family_and_texts(write: Write) -> None:
    """What a scheduler knows is enough."""
    write("hello_tasks.py", HELLO)
    task = load_task("hello_tasks", "Hello", {"name": "Ada", "times": "3"})
    assert repr(task) == "Hello(name=Ada, times=3)"
    assert load_task(task.task_module, task.task_family, task.to_str_params()) == task


@pytest.mark.parametrize(
    ("family", "texts", "words"),
    [
        ("Helo", {}, "no task 'Helo' in hello_tasks; did you mean 'Hello'?"),
        ("Xyz", {}, "no task 'Xyz' in hello_tasks; tasks there: Hello"),
        ("Hello", {"times": "many"}, "task Hello, parameter 'times': got 'many', expected int"),
        ("Hello", {"tims": "1"}, "task Hello has no parameter 'tims'; did you mean 'times'?"),
        ("Hello", {"times": ["1", "2"]}, "got 2 values to combine, but it has no batch=…"),
    ],
)
def test_names_and_texts_that_do_not_fit(
    write: Write, family: str, texts: dict[str, Any], words: str
) -> None:
    """With the nearest that does."""
    write("hello_tasks.py", HELLO)
    with pytest.raises((TaskLoadError, ParameterError)) as caught:
        load_task("hello_tasks", family, texts)
    assert words in str(caught.value)


def test_a_task_from_another_main_cannot_be_loaded() -> None:
    """The remedy is in the message."""
    with pytest.raises(TaskLoadError, match=r"was defined in the __main__ of another process.*of its own"):
        load_task("__main__", "NobodyKnowsThis", {})


def test_texts_of_a_person_may_have_dashes() -> None:
    """As options on a command line have."""

    class TwoWords(Task):
        first_word: str
        day: date = date(2024, 1, 1)

    task = task_from_text(TwoWords, {"first-word": "a", "day": "2024-02-29"})
    assert task == TwoWords("a", date(2024, 2, 29))
    with pytest.raises(ParameterError, match=r"TwoWords: required and not given: first_word \(str\)"):
        task_from_text(TwoWords, {})


def test_a_constructor_that_raises_is_told_with_its_task() -> None:
    """Whatever it raises."""

    class Fussy(Task):
        n: int = 0

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if self.n < 0:
                raise RuntimeError("n is negative")

    with pytest.raises(ParameterError, match="task Fussy cannot be made: RuntimeError: n is negative"):
        task_from_text(Fussy, {"n": "-1"})


def test_an_abstract_task_says_what_it_lacks() -> None:
    """Instead of an error of Python's."""
    from abc import ABC, abstractmethod

    class Shape(ABC, Task):
        @abstractmethod
        def area(self) -> float: ...

    with pytest.raises(TaskLoadError, match="task Shape is abstract: area must be defined"):
        task_from_text(Shape, {})


def test_help_is_told_about_parameters() -> None:
    """Name, type, default as text, whether it is required, its line of help, whether it is a flag."""
    from actorsched import param

    class Many(Task):
        day: date
        top: int = 10
        fast: bool = False
        tags: list[str] = param(default_factory=list, help="of the words")

    assert parameters_of(Many) == [
        ParameterInfo("day", "date", None, True, ""),
        ParameterInfo("top", "int", "10", False, ""),
        ParameterInfo("fast", "bool", "False", False, "", is_flag=True),
        ParameterInfo("tags", "list[str]", "…", False, "of the words"),
    ]


# families


def test_a_family_that_means_two_classes_is_ambiguous(write: Write) -> None:
    """Unless the module is named."""
    write("team_a.py", "from actorsched import Task\nclass SameName(Task):\n    a: int = 1\n")
    write("team_b.py", "from actorsched import Task\nclass SameName(Task):\n    b: int = 1\n")
    a, b = load_module("team_a"), load_module("team_b")
    with pytest.raises(
        TaskLoadError, match=r"'SameName' is ambiguous: team_a.SameName, team_b.SameName; give"
    ):
        find_family("SameName")
    assert find_family("SameName", "team_a") is a.SameName
    assert find_family("SameName", b) is b.SameName
    assert load_task("team_b", "SameName", {"b": "2"}).b == 2


def test_what_a_module_has_imported_is_found_in_it(write: Write) -> None:
    """`from tasks import Hello` makes it a task of that file, for those who run it."""
    write("origin_tasks.py", HELLO)
    write("uses_it.py", "from origin_tasks import Hello\n")
    module = load_module("uses_it")
    assert find_family("Hello", module) is module.Hello


def test_of_a_class_and_its_subclass_of_the_same_name_the_subclass_is_meant() -> None:
    """Luigi's way to extend a task in place."""

    class Extended(Task):
        a: int = 1

    base = Extended

    class Extended(base):  # type: ignore[no-redef, misc, valid-type]
        b: int = 2

    Extended.__qualname__ = "another"
    families.register(Extended)
    assert find_family("Extended") is Extended


def test_a_class_that_is_defined_again_replaces_the_old_one() -> None:
    """In a notebook, for instance."""

    def define() -> Any:
        class Again(Task):
            pass

        return Again

    first, second = define(), define()
    assert find_family("Again") is second
    assert first is not second


def test_a_class_that_nobody_holds_is_forgotten() -> None:
    """Classes made inside of functions do not pile up."""

    class Passing(Task):
        pass

    assert "Passing" in families.families()
    del Passing
    gc.collect()
    assert "Passing" not in families.families()
    with pytest.raises(TaskLoadError, match="no task 'Passing'"):
        families.find("Passing")
