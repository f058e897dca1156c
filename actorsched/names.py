"""What to say of a name that nobody knows: the one that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like it; empty if none is."""
    from difflib import get_close_matches

    return "".join(get_close_matches(name, list(known), n=1))


def hint(name: str, known: Iterable[str], what: str = "") -> str:
    """Return the end of a message about an unknown name.

    Args:
        name: what was said.
        known: what could have been said.
        what: with this word before them all known names are listed where none is near; empty: nothing is.
    """
    names = list(known)
    close = nearest(name, names)
    if close:
        return f"; did you mean {close!r}?"
    return f"; {what}: {', '.join(names) or 'none'}" if what else ""
