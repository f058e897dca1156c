"""Writes the part of `docs/protocol.md` that is made from the code: methods, arguments, results.

    python -m actorsched.rpc.document docs/protocol.md

rewrites what stands between the two marks in that file; without an argument, the text goes to standard
output.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from actorsched.core import results
from actorsched.rpc.api import SchedulerApi
from actorsched.rpc.arguments import STATUSES, Status
from actorsched.rpc.methods import GROUPS, METHODS, Method, Parameter

BEGIN = "<!-- begin: python -m actorsched.rpc.document -->"
END = "<!-- end -->"

_SCALARS = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    types.NoneType: "null",
    Any: "any",
}


def text() -> str:
    """The generated part, as Markdown."""
    lines: list[str] = []
    records: dict[str, Any] = {}
    for group, names in GROUPS.items():
        lines += [f"### {group.capitalize()}", ""]
        for name in names:
            lines += _method(METHODS[name], records)
    lines += ["### Records", "", "Members with a question mark may be missing.", ""]
    done: set[str] = set()
    while rest := [name for name in sorted(records) if name not in done]:
        for name in rest:
            done.add(name)
            lines += _record(name, records[name], records)
    return "\n".join(lines).rstrip() + "\n"


def replace(document: str) -> str:
    """Put the generated part into a document, between its marks."""
    before, _, rest = document.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the document has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n\n{text()}\n{END}{after}"


def _method(method: Method, records: dict[str, Any]) -> Iterable[str]:
    function = getattr(SchedulerApi, method.name)
    result = typing.get_type_hints(
        types.SimpleNamespace(__annotations__={"return": function.__annotations__["return"]}),
        {**vars(results), **function.__globals__},
    )["return"]
    yield f"#### `{method.name}`"
    yield ""
    yield method.doc.split("\n\n")[0].replace("\n", " ") + (" Changes nothing." if method.reads_only else "")
    yield ""
    for position, parameter in enumerate(method.parameters):
        named_only = ", by name only" if position >= method.positional else ""
        yield f"- `{parameter.name}`: {_type(parameter.type, records)}{_default(parameter)}{named_only}"
    if method.open_type is not None:
        yield f"- any other name: {_type(method.open_type, records)}"
    elif not method.parameters:
        yield "- no arguments"
    if method.ignores_others:
        yield "- others are ignored"
    yield f"- **result**: {_type(result, records)}"
    yield ""


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return ", required"
    if parameter.default == float("inf"):
        return ", no limit if it is missing or null"
    return f", default `{msgspec.json.encode(parameter.default).decode()}`"


def _record(name: str, record: Any, records: dict[str, Any]) -> Iterable[str]:
    hints = typing.get_type_hints(record, include_extras=True)
    yield f"**{name}**"
    yield ""
    for member, hint in hints.items():
        # `__required_keys__` does not see a `NotRequired` that is written as a string
        marked = typing.get_origin(hint) in (typing.NotRequired, typing.Required)
        required = typing.get_origin(hint) is typing.Required if marked else record.__total__
        optional = "" if required else "?"
        plain = typing.get_args(hint)[0] if marked else hint
        yield f"- `{member}`{optional}: {_type(plain, records)}"
    yield ""


def _type(hint: Any, records: dict[str, Any]) -> str:
    """A type in the words of JSON; records that it names are put into `records`."""
    if hint == Status:
        return "one of " + ", ".join(f"`{status}`" for status in STATUSES)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if typing.is_typeddict(hint):
        records[hint.__name__] = hint
        return f"{hint.__name__}"
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        least = [meta.ge for meta in hint.__metadata__ if getattr(meta, "ge", None) is not None]
        return _type(arguments[0], records) + "".join(f" from {bound}" for bound in least)
    if origin in (typing.Union, types.UnionType):
        words = list(dict.fromkeys(_type(each, records) for each in arguments))
        if "number" in words and "integer" in words:
            words.remove("integer")
        return " or ".join(words)
    if origin is Literal:
        return "one of " + ", ".join(f"`{value!r}`" for value in arguments)
    if origin is tuple:
        return f"array [{', '.join(_type(each, records) for each in arguments)}]"
    if isinstance(origin, type) and issubclass(origin, typing.Mapping):
        return f"object of {_type(arguments[1], records)}"
    if isinstance(origin, type) and issubclass(origin, typing.Collection):
        return f"array of {_type(arguments[0], records)}"
    raise TypeError(f"no words for {hint!r}")


def main(arguments: list[str]) -> None:
    """Write into the file that is named, or to standard output."""
    if not arguments:
        sys.stdout.write(text())
        return
    with open(arguments[0], encoding="utf-8") as file:
        document = replace(file.read())
    with open(arguments[0], "w", encoding="utf-8") as file:
        file.write(document)


if __name__ == "__main__":
    main(sys.argv[1:])
