"""The samples of a page as one program, and where its links lead."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
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


def run_samples(page: Path, folder: Path) -> None:
    """Run all Python samples of a page, in its order, as one program in a folder of its own."""
    script = folder / f"{page.stem}_page.py"
    script.write_text(program(page.read_text(encoding="utf-8")), encoding="utf-8")
    environment = os.environ | {"XDG_STATE_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", str(script)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False, cwd=folder, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def check_links(page: Path) -> None:
    """Each link leads to a heading of the page, or to a file; those to the network are not followed."""
    text = page.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in headings, link
        elif not link.startswith("http"):
            assert (page.parent / link.partition("#")[0]).exists(), link
