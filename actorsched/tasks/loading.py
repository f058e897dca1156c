"""Load a task by the names that a person or the scheduler gives: module, family, parameters as text."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from actorsched.errors import CallerError, ParameterError, TaskLoadError
from actorsched.names import hint
from actorsched.tasks import families, luigi_bridge
from actorsched.tasks.allowing import check_module
from actorsched.tasks.blame import CAUSE_CHARS_MAX, cause_of, shorten
from actorsched.tasks.parameter import MISSING

#: so much of a traceback from the user's module is shown
TAIL_LINES_MAX = 12


class ParameterInfo(NamedTuple):
    """A parameter, for `--help`.

    Attributes:
        type_text: its type as the user wrote it.
        default: the text of the default; None when it is required, "…" when it is computed or private.
        is_flag: whether it is a truth value.
    """

    name: str
    type_text: str
    default: str | None
    required: bool
    help: str
    is_flag: bool = False


def load_module(path_or_module: str) -> ModuleType:
    """Import the module of this name, or the one in this file.

    A file's folder is put in front of the module path, and the file is imported under its own name, so that
    child processes and other nodes can import it in the same way.

    Raises:
        TaskLoadError: there is no such file or module, or it cannot be imported.
    """
    if path_or_module.endswith(".py") or os.sep in path_or_module or "/" in path_or_module:
        return _load_file(path_or_module)
    if os.path.isdir(path_or_module) and not _importable_folder(path_or_module):
        raise TaskLoadError(f"{path_or_module!r} is a folder: name a file in it, or a module")
    return _load_named(path_or_module)


def _importable_folder(name: str) -> bool:
    return name.isidentifier()


def _load_file(path: str) -> ModuleType:
    full = os.path.abspath(path)
    folder, file = os.path.split(full)
    stem, suffix = os.path.splitext(file)
    if os.path.isdir(full):
        raise TaskLoadError(f"{path!r} is a folder: name a .py file in it")
    if not os.path.exists(full):
        raise TaskLoadError(f"no file {path!r}{_nearest_file(folder, file)}")
    if suffix != ".py":
        raise TaskLoadError(f"{path!r} is no Python file: its name must end in .py")
    if not stem.isidentifier():
        raise TaskLoadError(f"{path!r} cannot be imported: {stem!r} is no name for a module; rename the file")
    loaded = sys.modules.get(stem)
    if loaded is not None:
        place = getattr(loaded, "__file__", None)
        if place is None or os.path.realpath(place) != os.path.realpath(full):
            raise TaskLoadError(
                f"{path!r} cannot be imported as {stem!r}: a module of this name is loaded already, "
                f"from {place or 'Python itself'}; rename the file"
            )
        return loaded
    if folder not in sys.path:
        sys.path.insert(0, folder)
    elif sys.path[0] != folder:
        sys.path.remove(folder)
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    return _import(stem, path)


def _load_named(name: str) -> ModuleType:
    if name == "__main__":
        raise TaskLoadError(
            "the module '__main__' is another one in each process: put the tasks into a module of their own"
        )
    if name in sys.modules:
        return sys.modules[name]
    here = os.getcwd()
    top = name.partition(".")[0]
    local = os.path.exists(os.path.join(here, f"{top}.py")) or os.path.isdir(os.path.join(here, top))
    if local and here not in sys.path and "" not in sys.path:
        sys.path.append(here)  # behind everything else: a file here hides no module
    return _import(name, name)


def _import(name: str, shown: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            near = _nearest_file(os.getcwd(), f"{name}.py")
            raise TaskLoadError(
                f"no module {shown!r}: neither installed nor in the current folder; "
                f"set PYTHONPATH, or give the path of a .py file{near}"
            ) from None
        raise _broken(shown, error) from None
    except BaseException as error:  # a module may call sys.exit()
        raise _broken(shown, error) from None


def _broken(shown: str, error: BaseException) -> TaskLoadError:
    """Return the error for a module that raises: with the end of the traceback, from its own frames on."""
    import traceback

    tail = error.__traceback__
    while tail is not None and _is_machinery(tail.tb_frame.f_code.co_filename):
        tail = tail.tb_next
    lines = "".join(traceback.format_exception(type(error), error, tail)).rstrip().splitlines()
    if len(lines) > TAIL_LINES_MAX:
        lines = ["  …", *lines[-TAIL_LINES_MAX:]]
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    remedy = "; say: pip install 'actorsched[luigi]'" if missing == "luigi" else ""
    return TaskLoadError("\n".join([f"{shown!r} cannot be imported: {cause_of(error)}{remedy}", *lines]))


def _is_machinery(file: str) -> bool:
    return file.startswith("<frozen importlib") or file == importlib.__file__ or file == __file__


def _nearest_file(folder: str, file: str) -> str:
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    except OSError:
        return f"; there is no folder {folder!r}"
    return hint(file, names)


def find_family(name: str, module: ModuleType | str | None = None) -> Any:
    """Return the task class with this family name, native or Luigi's.

    Args:
        module: look here first: at what is defined in it, then at what it has imported; when given and
            nothing is found, everything that is known is searched.

    Raises:
        TaskLoadError: there is none (lists those of the module), or it is ambiguous.
    """
    place = module.__name__ if isinstance(module, ModuleType) else module
    if place:
        found = families.candidates(name, place) + luigi_bridge.candidates(name, place)
        if found:
            return families.most_derived(name, found)
        imported = getattr(sys.modules.get(place), name.rpartition(".")[2], None)
        if isinstance(imported, type) and getattr(imported, "task_family", None) == name:
            return imported
    found = families.candidates(name) + luigi_bridge.candidates(name)
    if found:
        return families.most_derived(name, found)
    known = families.families(place) + luigi_bridge.families(place)
    where = f" in {place}" if place else ""
    raise TaskLoadError(f"no task {name!r}{where}{hint(name, known, 'tasks there' if place else 'tasks')}")


def load_task(
    module: str | None,
    family: str,
    str_params: Mapping[str, Any],
    *,
    folders: Sequence[str] | None = None,
    allowed: Sequence[str] = (),
) -> Any:
    """Make a task from what the scheduler knows of it.

    Args:
        folders: what may be imported: modules in these folders; None: any. See `allowing.py`.
        allowed: what may be imported besides, by name.

    Raises:
        TaskLoadError: the module must not or cannot be imported here, or has no such task.
        ParameterError: the parameters do not fit.
    """
    if module and module != "__main__":
        if folders is not None:
            check_module(module, folders, allowed)
        _load_named(module)  # never a file: this name comes from somebody else
    elif module == "__main__" and not families.candidates(family) + luigi_bridge.candidates(family):
        raise TaskLoadError(
            f"task {family!r} was defined in the __main__ of another process, which cannot be imported here: "
            "put it into a module of its own"
        )
    return _made(find_family(family, module), str_params)


def task_from_text(cls: Any, texts: Mapping[str, str]) -> Any:
    """Make a task from the texts that a person gave; dashes in names count as underscores.

    Raises:
        ParameterError: an unknown name (with the nearest one), a text that does not fit, one that is missing.
        TaskLoadError: the class is abstract.
    """
    return _made(cls, {name.replace("-", "_"): text for name, text in texts.items()})


def combined_task(member: Any, texts: Mapping[str, Any]) -> Any:
    """Make the task that stands for a batch: of the class of a member, with the parameters of the batch.

    Private parameters, which no scheduler knows, are those of the member.

    Raises:
        ParameterError, TaskLoadError: as `task_from_text`.
    """
    return _made(type(member), texts, member)


def _made(cls: Any, texts: Mapping[str, Any], member: Any = None) -> Any:
    abstract = getattr(cls, "__abstractmethods__", None)
    if abstract:
        raise TaskLoadError(
            f"task {cls.task_family} is abstract: {', '.join(sorted(abstract))} must be defined"
        )
    try:
        if luigi_bridge.is_luigi_class(cls):
            return luigi_bridge.from_texts(cls, texts, member)
        private = cls._schema.private_values(vars(member)) if member is not None else {}
        return cls(**private, **cls._schema.parse(texts)) if private else cls.from_str_params(texts)
    except (CallerError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a constructor or a batch function of the user's own
        raise ParameterError(
            f"task {cls.task_family} cannot be made: {shorten(cause_of(error), CAUSE_CHARS_MAX)}"
        ) from error


def parameters_of(cls: Any) -> list[ParameterInfo]:
    """Return what `--help` says about the parameters of a task class, native or Luigi's."""
    if luigi_bridge.is_luigi_class(cls):
        return [ParameterInfo(*about) for about in luigi_bridge.parameters_of(cls)]
    infos = []
    for name, parameter in cls.get_params():
        default: str | None = None
        if not parameter.required:
            secret = parameter.default is MISSING or parameter.visibility == "private"
            default = "…" if secret else parameter.form.dump(parameter.default)
        form = parameter.form
        infos.append(
            ParameterInfo(name, form.name, default, parameter.required, parameter.help, form.name == "bool")
        )
    return infos
