"""The few things in which Luigi's tasks differ from ours. Luigi is imported only where the program has it.

When the user's module uses Luigi, it has imported it; `sys.modules` tells. All else goes by the names of
attributes and methods that both kinds of task share.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from actorsched.errors import ParameterError
from actorsched.names import hint

#: a moment to show how one is written
EXAMPLE = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)
#: what Luigi sets on a task while it runs
FORWARDED = (
    "set_tracking_url",
    "set_status_message",
    "set_progress_percentage",
    "decrease_running_resources",
    "scheduler_messages",
)


def _luigi(module: str = "luigi.task") -> Any:
    return sys.modules.get(module)


def is_luigi_class(cls: Any) -> bool:
    """Tell whether this is a task class of Luigi's."""
    luigi = _luigi()
    return luigi is not None and isinstance(cls, type) and issubclass(cls, luigi.Task)


def arrived(task: Any) -> None:
    """Put right what a Luigi task carries from another process: the hash of a text differs there."""
    luigi = _luigi()
    if luigi is not None and isinstance(task, luigi.Task):
        task._Task__hash = hash(task.task_id)


def module_of(task: Any) -> str:
    """Return the module that has to be imported for this task to be made again by name.

    Luigi's own tasks that are about another one (`RangeDaily` and the like, whose `of` is a class) need the
    module of that: Luigi's are known as soon as anything imports Luigi.
    """
    home: str = task.task_module
    if home.partition(".")[0] == "luigi":
        for value in task.param_kwargs.values():
            if is_luigi_class(value) and value.__module__.partition(".")[0] != "luigi":
                return str(value.__module__)
    return home


def made_of(cls: Any, params: Mapping[str, Any], attributes: Mapping[str, Any], left: list[str]) -> Any:
    """Make a Luigi task anew, with what was set on it elsewhere, except for what could not travel."""
    import logging

    task = type.__call__(cls, **params)  # past Luigi's cache of instances
    missing = [name for name in left if name not in vars(task)]
    vars(task).update(attributes)
    logging.getLogger(__name__).debug("attributes that cannot travel were made anew: %s", ", ".join(left))
    if missing:
        logging.getLogger(__name__).info(
            "attributes of %s that cannot travel to another process were left behind: %s",
            task,
            ", ".join(missing),
        )
    return task


def is_dynamic_requirements(thing: Any) -> bool:
    """Tell whether this is Luigi's wrapper around what `run()` yields."""
    return hasattr(type(thing), "flat_requirements") and hasattr(type(thing), "complete")


def candidates(family: str, module: str | None = None) -> list[type]:
    """Return Luigi's visible task classes with this family, of all modules or of one."""
    return [cls for name, cls in _visible(module) if name == family]


def families(module: str | None = None) -> list[str]:
    """Return the families of Luigi's visible task classes, of all modules or of one."""
    return list(dict.fromkeys(name for name, _ in _visible(module)))


def _visible(module: str | None) -> list[tuple[str, type]]:
    register = _luigi("luigi.task_register")
    if register is None:
        return []
    return [
        (cls.get_task_family(), cls)
        for cls in register.Register._reg
        if cls._visible_in_registry and (module is None or cls.__module__ == module)
    ]


def listening() -> Iterator[tuple[type, dict[str, list[Callable[..., Any]]]]]:
    """Yield Luigi's classes that have handlers of events: event → handlers."""
    luigi = _luigi()
    if luigi is not None:
        for cls, callbacks in list(luigi.Task._event_callbacks.items()):
            found = {event: list(each) for event, each in callbacks.items() if each}
            if found:
                yield cls, found


#: how Luigi was told to log, if a run was begun in Luigi's way: its file of settings, and its level
_logging: tuple[str, str] | None = None


def remember_logging(conf_file: str, level: str) -> None:
    """Note how Luigi was told to log, for child processes."""
    global _logging
    _logging = conf_file, level


def settings_said() -> Any:
    """Return Luigi's settings as they are now, with those of its command line; None without Luigi.

    The second part of each parser is what it holds: of a cfg file its sections, raw; of a toml file its data.
    """
    configuration = _luigi("luigi.configuration.core")
    if configuration is None:
        return None
    parsers = {
        name: (list(cls._config_paths), _held(cls._instance))
        for name, cls in configuration.PARSERS.items()
        if cls._instance is not None
    }
    command_line = _luigi("luigi.cmdline_parser")
    parser = None if command_line is None else command_line.CmdlineParser.get_instance()
    return parsers, None if parser is None else vars(parser.known_args), _logging


def _held(parser: Any) -> Any:
    if hasattr(parser, "data"):
        return {section: dict(content) for section, content in parser.data.items()}
    return dict(parser.defaults()), {name: dict(parser._sections[name]) for name in parser.sections()}


def take_settings(said: Any) -> None:
    """Use the settings of another process; imports Luigi."""
    if said is None:
        return
    import argparse

    import luigi.cmdline_parser
    import luigi.configuration.core

    parsers, known_args, how_to_log = said
    for name, (paths, held) in parsers.items():
        cls = luigi.configuration.core.PARSERS[name]
        cls._config_paths = list(paths)
        parser = cls.instance()
        if hasattr(parser, "data"):
            parser.data = held
            continue
        defaults, sections = held
        parser.clear()  # all sections but the defaults
        parser.defaults().clear()
        parser.defaults().update(defaults)
        for section, content in sections.items():
            parser.add_section(section)
            parser._sections[section].update(content)  # raw: set() would refuse a lonely %
    if known_args is not None:
        parser = object.__new__(luigi.cmdline_parser.CmdlineParser)
        parser.known_args = argparse.Namespace(**known_args)
        luigi.cmdline_parser.CmdlineParser._instance = parser
    if how_to_log is not None:
        _log_as(*how_to_log)


def _log_as(conf_file: str, level: str) -> None:
    """Log as Luigi was told to; what goes to the console anyway is left to the child."""
    import argparse
    import logging

    from luigi.setup_logging import InterfaceLogging

    options = argparse.Namespace(background=None, logdir=None, logging_conf_file=conf_file, log_level=level)
    if InterfaceLogging.config.getboolean("core", "no_configure_logging", False):
        return
    if not (InterfaceLogging._conf(options) or InterfaceLogging._section(options)):
        logging.getLogger("luigi-interface").setLevel(level)


def from_texts(cls: Any, texts: Mapping[str, Any], member: Any = None) -> Any:
    """Make a Luigi task from the text of its parameters. (Luigi itself ignores unknown names.)

    Private parameters are those of `member`, where there is one.

    Raises:
        ParameterError: an unknown name, a text that does not fit, a required parameter that is missing.
    """
    family = cls.get_task_family()
    known = dict(cls.get_params())
    absent: set[str] = set()
    for name, text in texts.items():
        if name not in known:
            near = hint(name, known, "its parameters")
            raise ParameterError(f"task {family} has no parameter {name!r}{near}")
        if isinstance(text, str):
            if text == ABSENT and _may_be_none(known[name], family, name):
                absent.add(name)
                continue
            try:
                known[name].parse(text)
            except Exception as error:
                secret = int(known[name].visibility) == PRIVATE
                raise ParameterError(
                    f"task {family}, parameter {name!r}: got {'<private>' if secret else repr(text)}, "
                    f"expected {_type_text(known[name])}{_hint(known[name])} ({type(error).__name__})"
                ) from None
    private = {
        name: getattr(member, name)
        for name, about in known.items()
        if member is not None and int(about.visibility) == PRIVATE and name not in texts
    }
    missing = [
        name
        for name, about in known.items()
        if name not in texts and name not in private and not about.has_task_value(family, name)
    ]
    if missing:
        raise ParameterError(f"task {family}: required and not given: {', '.join(missing)}")
    if not private and not absent:
        return cls.from_str_params(texts)
    values = {name: None if name in absent else _value(known[name], text) for name, text in texts.items()}
    return cls(**values, **private)


def _may_be_none(parameter: Any, family: str, name: str) -> bool:
    """Whether the text "None" stands for None: not where it is an ordinary text, or something is required."""
    if not parameter.has_task_value(family, name):
        return False
    if parameter.task_value(family, name) is None:
        return True
    try:
        parameter.parse(ABSENT)
    except Exception:
        return True
    return False


def _value(parameter: Any, text: Any) -> Any:
    return parameter._parse_list(text) if isinstance(text, list) else parameter.parse(text)


def parameters_of(cls: Any) -> list[tuple[str, str, str | None, bool, str, bool]]:
    """Return name, type, text of the default, required, help, whether it is a flag, of each parameter."""
    family = cls.get_task_family()
    found = []
    for name, about in cls.get_params():
        required = not about.has_task_value(family, name)
        default = None
        if not required:
            secret = int(about.visibility) == PRIVATE
            default = "…" if secret else about.serialize(about.task_value(family, name))
        kind = _type_text(about)
        found.append((name, kind, default, required, about.description or "", kind in FLAGS))
    return found


def _type_text(parameter: Any) -> str:
    return type(parameter).__name__


def _hint(parameter: Any) -> str:
    """What its text looks like, as far as the parameter tells."""
    choices = getattr(parameter, "_choices", None) or getattr(parameter, "_enum", None)
    if choices:
        texts = [str(getattr(each, "name", each)) for each in choices]
        return ", one of " + ", ".join(sorted(texts) if isinstance(choices, set | frozenset) else texts)
    pattern = getattr(parameter, "date_format", "")
    return f", such as {EXAMPLE.strftime(pattern)}" if pattern else ""


#: how Luigi writes None as the value of a parameter that has no text of its own for it
ABSENT = "None"
#: Luigi's ParameterVisibility.PRIVATE
PRIVATE = 2
FLAGS = frozenset({"BoolParameter", "OptionalBoolParameter"})
