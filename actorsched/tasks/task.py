"""`Task`: what a user derives from.

    class WordCount(Task):
        day: date
        top: int = 10

Annotated fields are the parameters, in the manner of a dataclass; a plain attribute (`priority = 5`) or
a `ClassVar` is none. Nothing is generated and there is no metaclass, so that a task may derive from
other classes too. All that a worker asks a task for has the name that it has in Luigi; workers do not know
the difference.

What can be overridden by an attribute or by a property is declared as a property for type checkers,
because those accept both in a subclass; at run time it is a plain attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, dataclass_transform

from actorsched.errors import TaskDefinitionError
from actorsched.tasks import families
from actorsched.tasks.parameter import Parameter, param
from actorsched.tasks.schema import Schema, schema_of
from actorsched.tasks.structure import display_name, flatten, outputs_of, refuse_no_targets

Handler = TypeVar("Handler", bound=Callable[..., Any])
AnyTask = TypeVar("AnyTask", bound="Task")


@dataclass_transform(
    eq_default=False,
    order_default=False,
    kw_only_default=False,
    frozen_default=True,
    field_specifiers=(param,),
)
class Task:
    """One piece of work: what it needs, what it makes, and how.

    Parameters are checked when the task is made, and do not change afterwards; other attributes may be set.
    Two tasks are equal when they have the same class and the same task id, that is the same significant
    public parameters.
    """

    #: put before the class name, with a dot, in the family
    task_namespace: ClassVar[str] = ""
    #: the name by which the scheduler knows this class
    task_family: ClassVar[str] = "Task"
    #: family, start of the first parameters, digest of all: the identity, in Luigi's form
    task_id: str

    _schema: ClassVar[Schema] = Schema("Task", ())
    _event_callbacks: ClassVar[dict[str, list[Callable[..., Any]]]] = {}

    if TYPE_CHECKING:

        @property
        def priority(self) -> float:
            """Higher goes first among what can run."""

        @property
        def resources(self) -> Mapping[str, int]:
            """How much of which shared resource a run takes."""

        @property
        def disabled(self) -> bool:
            """True: never run it."""

        @property
        def worker_timeout(self) -> float | None:
            """Seconds that a run may take; 0: no limit; None: what the worker says."""

        @property
        def retry_count(self) -> int | None:
            """Failures within the window that disable the task; None: what the scheduler says."""

        @property
        def disable_hard_timeout(self) -> float | None:
            """Seconds after the first failure that disable the task; None: what the scheduler says."""

        @property
        def disable_window(self) -> float | None:
            """Length of the window of failures, seconds; None: what the scheduler says."""

        @property
        def retry_delay(self) -> float | None:
            """Seconds after a failure until the next try; negative: never; None: what the scheduler says."""

        @property
        def retry_backoff(self) -> float | None:
            """With each failure in a row the delay grows by this factor; None: it stays the same."""

        @property
        def retry_delay_max(self) -> float | None:
            """The delay grows up to so many seconds; None: without bound."""

        @property
        def retry_jitter(self) -> float | None:
            """Of a delay, the share that is left to chance, from 0 to 1; None: 0."""

        @property
        def max_batch_size(self) -> float:
            """How many tasks one batch may hold."""

        @property
        def accepts_messages(self) -> bool:
            """Whether messages may be sent to the task while it runs."""

        @property
        def owner_email(self) -> str | Iterable[str] | None:
            """Who is told about failures."""

    else:
        priority = 0
        resources = {}
        disabled = False
        worker_timeout = None
        retry_count = None
        disable_hard_timeout = None
        disable_window = None
        retry_delay = None
        retry_backoff = None
        retry_delay_max = None
        retry_jitter = None
        max_batch_size = float("inf")
        accepts_messages = False
        owner_email = None

    scheduler_messages: ClassVar[Any] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        namespace = cls.task_namespace
        if "task_family" not in cls.__dict__:
            cls.task_family = f"{namespace}.{cls.__name__}" if namespace else cls.__name__
        bases = [base.__dict__["_schema"] for base in reversed(cls.__mro__[1:]) if "_schema" in base.__dict__]
        cls._schema = schema_of(cls, cls.task_family, bases, RESERVED)
        cls._event_callbacks = {}
        families.register(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        schema = self._schema
        values = schema.bind(args, kwargs)
        state = self.__dict__
        state.update(values)
        state["task_id"] = schema.task_id(values)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._schema.by_name:
            raise TaskDefinitionError(
                f"{self.task_family}.{name} is a parameter and does not change; make another task, "
                f"for example task.clone({name}=…)"
            )
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._schema.by_name:
            raise TaskDefinitionError(f"{self.task_family}.{name} is a parameter and cannot be deleted")
        object.__delattr__(self, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Task):
            return NotImplemented
        return type(self) is type(other) and self.task_id == other.task_id

    def __hash__(self) -> int:
        return hash(self.task_id)

    def __repr__(self) -> str:
        return display_name(self)

    # what a user overrides

    def requires(self) -> Any:
        """Return the tasks that must be complete first: one, or a list, tuple, dict or generator of them."""
        return []

    def output(self) -> Any:
        """Return the targets that this task makes: one, or a list, tuple or dict of them."""
        return []

    def run(self) -> Any:
        """Do the work. A generator may yield further tasks that it needs, and gets their outputs."""
        return None

    def complete(self) -> bool:
        """Tell whether there is nothing left to do: whether all outputs exist. Without outputs: False."""
        outputs = flatten(self.output())
        try:
            return bool(outputs) and all(target.exists() for target in outputs)
        except AttributeError:
            refuse_no_targets(self, outputs)
            raise

    def on_success(self) -> Any:
        """Called after a run that succeeded; what it returns is kept as the explanation of the task."""
        return None

    def on_failure(self, exception: BaseException) -> Any:
        """Called after a run that failed; what it returns is kept instead of the traceback."""
        return None

    def process_resources(self) -> Mapping[str, int]:
        """Return `resources`; for templates that add their own."""
        return self.resources

    # what a user calls

    def input(self) -> Any:
        """Return the outputs of what `requires()` returns, in the same structure."""
        return outputs_of(self.requires())

    def clone(self, cls: type[AnyTask] | None = None, **changes: Any) -> Any:
        """Make a task of the same class, or of another, from the parameters that they share."""
        kind: type[Task] = cls if cls is not None else type(self)
        own = self._schema.by_name
        shared = {name: self.__dict__[name] for name in kind._schema.by_name if name in own}
        return kind(**{**shared, **changes})

    def set_status_message(self, message: str) -> None:
        """Show a line of text beside the task while it runs; without a run, nothing."""

    def set_progress_percentage(self, percentage: float) -> None:
        """Show how far the run is; without a run, nothing."""

    def set_tracking_url(self, tracking_url: str) -> None:
        """Show where the run can be watched; without a run, nothing."""

    def decrease_running_resources(self, decrease_resources: Mapping[str, int]) -> None:
        """Give back a part of the resources before the run ends; without a run, nothing."""

    @classmethod
    def event_handler(cls, event: str) -> Callable[[Handler], Handler]:
        """Call the decorated function at this event of this class and of what derives from it."""

        def add(callback: Handler) -> Handler:
            callbacks = cls._event_callbacks.setdefault(event, [])
            if callback not in callbacks:
                callbacks.append(callback)
            return callback

        return add

    @classmethod
    def remove_event_handler(cls, event: str, callback: Callable[..., Any]) -> None:
        """Undo `event_handler`."""
        cls._event_callbacks[event].remove(callback)

    def trigger_event(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Call the handlers of an event. What they raise is logged and harms nobody."""
        for kind in type(self).__mro__:
            callbacks = kind.__dict__.get("_event_callbacks")
            if callbacks:
                for callback in list(callbacks.get(event, ())):
                    try:
                        callback(*args, **kwargs)
                    except BaseException:
                        import logging

                        logging.getLogger(__name__).exception("a handler of %s failed", event)

    # what a worker asks for

    @property
    def task_module(self) -> str:
        """Where the class can be imported from."""
        return type(self).__module__

    @property
    def batchable(self) -> bool:
        return bool(self._schema.batch_names)

    @property
    def param_kwargs(self) -> dict[str, Any]:
        """The values of all parameters by name."""
        return {name: self.__dict__[name] for name in self._schema.by_name}

    def deps(self) -> list[Any]:
        """Return what `requires()` returns as a flat list."""
        return flatten(self.requires())

    def to_str_params(self, only_significant: bool = False, only_public: bool = False) -> dict[str, str]:
        """Return the parameters as text. Private ones are never among them."""
        return self._schema.texts(self.__dict__, only_significant=only_significant, only_public=only_public)

    def _get_param_visibilities(self) -> dict[str, int]:
        return self._schema.visibilities()

    def _owner_list(self) -> list[str]:
        owners = self.owner_email
        if owners is None:
            return []
        return owners.split(",") if isinstance(owners, str) else list(owners)

    @classmethod
    def from_str_params(cls, params_str: Mapping[str, Any]) -> Self:
        """Make a task from the text of its parameters.

        Raises:
            ParameterError: an unknown name, a text that does not fit, a required parameter that is missing.
        """
        return cls(**cls._schema.parse(params_str))

    @classmethod
    def get_params(cls) -> list[tuple[str, Parameter]]:
        """Return the parameters, in the order of the constructor."""
        cls._schema.resolve()
        return list(cls._schema.by_name.items())

    @classmethod
    def batch_param_names(cls) -> list[str]:
        return list(cls._schema.batch_names)

    @classmethod
    def get_task_family(cls) -> str:
        return cls.task_family


#: attributes that a class may turn into a parameter
_PARAMETER_TOO = frozenset({
    "accepts_messages", "disable_hard_timeout", "disable_window", "disabled", "max_batch_size", "owner_email",
    "priority", "resources", "retry_backoff", "retry_count", "retry_delay", "retry_delay_max", "retry_jitter",
    "worker_timeout",
})  # fmt: skip
RESERVED = (frozenset(vars(Task)) | {"task_id"}) - _PARAMETER_TOO
