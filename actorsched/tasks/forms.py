"""Forms: how the values of one type are checked, printed as text, and read back.

A form knows two representations besides the value itself: *text*, which is what a command line and
the scheduler see, and *plain*, which is what stands inside the JSON of a list or dict. Texts are
those of the Luigi parameter for the same type, wherever that loses nothing; where it would lose
something (microseconds, a time zone, a negative duration), a longer text is written that both can tell
apart. Forms raise `ValueError` without the value in it: whoever shows the value knows whether it is secret.
"""

from __future__ import annotations

import operator
import re
from datetime import date, datetime, timedelta, timezone
from enum import Enum, Flag
from pathlib import Path, PurePath
from typing import Any

MICROSECOND = timedelta(microseconds=1)
TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})
#: Python turns integers of more than 4,300 digits into text only when told to (sys.set_int_max_str_digits)
INT_MAX = 10**4300


class Form:
    """The values of one type.

    Attributes:
        name: the type as a user would write it.
        hint: what its text looks like; may be empty.
    """

    name: str = ""
    hint: str = ""

    def check(self, value: Any, /) -> Any:
        """Return the value in its normal, hashable shape, or raise ValueError."""
        raise NotImplementedError

    def dump(self, value: Any) -> str:
        """Return the text of a checked value."""
        return str(value)

    def load(self, text: str, /) -> Any:
        """Return the checked value for a text, or raise ValueError."""
        raise NotImplementedError

    def plain(self, value: Any) -> Any:
        """Return what stands for the value inside JSON."""
        return self.dump(value)

    def unplain(self, data: Any, /) -> Any:
        """Return the value for what stands inside JSON, or raise ValueError."""
        if not isinstance(data, str):
            raise ValueError("not a text")
        return self.load(data)


class StrForm(Form):
    name = "str"

    def check(self, value: Any) -> str:
        if type(value) is not str:
            if not isinstance(value, str):
                raise ValueError("not a text")
            value = str.__str__(value)
        text: str = value
        if not text.isascii():
            text.encode()  # lone surrogates cannot travel as JSON; UnicodeEncodeError is a ValueError
        return text

    def dump(self, value: str) -> str:
        return value

    load = check


class IntForm(Form):
    name = "int"

    def check(self, value: Any) -> int:
        if type(value) is not int:
            if isinstance(value, bool) or not hasattr(type(value), "__index__"):
                raise ValueError("not an integer")
            value = int(operator.index(value))
        if not -INT_MAX < value < INT_MAX:
            raise ValueError("too long")
        number: int = value
        return number

    def load(self, text: str) -> int:
        return int(text)

    def plain(self, value: int) -> int:
        return value

    unplain = check


class FloatForm(Form):
    name = "float"

    def check(self, value: Any) -> float:
        if type(value) is float:
            return value
        if isinstance(value, bool) or not hasattr(type(value), "__float__"):
            raise ValueError("not a number")
        return float(value)

    def dump(self, value: float) -> str:
        return repr(value)

    def load(self, text: str) -> float:
        return float(text)

    def plain(self, value: float) -> float:
        return value

    unplain = check


class BoolForm(Form):
    name = "bool"
    hint = "true or false"

    def check(self, value: Any) -> bool:
        if value is True or value is False:
            return bool(value)
        raise ValueError("not a truth value")

    def load(self, text: str) -> bool:
        word = text.strip().lower()
        if word in TRUE:
            return True
        if word in FALSE:
            return False
        raise ValueError("not a truth value")

    def plain(self, value: bool) -> bool:
        return value

    unplain = check


class DateForm(Form):
    name = "date"
    hint = "YYYY-MM-DD"

    def check(self, value: Any) -> date:
        if type(value) is date:
            return value
        if isinstance(value, date):  # a datetime is one: its day is meant, as in Luigi
            return date(value.year, value.month, value.day)
        raise ValueError("not a date")

    def dump(self, value: date) -> str:
        return value.isoformat()

    def load(self, text: str) -> date:
        return date.fromisoformat(text.strip())


class DatetimeForm(Form):
    """Seconds and no zone: the text of Luigi's DateSecondParameter; anything more: ISO 8601 in full.

    A zone becomes its offset at that moment: a name such as Europe/Berlin is not part of the text.
    """

    name = "datetime"
    hint = "YYYY-MM-DDTHHMMSS or any ISO 8601"

    def check(self, value: Any) -> datetime:
        if not isinstance(value, datetime):
            raise ValueError("not a datetime")
        if type(value) is datetime and value.tzinfo is None and not value.fold:
            return value
        offset = value.utcoffset()
        zone = None if offset is None else timezone(offset)
        return datetime.combine(value.date(), value.time().replace(fold=0), zone)

    def dump(self, value: datetime) -> str:
        if value.microsecond or value.tzinfo is not None:
            return value.isoformat()
        return f"{value.date().isoformat()}T{value.hour:02}{value.minute:02}{value.second:02}"

    def load(self, text: str) -> datetime:
        return self.check(datetime.fromisoformat(text.strip()))


class TimedeltaForm(Form):
    """Luigi's `1 w 2 d 3 h 4 m 5 s`; a plain number of seconds when negative or finer than a second."""

    name = "timedelta"
    hint = "seconds, or such as 1 w 2 d 3 h 4 m 5 s, or ISO 8601 PnDTnHnMnS"

    # patterns are compiled when they are needed: most programs have no timedelta in a text
    EXACT = r"([+-]?)(\d+)(?:\.(\d{1,6}))?"
    ISO = r"P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
    WORDS = (
        r"(?=.)(?:(\d+) ?w(?:eeks?)? ?)?(?:(\d+) ?d(?:ays?)? ?)?(?:(\d+) ?h(?:ours?)? ?)?"
        r"(?:(\d+) ?m(?:inutes?)? ?)?(?:(\d+) ?s(?:econds?)?)?"
    )

    def check(self, value: Any) -> timedelta:
        if type(value) is timedelta:
            return value
        if isinstance(value, timedelta):
            return timedelta(value.days, value.seconds, value.microseconds)
        raise ValueError("not a timedelta")

    def dump(self, value: timedelta) -> str:
        if value.days < 0 or value.microseconds:
            whole, rest = divmod(abs(value) // MICROSECOND, 1_000_000)
            return f"{'-' if value.days < 0 else ''}{whole}.{rest:06}".rstrip("0").rstrip(".")
        weeks, days = divmod(value.days, 7)
        minutes, seconds = divmod(value.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{weeks} w {days} d {hours} h {minutes} m {seconds} s"

    def load(self, text: str) -> timedelta:
        text = text.strip()
        exact = re.fullmatch(self.EXACT, text)
        try:
            if exact:  # not through float, which loses microseconds of long spans
                sign, whole, rest = exact.groups(default="")
                span = timedelta(seconds=int(whole), microseconds=int(rest.ljust(6, "0")))
                return -span if sign == "-" else span
            match = re.fullmatch(self.ISO, text) or re.fullmatch(self.WORDS, text)
            if match:
                weeks, days, hours, minutes, seconds = (int(number) for number in match.groups(default="0"))
                return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
            return timedelta(seconds=float(text))
        except OverflowError:
            raise ValueError("too long") from None


class PathForm(Form):
    def __init__(self, kind: type[PurePath] = Path) -> None:
        self.kind = kind
        self.name = kind.__name__

    def check(self, value: Any) -> PurePath:
        if not isinstance(value, PurePath | str) and not hasattr(type(value), "__fspath__"):
            raise ValueError("not a path")
        # made anew: a Path is a PurePath, too, and equal to it, but its text would come back as a PurePath
        path = self.kind(value)
        str(path).encode()  # a file name that is no text cannot travel as JSON
        return path

    load = check


class EnumForm(Form):
    """The name of a member; a combination of flags without a name is its number."""

    def __init__(self, kind: type[Enum]) -> None:
        self.kind = kind
        self.name = kind.__name__
        self.hint = "one of " + ", ".join(kind.__members__)

    def check(self, value: Any) -> Enum:
        if not isinstance(value, self.kind):
            raise ValueError("not a member")
        return value

    def dump(self, value: Enum) -> str:
        name = value._name_
        return name if name in self.kind.__members__ else str(value.value)

    def load(self, text: str) -> Enum:
        member = self.kind.__members__.get(text)
        if member is not None:
            return member
        if issubclass(self.kind, Flag):
            return self.kind(int(text))
        raise ValueError("no such member")


class LiteralForm(Form):
    def __init__(self, choices: tuple[Any, ...]) -> None:
        self.choices = choices
        self.by_text = {str(choice): choice for choice in choices}
        self.name = f"Literal[{', '.join(map(repr, choices))}]"
        self.hint = "one of " + ", ".join(self.by_text)

    def check(self, value: Any) -> Any:
        for choice in self.choices:
            if choice == value and type(choice) is type(value):
                return choice
        raise ValueError("not one of the choices")

    def load(self, text: str) -> Any:
        if text not in self.by_text:
            raise ValueError("not one of the choices")
        return self.by_text[text]

    def plain(self, value: Any) -> Any:
        return value

    unplain = check
