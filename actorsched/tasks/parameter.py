"""One parameter of a task class, and `param()`, with which a user says more than type and default."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, overload

from actorsched.errors import ParameterError, TaskDefinitionError
from actorsched.tasks.annotations import Resolve, UnsupportedAnnotationError, form_of
from actorsched.tasks.forms import Form

T = TypeVar("T")
Visibility = Literal["public", "hidden", "private"]

#: Luigi's numbers for them, as they travel to the scheduler
VISIBILITY_NUMBERS = {"public": 0, "hidden": 1, "private": 2}

#: longest part of a value that is shown in a message
SHOWN_CHARS_MAX = 200


class _Missing:
    def __repr__(self) -> str:
        return "<required>"


MISSING: Any = _Missing()


class Spec:
    """What `param()` said; it stands in the class body until the class is made."""

    __slots__ = ("batch", "default", "default_factory", "help", "significant", "visibility")

    def __init__(
        self,
        default: Any = MISSING,
        default_factory: Callable[[], Any] | None = None,
        significant: bool = True,
        visibility: Visibility = "public",
        help: str = "",
        batch: Callable[[Iterable[Any]], Any] | None = None,
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.significant = significant
        self.visibility = visibility
        self.help = help
        self.batch = batch


@overload
def param(
    *,
    default: T,
    significant: bool = True,
    visibility: Visibility = "public",
    help: str = "",
    batch: Callable[[Iterable[T]], T] | None = None,
) -> T: ...


@overload
def param(
    *,
    default_factory: Callable[[], T],
    significant: bool = True,
    visibility: Visibility = "public",
    help: str = "",
    batch: Callable[[Iterable[T]], T] | None = None,
) -> T: ...


@overload
def param(
    *,
    significant: bool = True,
    visibility: Visibility = "public",
    help: str = "",
    batch: Callable[[Iterable[Any]], Any] | None = None,
) -> Any: ...


def param(
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    significant: bool = True,
    visibility: Visibility = "public",
    help: str = "",
    batch: Callable[[Iterable[Any]], Any] | None = None,
) -> Any:
    """Say more about a parameter than its type and its default.

    Args:
        default: the value when none is given; without one the parameter is required.
        default_factory: called for each task instead of `default`.
        significant: False: the task with another value is still the same task.
        visibility: "hidden": not part of the identity and not shown; "private": moreover, it never
            leaves for the scheduler, logs or messages, so that another node cannot rebuild the task with it.
        help: one line for `--help`.
        batch: combines the values of several tasks into one (such as `max`); makes the task batchable.
    """
    if visibility not in VISIBILITY_NUMBERS:
        raise TaskDefinitionError(f"visibility={visibility!r}: use 'public', 'hidden' or 'private'")
    if default is not MISSING and default_factory is not None:
        raise TaskDefinitionError("param() takes default or default_factory, not both")
    return Spec(default, default_factory, significant, visibility, help, batch)


class Parameter:
    """A typed field of a task class.

    Attributes:
        name: its name; `owner` the class that declares it, for messages.
        form: how its values are checked and written; set by `resolve`.
        default: the checked default, or MISSING.
    """

    __slots__ = (
        "annotation", "batch", "default", "default_factory", "form", "help", "name", "owner", "significant",
        "visibility",
    )  # fmt: skip

    form: Form

    def __init__(self, owner: str, name: str, annotation: Any, spec: Spec) -> None:
        self.owner = owner
        self.name = name
        self.annotation = annotation
        self.default = spec.default
        self.default_factory = spec.default_factory
        self.significant = spec.significant
        self.visibility: Visibility = spec.visibility
        self.help = spec.help
        self.batch = spec.batch
        if spec.batch is not None and spec.visibility == "private":
            raise TaskDefinitionError(
                f"parameter {name!r} of {owner}: a private parameter cannot have batch=…: the scheduler, "
                "which combines the values, never sees them"
            )

    @property
    def required(self) -> bool:
        return self.default is MISSING and self.default_factory is None

    @property
    def identifies(self) -> bool:
        """Whether two tasks that differ in it are two tasks."""
        return self.significant and self.visibility == "public"

    def with_default(self, owner: str, default: Any) -> Parameter:
        """Return the same parameter with another default."""
        spec = Spec(default, None, self.significant, self.visibility, self.help, self.batch)
        return Parameter(owner, self.name, self.annotation, spec)

    def resolve(self, resolve: Resolve) -> None:
        """Find the form and check the default.

        Raises:
            NameError: the annotation names what is not defined (yet).
            TaskDefinitionError: the annotation or the default cannot be used.
        """
        try:
            self.form = form_of(self.annotation, resolve)
        except UnsupportedAnnotationError as error:
            raise TaskDefinitionError(
                f"parameter {self.name!r} of {self.owner}: {error}. Known types: str, int, float, bool, "
                "date, datetime, timedelta, Enum, Path, Literal, X | None, and list, tuple and dict of those"
            ) from None
        if self.default is not MISSING:
            try:
                self.default = self.form.check(self.default)
            except (ValueError, TypeError):
                raise TaskDefinitionError(
                    f"parameter {self.name!r} of {self.owner}: its default {self.shown(self.default)} "
                    f"is no {self.form.name}"
                ) from None

    def shown(self, value: Any) -> str:
        """Return the value for a message: nothing of it when it is private."""
        if self.visibility == "private":
            return f"<private {type(value).__name__}>"
        try:
            text = repr(value)
        except Exception:
            return f"<{type(value).__name__}>"
        return text if len(text) <= SHOWN_CHARS_MAX else f"{text[:SHOWN_CHARS_MAX]}…"

    def misfit(self, family: str, value: Any, *, is_text: bool) -> ParameterError:
        """Return the error for a value that does not fit."""
        hint = f" ({self.form.hint})" if self.form.hint and is_text else ""
        kind = "" if is_text else f" of type {type(value).__name__}"
        return ParameterError(
            f"task {family}, parameter {self.name!r}: got {self.shown(value)}{kind}, "
            f"expected {self.form.name}{hint}"
        )

    def checked(self, family: str, value: Any) -> Any:
        """Return the value in its normal shape.

        Raises:
            ParameterError: it does not fit.
        """
        try:
            return self.form.check(value)
        except (ValueError, TypeError, OverflowError):
            raise self.misfit(family, value, is_text=False) from None

    def parsed(self, family: str, text: Any) -> Any:
        """Return the value for a text, or for a list of texts that a batch brings.

        Raises:
            ParameterError: no such value, or a list for a parameter without `batch`.
        """
        if isinstance(text, list | tuple):
            return self._combined(family, text)
        try:
            return self.form.load(text)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise self.misfit(family, text, is_text=True) from None

    def _combined(self, family: str, texts: list[Any] | tuple[Any, ...]) -> Any:
        if self.batch is None or not texts:
            raise ParameterError(
                f"task {family}, parameter {self.name!r}: got {len(texts)} values to combine, "
                "but it has no batch=… or there are none"
            )
        values = [self.parsed(family, text) for text in texts]
        return self.checked(family, self.batch(values))
