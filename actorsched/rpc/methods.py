"""The registry of methods: what each takes, made from the signatures of `SchedulerApi`.

The arguments of a method are one typed record. It is a `TypedDict`, not a class with attributes: what
comes out of the decoder is then at once the keyword arguments that were really given, and arguments
that were not given keep the defaults of the machine.
"""

from __future__ import annotations

import inspect
import math
import re
import typing
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Literal, NotRequired, Required, TypedDict, get_type_hints

import msgspec

from actorsched.errors import InvalidParamsError, MalformedRequestError
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.arguments import STATUSES, Status

#: the groups of the documentation, in its order
GROUPS: dict[str, tuple[str, ...]] = {
    "work": (
        "add_task", "get_work", "count_pending", "add_task_batcher", "mark_as_done", "forgive_failures",
        "re_enable_task", "cancel_task", "decrease_running_task_resources", "get_running_task_resources",
    ),
    "workers": ("add_worker", "ping", "remove_worker", "disable_worker", "set_worker_processes", "prune"),
    "messages": (
        "send_scheduler_message", "add_scheduler_message_response", "get_scheduler_message_response",
    ),
    "task info": (
        "set_task_status_message", "get_task_status_message", "set_task_progress_percentage",
        "get_task_progress_percentage", "fetch_error", "update_metrics_task_started",
        "report_task_statistics", "announce_scheduling_failure",
    ),
    "views": (
        "graph", "dep_graph", "inverse_dep_graph", "task_list", "task_search", "worker_list",
        "resource_list", "has_task_history",
    ),
    "control": (
        "hello", "pause", "unpause", "is_paused", "is_pause_enabled", "update_resource", "update_resources",
    ),
}  # fmt: skip

#: methods without any effect: to do them twice is to do them once, so their answers are not remembered, and
#: who may only look may call them. (`count_pending` is none: it makes its worker known, as in Luigi.)
READ_ONLY = frozenset(GROUPS["views"]) | {
    "get_running_task_resources", "get_task_status_message",
    "get_task_progress_percentage", "fetch_error", "hello", "is_paused", "is_pause_enabled",
}  # fmt: skip

_READ_ERRORS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class Parameter(msgspec.Struct, frozen=True):
    """One argument of a method; `default` is `inspect.Parameter.empty` for one that must be given."""

    name: str
    type: Any
    default: Any

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty


class Method:
    """One method of the protocol.

    Attributes:
        parameters: in order; those after `positional` of them are given by name only.
        open_type: the type of arguments with other names; None: they are refused.
        ignores_others: arguments with other names are taken and dropped.
    """

    def __init__(self, name: str, function: Any) -> None:
        # the results are left out: their types need not be loaded to check arguments
        arguments = {key: hint for key, hint in function.__annotations__.items() if key != "return"}
        hints = get_type_hints(
            SimpleNamespace(__annotations__=arguments), function.__globals__, include_extras=True
        )
        signature = inspect.signature(function)
        self.name = name
        self.doc = inspect.getdoc(function) or ""
        self.reads_only = name in READ_ONLY
        self.ignores_others = False
        self.positional = 0
        self.open_type: Any = None
        parameters = []
        for parameter in list(signature.parameters.values())[1:]:
            kind = hints.get(parameter.name, Any)
            if parameter.kind is parameter.VAR_KEYWORD:
                self.ignores_others = parameter.name == "ignored"
                self.open_type = None if self.ignores_others else kind
                continue
            self.positional += parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            parameters.append(Parameter(parameter.name, kind, parameter.default))
        self.parameters = tuple(parameters)
        self._names = frozenset(p.name for p in parameters)
        self._unlimited = tuple(p.name for p in parameters if p.default == math.inf)
        self._record = self._make_record()
        self._decoder = msgspec.json.Decoder(self._record)

    def _make_record(self) -> Any:
        if self.open_type is not None:
            return dict[str, self.open_type]  # type: ignore[name-defined]  # known only here
        fields = {}
        for p in self.parameters:
            kind = Literal[STATUSES] if p.type == Status else p.type
            fields[p.name] = Required[kind] if p.required else NotRequired[kind]
        return TypedDict(f"{self.name}_params", fields)  # type: ignore[operator]  # made while running

    def decode(self, raw: bytes | memoryview | msgspec.Raw) -> dict[str, Any]:
        """Turn the bytes of `params` into keyword arguments; empty bytes stand for no params.

        Raises:
            InvalidParamsError: they do not fit; the message names the argument.
            MalformedRequestError: they are no object and no array.
            ValueError: they are no JSON.
        """
        try:
            if self.ignores_others and bytes(memoryview(raw)[:1]) == b"{":  # what most calls are
                return self._finish(self._decoder.decode(raw))
            params = _anything.decode(raw) if memoryview(raw).nbytes else {}
        except msgspec.ValidationError as error:
            raise self._error(error, _decode_for_message(raw)) from None
        except _READ_ERRORS as error:
            raise ValueError(str(error)) from None
        if isinstance(params, list):
            params = self._by_name(params)
        elif not isinstance(params, dict):
            raise MalformedRequestError(f"params must be an object or an array, not {params!r:.50}")
        return self.parse(params)

    def parse(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Check arguments that are Python values already.

        Raises:
            InvalidParamsError: they do not fit; the message names the argument.
        """
        if not self.ignores_others and self.open_type is None:
            unknown = [name for name in params if name not in self._names]
            if unknown:
                known = ", ".join(p.name for p in self.parameters) or "none"
                raise InvalidParamsError(f"{self.name} takes no argument {unknown[0]!r}; it takes: {known}")
        try:
            return self._finish(msgspec.convert(params, self._record))
        except msgspec.ValidationError as error:
            raise self._error(error, params) from None

    def _finish(self, params: dict[str, Any]) -> dict[str, Any]:
        for name in self._unlimited:  # JSON has no infinity, so null stands for "no limit"
            if params.get(name, 0) is None:
                del params[name]
        return params

    def _by_name(self, values: list[Any]) -> dict[str, Any]:
        if len(values) > self.positional:
            raise InvalidParamsError(
                f"{self.name} takes at most {self.positional} arguments by position, not {len(values)}"
            )
        return {p.name: value for p, value in zip(self.parameters, values, strict=False)}

    def _error(self, error: msgspec.ValidationError, params: Any) -> InvalidParamsError:
        """Name the method, the argument and the value that does not fit."""
        text = str(error)
        found = re.search(r" - at `\$\.(\w+)", text)
        if found and isinstance(params, Mapping) and found[1] in params:
            return InvalidParamsError(f"{self.name}({found[1]}={params[found[1]]!r:.100}): {text}")
        return InvalidParamsError(f"{self.name}: {text}")


_anything = msgspec.json.Decoder()


def _decode_for_message(raw: Any) -> Any:
    try:
        return _anything.decode(raw)
    except (*_READ_ERRORS, msgspec.MsgspecError):
        return None


def registry_of(api: type, names: typing.Iterable[str]) -> dict[str, Method]:
    """Make the registry of some methods of a class."""
    return {name: Method(name, getattr(api, name)) for name in names}


METHODS: Mapping[str, Method] = registry_of(
    SchedulerApi, [name for group in GROUPS.values() for name in group]
)
