"""From the annotation of a field to the form of its values."""

from __future__ import annotations

import collections.abc
import sys
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, ForwardRef, Literal, Union, get_args, get_origin

from actorsched.tasks.container_forms import (
    AnyForm,
    DictForm,
    ListForm,
    OptionalForm,
    SequenceForm,
    TupleForm,
)
from actorsched.tasks.forms import (
    BoolForm,
    DateForm,
    DatetimeForm,
    EnumForm,
    FloatForm,
    Form,
    IntForm,
    LiteralForm,
    PathForm,
    StrForm,
    TimedeltaForm,
)

#: evaluates an annotation that is a text; raises NameError for what is not defined (yet)
Resolve = Callable[[str], Any]

SIMPLE: Mapping[Any, Callable[[], Form]] = {
    str: StrForm,
    int: IntForm,
    float: FloatForm,
    bool: BoolForm,
    date: DateForm,
    datetime: DatetimeForm,
    timedelta: TimedeltaForm,
    Any: AnyForm,
    list: lambda: ListForm(AnyForm()),
    tuple: lambda: SequenceForm(AnyForm()),
    dict: lambda: DictForm(StrForm(), AnyForm()),
}
LISTS = {list}
TUPLES = {collections.abc.Sequence, collections.abc.Collection, collections.abc.Iterable}
DICTS = {dict, collections.abc.Mapping}


class UnsupportedAnnotationError(Exception):
    """No form for this type; the message says why."""


def own_annotations(cls: type) -> Mapping[str, Any]:
    """Return the annotations that stand in the body of this class itself."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF)
    annotations: Mapping[str, Any] = vars(cls).get("__annotations__", {})
    return annotations


def namespace_of(cls: type) -> dict[str, Any]:
    """Return the names that annotations of this class may use, at the time when it is defined.

    These are the globals of its module, the locals of the function that defines it, and the classes in
    its own body. Other attributes of the class do not count: in `date: date = date(2024, 1, 1)` the name
    `date` means the type.
    """
    names = dict(vars(sys.modules[cls.__module__])) if cls.__module__ in sys.modules else {}
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and "<locals>" in cls.__qualname__:
        if frame.f_globals.get("__name__") == cls.__module__ and "__qualname__" not in frame.f_locals:
            names.update(frame.f_locals)
            break
        frame = frame.f_back
    names.update({name: value for name, value in vars(cls).items() if isinstance(value, type)})
    return names


def is_class_variable(annotation: Any) -> bool:
    """Tell whether an annotation says that this is no field."""
    if isinstance(annotation, str):
        head = annotation.partition("[")[0].strip()
        return head in {"ClassVar", "typing.ClassVar", "t.ClassVar"}
    return annotation is ClassVar or get_origin(annotation) is ClassVar


def form_of(annotation: Any, resolve: Resolve) -> Form:
    """Return the form for an annotation.

    Raises:
        NameError: it names something that is not defined.
        UnsupportedAnnotationError: there is no form for it.
    """
    while True:  # take off what only wraps
        if isinstance(annotation, str):
            annotation = resolve(annotation)
        elif isinstance(annotation, ForwardRef):
            annotation = resolve(annotation.__forward_arg__)
        elif get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        else:
            break
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return _form_of_class(annotation)
    if annotation is Any:
        return AnyForm()
    return _form_of_generic(annotation, resolve)


def _form_of_class(kind: type) -> Form:
    if kind in SIMPLE:
        return SIMPLE[kind]()
    if issubclass(kind, Enum):
        return EnumForm(kind)
    if issubclass(kind, PurePath):
        return PathForm(kind)
    if hasattr(kind, "to_str_params"):
        raise UnsupportedAnnotationError(
            "a task is not a value: pass what it is made from, and build it in requires()"
        )
    raise UnsupportedAnnotationError(f"{kind.__name__} has no text form")


def _form_of_generic(annotation: Any, resolve: Resolve) -> Form:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _form_of_literal(args)
    if origin in {Union, types.UnionType}:
        inner = [arg for arg in args if arg is not type(None)]
        if len(inner) == 1 and len(args) == 2:
            return OptionalForm(form_of(inner[0], resolve))
        raise UnsupportedAnnotationError(
            "a text cannot tell the members of a union apart; only X | None works"
        )
    if origin in LISTS:
        return ListForm(form_of(args[0], resolve))
    if origin in TUPLES:
        return SequenceForm(form_of(args[0], resolve))
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return SequenceForm(form_of(args[0], resolve))
        return TupleForm(tuple(form_of(arg, resolve) for arg in args))
    if origin in DICTS:
        return DictForm(form_of(args[0], resolve), form_of(args[1], resolve))
    raise UnsupportedAnnotationError(f"{annotation!r} has no text form")


def _form_of_literal(choices: tuple[Any, ...]) -> Form:
    values = tuple(choice for choice in choices if choice is not None)
    if not all(type(value) in {str, int, bool} for value in values):
        raise UnsupportedAnnotationError("a Literal may hold str, int and bool")
    if len({str(value) for value in values}) < len(values):
        raise UnsupportedAnnotationError("two choices of the Literal have the same text")
    form = LiteralForm(values)
    return form if len(values) == len(choices) else OptionalForm(form)
