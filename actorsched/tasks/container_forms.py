"""The forms of values made of values: optional ones, lists, tuples, dicts, and any JSON.

Their text is JSON with Python's own spacing, as Luigi writes it. An absent optional value is the empty
text; that leaves the empty string itself without one, so it is written in quotes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from actorsched.tasks.forms import Form, IntForm, LiteralForm, StrForm
from actorsched.tasks.frozen import FrozenDict, FrozenList


class JsonForm(Form):
    """What all forms share whose text is JSON."""

    hint = "JSON"

    def dump(self, value: Any) -> str:
        return json.dumps(self.plain(value))

    def load(self, text: str) -> Any:
        return self.unplain(_parse(text))


def _parse(text: str) -> Any:
    """Read JSON, or the Python spelling of lists and tuples, which Luigi takes too."""
    try:
        return json.loads(text)
    except ValueError:
        if not text.lstrip().startswith(("(", "[")):
            raise
    from ast import literal_eval

    try:
        return literal_eval(text)
    except (SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError("no JSON") from None


class OptionalForm(Form):
    def __init__(self, inner: Form) -> None:
        self.inner = inner
        self.name = f"{inner.name} | None"
        self.hint = f"{inner.hint}, or nothing" if inner.hint else ""
        self.quotes = isinstance(inner, StrForm) or (isinstance(inner, LiteralForm) and "" in inner.by_text)

    def check(self, value: Any) -> Any:
        return None if value is None else self.inner.check(value)

    def dump(self, value: Any) -> str:
        if value is None:
            return ""
        text = self.inner.dump(value)
        if self.quotes and (not text or text[0] == text[-1] == '"'):
            return json.dumps(text)
        return text

    def load(self, text: str) -> Any:
        if not text:
            return None
        if self.quotes and len(text) > 1 and text[0] == text[-1] == '"':
            try:
                return self.inner.check(json.loads(text))
            except ValueError:
                pass  # a text that merely stands between quotes
        return self.inner.load(text)

    def plain(self, value: Any) -> Any:
        return None if value is None else self.inner.plain(value)

    def unplain(self, data: Any) -> Any:
        return None if data is None else self.inner.unplain(data)


class ListForm(JsonForm):
    def __init__(self, item: Form) -> None:
        self.item = item
        self.name = f"list[{item.name}]"

    def check(self, value: Any) -> FrozenList[Any]:
        if not isinstance(value, list | tuple):
            raise ValueError("not a list")
        check = self.item.check
        return FrozenList([check(item) for item in value])

    def plain(self, value: Any) -> list[Any]:
        plain = self.item.plain
        return [plain(item) for item in value]

    def unplain(self, data: Any) -> FrozenList[Any]:
        if not isinstance(data, list | tuple):
            raise ValueError("not a list")
        unplain = self.item.unplain
        return FrozenList([unplain(item) for item in data])


class SequenceForm(JsonForm):
    """`tuple[X, ...]`: any number of equal things."""

    def __init__(self, item: Form) -> None:
        self.item = item
        self.name = f"tuple[{item.name}, ...]"

    def check(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise ValueError("not a tuple")
        return tuple([self.item.check(item) for item in value])

    def plain(self, value: Any) -> list[Any]:
        return [self.item.plain(item) for item in value]

    def unplain(self, data: Any) -> tuple[Any, ...]:
        if not isinstance(data, list | tuple):
            raise ValueError("not a list")
        return tuple([self.item.unplain(item) for item in data])


class TupleForm(JsonForm):
    """`tuple[X, Y]`: a fixed number of things, each with a form of its own."""

    def __init__(self, items: tuple[Form, ...]) -> None:
        self.items = items
        self.name = f"tuple[{', '.join(item.name for item in items) or '()'}]"

    def check(self, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple) or len(value) != len(self.items):
            raise ValueError("not such a tuple")
        return tuple([form.check(item) for form, item in zip(self.items, value, strict=True)])

    def plain(self, value: Any) -> list[Any]:
        return [form.plain(item) for form, item in zip(self.items, value, strict=True)]

    def unplain(self, data: Any) -> tuple[Any, ...]:
        if not isinstance(data, list | tuple) or len(data) != len(self.items):
            raise ValueError("not such a list")
        return tuple([form.unplain(item) for form, item in zip(self.items, data, strict=True)])


class DictForm(JsonForm):
    """A dict; its keys stand in JSON as their text."""

    def __init__(self, key: Form, value: Form) -> None:
        self.key = key
        self.value = value
        self.name = f"dict[{key.name}, {value.name}]"

    def check(self, value: Any) -> FrozenDict[Any, Any]:
        if not isinstance(value, Mapping):
            raise ValueError("not a dict")
        return FrozenDict({self.key.check(key): self.value.check(item) for key, item in value.items()})

    def plain(self, value: Any) -> dict[str, Any]:
        return {self.key.dump(key): self.value.plain(item) for key, item in value.items()}

    def unplain(self, data: Any) -> FrozenDict[Any, Any]:
        if not isinstance(data, dict):
            raise ValueError("not a dict")
        return FrozenDict({self.key.load(key): self.value.unplain(item) for key, item in data.items()})


class AnyForm(JsonForm):
    """Whatever JSON can hold; tuples become lists."""

    name = "Any"

    def check(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return IntForm().check(value)
        if isinstance(value, str):
            return StrForm().check(value)
        if isinstance(value, list | tuple):
            return FrozenList([self.check(item) for item in value])
        if isinstance(value, Mapping):
            return FrozenDict({_key(key): self.check(item) for key, item in value.items()})
        raise ValueError("JSON cannot hold it")

    def plain(self, value: Any) -> Any:
        return value

    unplain = check


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError("a key of JSON is a text")
    return key
