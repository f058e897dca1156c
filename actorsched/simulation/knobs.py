"""What there is to say of the knobs of a simulation: it stands at each field, and is read off here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_type_hints

import msgspec

#: where a knob belongs that does not say it
ELSEWHERE = "Other knobs"


def knob(
    section: str, text: str, unit: str = "", least: float = 0, most: float | None = None
) -> msgspec.Meta:
    """What there is to say of a knob.

    Args:
        section: where it stands in the help.
        text: one sentence, for people.
        unit: SECONDS, N, SHARE; in the help.
        least, most: what it may be.
    """
    extra = {"section": section, "unit": unit}
    return msgspec.Meta(description=text, ge=least, le=most, extra=extra)


def share(section: str, text: str, most: float = 1) -> msgspec.Meta:
    """Of all, as many; from 0 to 1."""
    return knob(section, text, "SHARE", 0, most)


def rate(section: str, text: str) -> msgspec.Meta:
    """So often on each node in an hour of hostile time."""
    return knob(section, text, "PER HOUR", 0, 3600)


def choice(section: str, text: str) -> msgspec.Meta:
    """One of several words, or yes and no."""
    return msgspec.Meta(description=text, extra={"section": section, "unit": ""})


class Knob(NamedTuple):
    """A field of the options, as it is shown to people.

    Attributes:
        type: bool, int, float or str.
        choices: of a str, what it may be; () if anything.
        least, most: of a number, what it may be.
    """

    name: str
    type: type[Any]
    default: Any
    section: str
    text: str
    unit: str
    choices: tuple[str, ...]
    least: float | None
    most: float | None


def knobs_of(kind: type[msgspec.Struct]) -> Iterator[Knob]:
    """All fields of a record, those of a section together."""
    hints = get_type_hints(kind, include_extras=True)
    found = [_knob(field, hints[field.name]) for field in msgspec.structs.fields(kind)]
    sections = list(dict.fromkeys(each.section for each in found if each.section != ELSEWHERE))
    for section in (*sections, ELSEWHERE):
        yield from (each for each in found if each.section == section)


def _knob(field: msgspec.structs.FieldInfo, hint: Any) -> Knob:
    plain, *metas = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
    meta = next((each for each in metas if isinstance(each, msgspec.Meta)), msgspec.Meta())
    arms = [arm for arm in get_args(plain) if arm is not type(None)]
    is_choice = bool(arms) and not isinstance(arms[0], type)
    if arms and not is_choice:  # X | None
        plain = arms[0]
    extra = meta.extra or {}
    return Knob(
        name=field.name,
        type=str if is_choice else plain,
        default=field.default,
        section=extra.get("section", ELSEWHERE),
        text=meta.description or "",
        unit=extra.get("unit", ""),
        choices=tuple(map(str, arms)) if is_choice else (),
        least=None if meta.ge is None else float(meta.ge),
        most=None if meta.le is None else float(meta.le),
    )


def table(kind: type[msgspec.Struct]) -> str:
    """The knobs as a table in Markdown, for the documentation; a test compares the two."""
    lines = ["| option | default | |", "|---|---|---|"]
    for each in knobs_of(kind):
        default = format(each.default, ".10g") if isinstance(each.default, float) else str(each.default)
        what = f" ({each.unit.lower()})" if each.unit not in ("", "N") else ""
        words = f" One of {', '.join(each.choices)}." if each.choices else ""
        lines.append(f"| `{each.name}` | {default} | {each.text}{words}{what} |")
    return "\n".join(lines) + "\n"
