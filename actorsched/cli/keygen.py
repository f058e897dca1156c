"""`actorsched keygen`: makes the keys and users of a scheduler that asks for them."""

from __future__ import annotations

from pathlib import Path

import click

from actorsched.errors import ConfigError

DEFAULT_KEYS = "actorsched-keys"


def _server(keys: Path) -> None:
    from actorsched.transport.guard import AUTHORISED, READ_ONLY, SERVER
    from actorsched.transport.keys import make_pair

    _make_folder(keys)
    _make_folder(keys / AUTHORISED / READ_ONLY)
    public, _ = make_pair(keys, SERVER)
    click.echo(f"scheduler: actorsched node --role scheduler --keys {keys} --bind tcp://0.0.0.0:8081")
    click.echo(f"clients need {public}, and a key of their own: actorsched keygen client NAME")


def _client(name: str, into: Path, authorise: Path | None, read_only: bool) -> None:
    from actorsched.transport.guard import AUTHORISED, READ_ONLY, SERVER
    from actorsched.transport.keys import make_pair

    inside = f"{AUTHORISED}/{READ_ONLY}" if read_only else AUTHORISED
    if authorise is not None and not (authorise / AUTHORISED).is_dir():
        raise ConfigError(
            f"--authorise {str(authorise)!r}: there is no folder {AUTHORISED!r} in it; it is made by"
            f" actorsched keygen server --keys {authorise}"
        )
    place = None if authorise is None else authorise / inside / f"{name}.key"
    if place is not None and place.exists():
        raise ConfigError(
            f"{place}: this scheduler lets in another key of that name; remove it first, or take another name"
        )
    _make_folder(into)
    public, secret = make_pair(into, name)
    server_key = "server.key"
    if authorise is None or place is None:
        click.echo(f"the scheduler lets it in when {public} is copied to {inside}/ in its folder of keys")
    else:
        server_key = str(authorise / f"{SERVER}.key")
        try:
            place.write_bytes(public.read_bytes())
        except OSError as error:
            raise ConfigError(f"{place}: cannot be written: {error.strerror}") from None
        click.echo(f"authorised: {place}")
    click.echo(f"use it: --server-key {server_key} --client-key {secret}")


def _user(name: str, users: Path, read_only: bool, password: str) -> None:
    from actorsched.transport.guard import write_user

    write_user(users, name, "read-only" if read_only else "full", password)
    click.echo(f"scheduler: actorsched node --role scheduler --users {users}")
    click.echo(f"use it: --scheduler tcp://{name}:PASSWORD@HOST:PORT")


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"folder {str(path)!r}: cannot be made: {error.strerror}") from None


_NAME = click.Argument(["name"])
_READ_ONLY = click.Option(["--read-only"], is_flag=True, help="It may only look, and change nothing.")
_FOLDER = click.Path(file_okay=False, path_type=Path)

keygen = click.Group(
    "keygen",
    help="Make keys and users, for a scheduler that asks for them.\n\nKeys encrypt all that travels, and are"
    " what to use between machines. Passwords are not encrypted on their way: they are for one machine with"
    " several users. What is added or removed counts at once; the scheduler need not be started again.",
    commands=[
        click.Command(
            "server",
            callback=_server,
            params=[
                click.Option(
                    ["--keys"],
                    type=_FOLDER,
                    default=DEFAULT_KEYS,
                    show_default=True,
                    help="The folder to make.",
                )
            ],
            short_help="Make the key of a scheduler.",
            help="Make the key of a scheduler, and the folder for the keys that it lets in.",
        ),
        click.Command(
            "client",
            callback=_client,
            params=[
                _NAME,
                click.Option(
                    ["--into"], type=_FOLDER, default=".", show_default=True, help="Write the two files here."
                ),
                click.Option(
                    ["--authorise"], type=_FOLDER, help="Let it in, by this folder of keys of a scheduler."
                ),
                _READ_ONLY,
            ],
            help="Make the key of a worker node or a person.",
        ),
        click.Command(
            "user",
            callback=_user,
            params=[
                _NAME,
                click.Option(
                    ["--users"],
                    type=click.Path(dir_okay=False, path_type=Path),
                    default="actorsched-users",
                    show_default=True,
                    help="The file of users; made if there is none.",
                ),
                _READ_ONLY,
                click.Option(
                    ["--password"],
                    prompt=True,
                    hide_input=True,
                    confirmation_prompt=True,
                    help="Asked for when missing, which keeps it out of the history of the shell.",
                ),
            ],
            help="Add a user with a password, or change one.",
        ),
    ],
)
