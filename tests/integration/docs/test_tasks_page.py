"""The samples on the page about tasks run, in the order of the page, as one program."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "tasks.md"
SAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TIMEOUT_S = 100


def program(page: str) -> str:
    """Return the samples at the lines where they stand on the page, so that an error names its line there."""
    lines = [""] * (page.count("\n") + 1)
    for sample in SAMPLE.finditer(page):
        first = page.count("\n", 0, sample.start(1))
        code = sample[1].splitlines()
        lines[first : first + len(code)] = code
    return "\n".join(lines) + "\n"


def test_the_samples_run(tmp_path: Path) -> None:
    """A page that lies is worse than none."""
    code = program(PAGE.read_text(encoding="utf-8"))
    assert code.count("assert ") > 20
    script = tmp_path / "tasks_page.py"
    script.write_text(code, encoding="utf-8")
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(script)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_links_of_the_page_lead_somewhere() -> None:
    """To a heading, or to another page."""
    page = PAGE.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in page.splitlines()
        if line.startswith("#")
    }
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in headings, link
        else:
            assert link == "differences.md" or (PAGE.parent / link).exists(), link
