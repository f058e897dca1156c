"""The client in JavaScript works, and the page shows what it prints.

It runs where Node.js is there and npm can install `zeromq` (some 3 s and 40 MB, from its cache afterwards).
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from actorsched.facade.scheduler import Scheduler
from actorsched.facade.serve import serve

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "examples" / "node_client" / "client.mjs"
PAGE = ROOT / "docs" / "protocol.md"


def test_the_page_shows_the_client_as_it_is() -> None:
    """Who copies it from there gets this one."""
    assert f"```js\n{CLIENT.read_text(encoding='utf-8')}```" in PAGE.read_text(encoding="utf-8")


@pytest.mark.skipif(not shutil.which("node") or not shutil.which("npm"), reason="there is no Node.js here")
def test_the_client_prints_what_the_page_says(tmp_path: Path) -> None:
    """And does its work."""
    shutil.copy(CLIENT, tmp_path)
    install = ["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=0", "zeromq@6"]
    try:
        subprocess.run(install, cwd=tmp_path, check=True, capture_output=True, timeout=90)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("npm cannot install zeromq here")
    with Scheduler() as scheduler, serve(scheduler) as server:
        command = ["node", CLIENT.name, server.address]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"```text\n{done.stdout}```" in PAGE.read_text(encoding="utf-8")
        assert {view["status"] for view in scheduler.graph().values()} == {"DONE"}
