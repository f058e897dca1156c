"""The parameters of one task class: collected once, used for every task.

Annotations are looked at when the class is made. What they name may come later in the module; then they
are looked at again when the first task is made.
"""

from __future__ import annotations

import json.encoder
import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import md5
from typing import Any

from actorsched.errors import ParameterError, TaskDefinitionError
from actorsched.names import hint
from actorsched.tasks.annotations import is_class_variable, namespace_of, own_annotations
from actorsched.tasks.parameter import MISSING, VISIBILITY_NUMBERS, Parameter, Spec

# Luigi's form of a task id: the family, the start of the first three values, and a digest of all.
SUMMARY_PARAMS = 3
SUMMARY_CHARS = 16
DIGEST_CHARS = 10
NOT_IN_ID = re.compile(r"[^A-Za-z0-9_]")

_quoted = json.encoder.encode_basestring_ascii


class Schema:
    """What the parameters of a class are, in the order of its constructor.

    Attributes:
        parameters: all of them, inherited ones first.
        by_name: the same by name.
        pending: annotations that could not be looked at yet; the names that they may use.
    """

    def __init__(self, family: str, parameters: Iterable[Parameter]) -> None:
        self.family = family
        self.parameters = tuple(parameters)
        self.by_name = {parameter.name: parameter for parameter in self.parameters}
        self.pending: list[tuple[Parameter, dict[str, Any]]] = []
        self.optional = tuple(parameter for parameter in self.parameters if not parameter.required)
        self.batch_names = [parameter.name for parameter in self.parameters if parameter.batch is not None]
        self._identity: list[tuple[str, str, Callable[[Any], str]]] | None = None

    def resolve(self) -> None:
        """Look at the annotations that are left.

        Raises:
            TaskDefinitionError: one names what is still not defined.
        """
        while self.pending:
            parameter, names = self.pending[-1]
            try:
                parameter.resolve(_evaluator(names, late=True))
            except NameError as error:
                raise TaskDefinitionError(
                    f"parameter {parameter.name!r} of {parameter.owner}: its annotation "
                    f"{parameter.annotation!r} cannot be understood: {error} "
                    "(what it names must exist when the program runs, not only for the type checker)"
                ) from None
            self.pending.pop()

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the checked value of every parameter.

        Raises:
            ParameterError: too many, unknown, doubled or missing ones, or a value that does not fit.
        """
        if self.pending:
            self.resolve()
        family = self.family
        values: dict[str, Any] = {}
        if args:
            if len(args) > len(self.parameters):
                raise ParameterError(
                    f"task {family} takes {len(self.parameters)} parameters "
                    f"({', '.join(self.by_name)}), got {len(args)}"
                )
            for parameter, value in zip(self.parameters, args, strict=False):
                values[parameter.name] = parameter.checked(family, value)
        for name, value in kwargs.items():
            if name in values:
                raise ParameterError(f"task {family}, parameter {name!r}: given by place and by name")
            values[name] = self.named(name).checked(family, value)
        if len(values) < len(self.parameters):
            self._fill(values)
        return values

    def _fill(self, values: dict[str, Any]) -> None:
        for parameter in self.optional:
            if parameter.name not in values:
                if parameter.default is not MISSING:
                    values[parameter.name] = parameter.default
                elif parameter.default_factory is not None:
                    values[parameter.name] = parameter.checked(self.family, parameter.default_factory())
        if len(values) < len(self.parameters):
            missing = [parameter for parameter in self.parameters if parameter.name not in values]
            names = ", ".join(f"{parameter.name} ({parameter.form.name})" for parameter in missing)
            raise ParameterError(f"task {self.family}: required and not given: {names}")

    def named(self, name: str) -> Parameter:
        """Return the parameter of this name; ParameterError with the nearest one if there is none."""
        parameter = self.by_name.get(name)
        if parameter is None:
            raise ParameterError(
                f"task {self.family} has no parameter {name!r}{hint(name, self.by_name, 'its parameters')}"
            )
        return parameter

    def parse(self, texts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values for texts by name; a list of texts is combined by the parameter's `batch`."""
        self.resolve()
        return {name: self.named(name).parsed(self.family, text) for name, text in texts.items()}

    def texts(
        self, values: Mapping[str, Any], *, only_significant: bool = False, only_public: bool = False
    ) -> dict[str, str]:
        """Return the text of each value; never of private ones."""
        return {
            parameter.name: parameter.form.dump(values[parameter.name])
            for parameter in self.parameters
            if parameter.visibility != "private"
            and (parameter.significant or not only_significant)
            and (parameter.visibility == "public" or not only_public)
        }

    def private_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Pick those that never leave."""
        return {
            parameter.name: values[parameter.name]
            for parameter in self.parameters
            if parameter.visibility == "private"
        }

    def visibilities(self) -> dict[str, int]:
        """Return Luigi's number for the visibility of each parameter that may leave."""
        return {
            parameter.name: VISIBILITY_NUMBERS[parameter.visibility]
            for parameter in self.parameters
            if parameter.visibility != "private"
        }

    def task_id(self, values: Mapping[str, Any]) -> str:
        """Return the task id in Luigi's form."""
        identity = self._identity
        if identity is None:
            names = sorted(parameter.name for parameter in self.parameters if parameter.identifies)
            identity = [(name, f"{_quoted(name)}:", self.by_name[name].form.dump) for name in names]
            self._identity = identity
        texts = [dump(values[name]) for name, _, dump in identity]
        return _id_of(self.family, [key for _, key, _ in identity], texts)


def id_of(family: str, texts: Mapping[str, str]) -> str:
    """Return the id of a task of this family whose significant public parameters are these texts."""
    names = sorted(texts)
    return _id_of(family, [f"{_quoted(name)}:" for name in names], [texts[name] for name in names])


def _id_of(family: str, keys: list[str], texts: list[str]) -> str:
    body = ",".join([key + _quoted(text) for key, text in zip(keys, texts, strict=True)])
    digest = md5(f"{{{body}}}".encode(), usedforsecurity=False).hexdigest()[:DIGEST_CHARS]
    summary = "_".join([text[:SUMMARY_CHARS] for text in texts[:SUMMARY_PARAMS]])
    return f"{family}_{NOT_IN_ID.sub('_', summary)}_{digest}"


def schema_of(cls: type, family: str, bases: Iterable[Schema], reserved: frozenset[str]) -> Schema:
    """Collect the parameters of a class that has just been made, and tidy its body up.

    `param()` objects in the body are replaced by their default, or taken away.

    Args:
        cls: the class.
        family: its name for the scheduler.
        bases: the schemas of its task bases, nearest last.
        reserved: names that mean something else.

    Raises:
        TaskDefinitionError: a reserved name, an annotation or default that cannot be used.
    """
    found: dict[str, Parameter] = {}
    waiting: dict[str, dict[str, Any]] = {}
    for base in bases:
        found.update(base.by_name)
        waiting.update({parameter.name: names for parameter, names in base.pending})
    fresh = _own_parameters(cls, reserved)
    fresh.update(_new_defaults(cls, found, fresh))
    found.update(fresh)
    schema = Schema(family, found.values())
    names = namespace_of(cls) if fresh else {}
    for parameter in schema.parameters:
        if parameter.name not in fresh:
            if parameter.name in waiting:
                schema.pending.append((parameter, waiting[parameter.name]))
            continue
        space = {**waiting.get(parameter.name, {}), **names}
        try:
            parameter.resolve(_evaluator(space))
        except NameError:
            schema.pending.append((parameter, space))
    return schema


def _own_parameters(cls: type, reserved: frozenset[str]) -> dict[str, Parameter]:
    own: dict[str, Parameter] = {}
    for name, annotation in own_annotations(cls).items():
        if name.startswith("__") or is_class_variable(annotation):
            continue
        if name in reserved:
            raise TaskDefinitionError(
                f"{cls.__qualname__}: {name!r} cannot be a parameter, a task uses the name itself"
            )
        default = cls.__dict__.get(name, MISSING)
        spec = default if isinstance(default, Spec) else Spec(default)
        own[name] = Parameter(cls.__qualname__, name, annotation, spec)
        if isinstance(default, Spec):
            if spec.default is MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, spec.default)
    theirs = [name for name, value in vars(cls).items() if _is_luigis(value)]
    if theirs:
        raise TaskDefinitionError(
            f"{cls.__qualname__}.{theirs[0]} is a parameter of Luigi: derive {cls.__qualname__} from"
            f" luigi.Task, or say {theirs[0]}: TYPE = …"
        )
    stray = [name for name, value in vars(cls).items() if isinstance(value, Spec)]
    if stray:
        raise TaskDefinitionError(
            f"{cls.__qualname__}.{stray[0]}: param() needs an annotation, {stray[0]}: TYPE = param(…)"
        )
    return own


def _is_luigis(value: Any) -> bool:
    """Whether it is a parameter object of Luigi, which need not be there."""
    return any(
        (base.__module__, base.__name__) == ("luigi.parameter", "Parameter") for base in type(value).__mro__
    )


def _new_defaults(
    cls: type, inherited: Mapping[str, Parameter], own: Mapping[str, Parameter]
) -> dict[str, Parameter]:
    """A plain value for an inherited parameter, without annotation, is a new default."""
    changed: dict[str, Parameter] = {}
    for name in inherited.keys() & vars(cls).keys() - own.keys():
        value = vars(cls)[name]
        if hasattr(type(value), "__get__"):
            raise TaskDefinitionError(
                f"{cls.__qualname__}.{name} is a parameter of {inherited[name].owner}: "
                "a subclass may give it another default, and nothing that is computed"
            )
        changed[name] = inherited[name].with_default(cls.__qualname__, value)
    return changed


def _evaluator(names: dict[str, Any], *, late: bool = False) -> Callable[[str], Any]:
    def resolve(text: str) -> Any:
        try:
            return eval(text, names)
        except NameError:
            if not late:
                raise
            module = names.get("__name__")
            import sys

            now = vars(sys.modules[module]) if module in sys.modules else {}
            return eval(text, {**names, **now})
        except Exception as error:
            raise TaskDefinitionError(f"annotation {text!r}: {type(error).__name__}: {error}") from None

    return resolve
