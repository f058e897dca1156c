"""A census of Python's own standard library: well over a thousand tasks, on data you already have.

    actorsched run examples/stdlib_census.py CensusReport --out out/census

    CensusReport ──► census.csv, report.html
      ├── PackageCensus("asyncio") ──► packages/asyncio.json
      │     ├── FileCensus("asyncio/base_events.py") ──► files/asyncio/base_events.py.json
      │     └── …  one for each source file
      ├── …  one for each package, and one for all modules that are a single file
      └── ImportGraph ──► graph.json
            └── the same packages

A task is a class with typed fields. The fields are its parameters: two tasks with equal fields are one task.
`requires()` names what must be done before, `output()` says where the result goes, and `run()` makes it.
A task is complete when its output exists, so a census that was stopped goes on where it was, and when
`report.html` is deleted, only the report is made again.

What one file holds and how the page is drawn has nothing to do with tasks; it is in `census/`, and is
imported where it is used, so that a process which only plans does not load it.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import sysconfig
from pathlib import Path
from typing import Any

from actorsched import LocalTarget, Task, param

#: where modules are counted that are a single file; no package can have this name
SINGLE_MODULES = "single-modules"


class FileCensus(Task):
    """Lines, classes, functions, comments and imports of one source file."""

    source: str
    out: Path

    def output(self) -> LocalTarget:
        return LocalTarget(self.out / "files" / f"{self.source}.json")

    def run(self) -> None:
        from census.source import measure

        write_json(self.output(), measure(library() / self.source, self.source, package_of(self.source)))


class PackageCensus(Task):
    """All files of one top-level package."""

    package: str
    out: Path

    def requires(self) -> list[FileCensus]:
        return [FileCensus(source=source, out=self.out) for source in sources()[self.package]]

    def output(self) -> LocalTarget:
        return LocalTarget(self.out / "packages" / f"{self.package}.json")

    def run(self) -> None:
        write_json(self.output(), [read_json(target) for target in self.input()])


class ImportGraph(Task):
    """Who imports whom, among the top-level names of the library."""

    out: Path
    only: tuple[str, ...] = ()

    def requires(self) -> list[PackageCensus]:
        return [PackageCensus(package=package, out=self.out) for package in chosen(self.only)]

    def output(self) -> LocalTarget:
        return LocalTarget(self.out / "graph.json")

    def run(self) -> None:
        from census.graph import import_graph

        files = [file for target in self.input() for file in read_json(target)]
        write_json(self.output(), import_graph(files))


class CensusReport(Task):
    """The whole census: a table for programs and a page for people."""

    out: Path
    only: tuple[str, ...] = param(default=(), help="only these packages; without it all of them")

    def requires(self) -> dict[str, Any]:
        packages = [PackageCensus(package=package, out=self.out) for package in chosen(self.only)]
        return {"packages": packages, "graph": ImportGraph(out=self.out, only=self.only)}

    def output(self) -> dict[str, LocalTarget]:
        return {"csv": LocalTarget(self.out / "census.csv"), "html": LocalTarget(self.out / "report.html")}

    def run(self) -> None:
        from census.page import page
        from census.table import table

        files = [file for target in self.input()["packages"] for file in read_json(target)]
        files.sort(key=lambda file: file["source"])
        with self.output()["csv"].open("w") as stream:
            stream.write(table(files))
        with self.output()["html"].open("w") as stream:
            stream.write(page(files, read_json(self.input()["graph"]), platform.python_version()))


def library() -> Path:
    """The folder of the standard library that runs this."""
    return Path(sysconfig.get_paths()["stdlib"])


@functools.cache
def sources() -> dict[str, list[str]]:
    """The library's source files by package, both in order of name.

    A folder whose name no import statement can spell (`site-packages`, `config-3.11-…`) is no part of it.
    """
    root = library()
    found: dict[str, list[str]] = {}
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if name.isidentifier()]
        for path in (Path(folder, name) for name in names if name.endswith(".py")):
            source = path.relative_to(root).as_posix()
            found.setdefault(package_of(source), []).append(source)
    return {package: sorted(found[package]) for package in sorted(found)}


def chosen(only: tuple[str, ...]) -> list[str]:
    """The packages to look at, in order of name."""
    unknown = sorted(set(only) - sources().keys())
    if unknown:
        raise ValueError(f"the library has no package {unknown[0]!r}; it has: {', '.join(sources())}")
    return [package for package in sources() if not only or package in only]


def package_of(source: str) -> str:
    """The package that a source file is counted with."""
    package, slash, _ = source.partition("/")
    return package if slash else SINGLE_MODULES


def write_json(target: LocalTarget, value: Any) -> None:
    """Write `value` in the one form that gives the same bytes wherever and whenever it is written."""
    with target.open("w") as stream:
        stream.write(json.dumps(value, sort_keys=True, indent=1) + "\n")


def read_json(target: LocalTarget) -> Any:
    with target.open("r") as stream:
        return json.load(stream)
