"""`actorsched store`: look after the store of a scheduler."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from actorsched.errors import StoreError

if TYPE_CHECKING:
    from actorsched.store.base import Store


def store_option() -> click.Option:
    return click.Option(
        ["--store", "url"],
        envvar="ACTORSCHED_STORE",
        metavar="URL",
        help="The store: sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE."
        "  [default: that of a scheduler node of this user at the usual port]",
    )


def usual_url() -> str:
    """The store that is meant where none is named.

    Raises:
        StoreError: it is not there, but others are.
    """
    from actorsched.store.url import default_stores, default_url

    url, known = default_url(), default_stores()
    if known and url not in known:
        raise StoreError(f"{url}: there is no store; say --store with one of these: {' '.join(known)}")
    return url


def _open(url: str | None, *, create: bool = False) -> Store:
    from actorsched.store.url import make_store

    url = url or usual_url()
    if url == "memory://":
        raise StoreError("--store memory://: nothing is kept there; name a store that keeps something")
    store = make_store(url)
    store.open(create=create)
    return store


def _check(url: str | None, as_json: bool) -> None:
    from actorsched.cli.output import print_json
    from actorsched.store.transfer import check

    store = _open(url)
    try:
        found = check(store)
    finally:
        store.close()
    if as_json:
        print_json({"sound": True, **found})
        return
    tasks = ", ".join(f"{n} {status}" for status, n in found["tasks"].items()) or "none"
    click.echo(f"{found['store']} is sound")
    click.echo(f"tasks: {tasks}")
    click.echo(f"workers: {found['workers']}")
    click.echo(f"held by: {found['holder'] or 'nobody'}")


def _export(url: str | None, output: BinaryIO) -> None:
    from actorsched.store.transfer import export_lines

    store = _open(url)
    try:
        output.writelines(export_lines(store))
        output.flush()
    finally:
        store.close()


def _import(url: str | None, file: BinaryIO) -> None:
    from actorsched.store.transfer import import_lines

    store = _open(url, create=True)
    try:
        n = import_lines(store, file, secrets.token_hex(6), getattr(file, "name", "the input"))
    finally:
        store.close()
    print(f"{n} tasks are in {store.url}", file=sys.stderr)


def _vacuum(url: str | None) -> None:
    store = _open(url)
    try:
        before, after = store.vacuum()
    finally:
        store.close()
    click.echo(f"{store.url}: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB now")


def _command(name: str, callback: Any, short: str, help: str, *params: click.Parameter) -> click.Command:
    return click.Command(
        name, callback=callback, params=[*params, store_option()], short_help=short, help=f"{short} {help}"
    )


store = click.Group(
    "store",
    help="Look after the store of a scheduler: its state, not its history.\n\n"
    "Back up with `export`, also while a scheduler runs. Restore with `import`: stop the scheduler, move the"
    " old files away, import, check, start.\n\n"
    "Without --store all commands mean the store that a scheduler node of this user has at the usual port.",
    commands=[
        _command(
            "check",
            _check,
            "Say what is in it and who has it.",
            "Everything is read; exit code 69 when it is damaged.",
            click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for programs."),
        ),
        _command(
            "export",
            _export,
            "Write everything as lines of JSON.",
            "As of one moment; a scheduler may be running.",
            click.Option(
                ["--output", "-o"], type=click.File("wb", lazy=True), default="-", metavar="FILE",
                help="Write here.  [default: standard output]",
            ),
        ),
        _command(
            "import",
            _import,
            "Fill an empty store from an export.",
            "No scheduler may have it; `-` is standard input. Exports of earlier versions will do.",
            click.Argument(["file"], type=click.File("rb")),
        ),
        _command(
            "vacuum",
            _vacuum,
            "Give room back to the disk.",
            "Only while no scheduler has it: the room that deleted tasks have left is used again anyway.",
        ),
    ],
)  # fmt: skip
