"""What is said of a name that nobody knows."""

from __future__ import annotations

from actorsched.names import hint, nearest


def test_the_nearest_known_name_is_found() -> None:
    assert nearest("pasue", ["status", "pause"]) == "pause"
    assert nearest("pasue", []) == nearest("x", ["status"]) == ""


def test_a_hint_names_the_nearest_or_all() -> None:
    assert hint("pasue", ["status", "pause"], "commands") == "; did you mean 'pause'?"
    assert hint("x", ["status", "pause"], "commands") == "; commands: status, pause"
    assert hint("x", [], "commands") == "; commands: none"
    assert hint("x", ["status"]) == ""
