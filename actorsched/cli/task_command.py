"""A command whose options depend on its arguments: the parameters of the chosen task.

The line is read twice. First only as far as PATH_OR_MODULE and TASK, which is why they come before the
task's parameters; then the task's class is loaded and its parameters become options like all
others. Where a parameter has the name of an option of ours, the option is meant; every parameter can
also be written `--param-NAME`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actorsched.cli.sections import SectionedCommand
from actorsched.names import nearest

if TYPE_CHECKING:
    from actorsched.tasks.loading import ParameterInfo

#: the values of the task's parameters are found under these names
PREFIX = "task_param_"
OFF_PREFIX = "task_param_off_"
_CLASS = "actorsched.task_class"
_INFOS = "actorsched.task_parameters"
_OPTIONS = "actorsched.task_options"
_MODULE = "actorsched.module"
_PATH = "actorsched.path"


class TaskCommand(SectionedCommand):
    """See the top of the module; `chosen` and `texts_of` give a callback what was found."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        positionals = self._positionals(ctx, args)
        if positionals:
            self._load(ctx, positionals)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise self._unknown(ctx, error.option_name) from None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *ctx.meta.get(_OPTIONS, ())]

    def _positionals(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The first two words that are neither options nor values of options."""
        own = {name: param for param in self.get_params(ctx) for name in (*param.opts, *param.secondary_opts)}
        found: list[str] = []
        rest = iter(args)
        for word in rest:
            if len(found) == 2 or word == "--":
                break
            if not word.startswith("-") or word == "-":
                found.append(word)
                continue
            name, has_value, _ = word.partition("=")
            param = own.get(name)
            if param is None:
                near = nearest(name, own)
                hint = f"; did you mean {near}?" if near else ""
                raise click.UsageError(
                    f"unknown option {name!r} before the name of the task{hint} "
                    "(the parameters of a task come after it: actorsched run PATH TASK --param value)",
                    ctx,
                )
            if not has_value and isinstance(param, click.Option) and not param.is_flag and name != "--help":
                next(rest, None)
        return found

    def _load(self, ctx: click.Context, positionals: list[str]) -> None:
        from actorsched.tasks.loading import find_family, load_module, parameters_of

        module = load_module(positionals[0])
        ctx.meta[_MODULE], ctx.meta[_PATH] = module, positionals[0]
        if len(positionals) == 1:
            return
        cls = find_family(positionals[1], module)
        own = {name for param in self.params for name in (*param.opts, *param.secondary_opts)} | {
            "--help",
            "-h",
        }
        infos = parameters_of(cls)
        ctx.meta[_CLASS], ctx.meta[_INFOS] = cls, infos
        ctx.meta[_OPTIONS] = [option for info in infos for option in _options_for(info, infos, own)]

    def _unknown(self, ctx: click.Context, name: str) -> click.UsageError:
        infos = ctx.meta.get(_INFOS)
        if infos is None:
            return click.UsageError(f"unknown option {name!r}", ctx)
        cls = ctx.meta[_CLASS]
        family, plain = cls.task_family, name.lstrip("-").replace("-", "_")
        if plain in vars(cls) and not callable(vars(cls)[plain]):
            return click.UsageError(
                f"task {family} has no parameter {name!r}: {plain} is a plain attribute of it; a parameter"
                f" has an annotation, as in {plain}: int = 5",
                ctx,
            )
        flags = [flag for param in self.get_params(ctx) for flag in (*param.opts, *param.secondary_opts)]
        near = nearest(name, [f"--{info.name}" for info in infos] + flags)
        if near:
            hint = f"did you mean {_dashed(near)}?"
        else:
            known = ", ".join(f"--{_dashed(info.name)}" for info in infos) or "none"
            hint = f"its parameters: {known}"
        return click.UsageError(f"task {family} has no parameter {name!r}; {hint}", ctx)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        cls = ctx.meta.get(_CLASS)
        if cls is None:
            formatter.write_usage(ctx.command_path, "PATH_OR_MODULE TASK [--param value …] [OPTIONS]")
            return
        path = ctx.meta[_PATH]
        needed = [
            f"--{_dashed(info.name)} {info.type_text.upper()}" for info in ctx.meta[_INFOS] if info.required
        ]
        formatter.write_usage(ctx.command_path, " ".join([path, cls.task_family, *needed, "[OPTIONS]"]))

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        cls = ctx.meta.get(_CLASS)
        if cls is None:
            super().format_help_text(ctx, formatter)
            return
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(first_paragraph(cls) or f"Run {cls.task_family} and all that it requires.")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        cls, module = ctx.meta.get(_CLASS), ctx.meta.get(_MODULE)
        if cls is not None:
            with formatter.section(f"Parameters of {cls.task_family}"):
                rows = [describe(info, shadowed=self._shadows(info.name)) for info in ctx.meta[_INFOS]]
                if rows:
                    formatter.write_dl(rows)
                else:
                    formatter.write_text("It has none.")
        elif module is not None:
            with formatter.section(f"Tasks in {module.__name__}"):
                formatter.write_dl([(task.task_family, first_paragraph(task)) for task in tasks_in(module)])
        super().format_options(ctx, formatter)

    def _shadows(self, name: str) -> bool:
        return any(f"--{form}" in param.opts for param in self.params for form in (name, _dashed(name)))


def chosen(ctx: click.Context) -> Any:
    """The task's class; None when the line names only a module."""
    return ctx.meta.get(_CLASS)


def module_of(ctx: click.Context) -> Any:
    return ctx.meta[_MODULE]


def texts_of(ctx: click.Context) -> dict[str, str]:
    """The values that were given for the task's parameters, as text by name."""
    texts: dict[str, str] = {}
    for info in ctx.meta[_INFOS]:
        given = ctx.params.get(PREFIX + info.name)
        if given is not None:
            texts[info.name] = given
        if ctx.params.get(OFF_PREFIX + info.name):
            if given is not None:
                raise click.UsageError(
                    f"--{_dashed(info.name)} and --no-{_dashed(info.name)} contradict each other"
                )
            texts[info.name] = "false"
    return texts


def tasks_in(module: Any) -> list[Any]:
    """The task classes that are defined in a module, native and Luigi's, in the order of definition."""
    found: dict[int, Any] = {}
    for thing in vars(module).values():
        family = getattr(thing, "task_family", None)
        if isinstance(thing, type) and isinstance(family, str) and thing.__module__ == module.__name__:
            found[id(thing)] = thing
    return list(found.values())


def first_paragraph(cls: Any) -> str:
    """What a class says of itself; nothing when it only inherits a text."""
    text = (cls.__dict__.get("__doc__") or "").strip()
    return " ".join(text.split("\n\n")[0].split())


def describe(info: ParameterInfo, *, shadowed: bool = False) -> tuple[str, str]:
    """How a parameter appears in a help text."""
    name = _dashed(info.name)
    name = f"param-{name}" if shadowed else name
    left = f"--{name} / --no-{name}" if info.is_flag and not shadowed else f"--{name} {info.type_text}"
    notes = "[required]" if info.required else f"[default: {info.default}]"
    return left, f"{info.help}  {notes}".strip()


def _options_for(info: ParameterInfo, infos: list[ParameterInfo], own: set[str]) -> list[click.Option]:
    forms = dict.fromkeys((_dashed(info.name), info.name))
    others = {
        form for other in infos if other.name != info.name for form in (other.name, _dashed(other.name))
    }
    flags = [f"--{form}" for form in forms if f"--{form}" not in own]
    flags += [f"--param-{form}" for form in forms if f"param-{form}" not in others]
    if not info.is_flag:
        return [_option(PREFIX + info.name, flags)]
    options = [_option(PREFIX + info.name, flags, is_flag=False, flag_value="true")]
    off = [f"--no-{form}" for form in forms if f"--no-{form}" not in own and f"no_{info.name}" not in others]
    if off:
        options.append(_option(OFF_PREFIX + info.name, off, is_flag=True))
    return options


def _option(dest: str, flags: list[str], **more: Any) -> click.Option:
    # a variable such as ACTORSCHED_DAY must not change what a task is
    return click.Option([dest, *flags], type=None if more.get("is_flag") else str,
                        allow_from_autoenv=False, expose_value=True, **more)  # fmt: skip


def _dashed(name: str) -> str:
    head = name[: len(name) - len(name.lstrip("-"))]
    return head + name[len(head) :].replace("_", "-")
