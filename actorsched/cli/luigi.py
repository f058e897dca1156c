"""`actorsched luigi`: Luigi's own command line, or a script that was written for Luigi."""

from __future__ import annotations

import click

from actorsched.errors import ConfigError

HELP = """Run what was written for Luigi, unchanged.

\b
actorsched luigi --module MODULE TASK [--param value …]   instead of: luigi --module …
actorsched luigi SCRIPT.py [ARGUMENTS …]                  instead of: python SCRIPT.py …

In the first form all flags are Luigi's (--help shows them), and luigi.cfg counts; in the second,
luigi.run and luigi.build of the script are ours. --scheduler-url tcp://host:8081, or
default_scheduler_url of [core] in luigi.cfg, names a scheduler of ours; a luigid (http://…) will do, too.
The exit code is 0 if and only if what was asked for is complete (docs/luigi.md has the others); that of a
script is its own where it calls sys.exit.
"""


@click.command(
    "luigi",
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": [],
    },
    help=HELP,
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENTS …]")
@click.pass_context
def luigi(ctx: click.Context, args: tuple[str, ...]) -> int:
    """See HELP."""
    if args in ((), ("--help",), ("-h",)):
        click.echo(ctx.get_help())
        return 0 if args else 2
    try:
        from actorsched.luigi.command import main
    except ImportError as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name == "luigi"
        hint = "pip install 'actorsched[luigi]'" if absent else str(error)
        raise ConfigError(f"Luigi cannot be imported here: {hint}") from None
    return main(args)
