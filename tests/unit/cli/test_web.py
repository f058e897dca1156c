"""`actorsched web` where it cannot work."""

from __future__ import annotations

import sys

import pytest

from actorsched.cli.main import run_cli


def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("actorsched.web")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert run_cli(["web"]) == 2
    assert "uvicorn is not installed: pip install 'actorsched[web]'" in capsys.readouterr().err


def test_a_certificate_needs_its_key(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("web") / "cert.pem"
    file.touch()
    assert run_cli(["web", "--certificate", str(file)]) == 2
