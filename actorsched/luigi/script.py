"""A script that was written for Luigi, run as it is: `actorsched luigi SCRIPT.py …`."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Sequence

import click
import luigi.retcodes

from actorsched.errors import ActorschedError
from actorsched.facade.result import RunResult
from actorsched.luigi.command import exit_code_of
from actorsched.luigi.entry import listeners
from actorsched.luigi.install import install


def run_script(args: Sequence[str]) -> int:
    """Do what Python does with a script and its arguments; its runs are ours.

    Returns:
        The exit code. Of a script that comes to its end without a word, that of its runs: it is 0 if and only
        if all that it has asked for is complete. (With Luigi it is 0 in any case.)

    Raises:
        SystemExit: the script says so.
        ActorschedError: the scheduler cannot be reached, or settings cannot work.
    """
    script = args[0]
    if not os.path.isfile(script):
        click.echo(f"actorsched: error: no file {script!r}", err=True)
        return 2
    install()
    sys.argv = list(args)
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    unfinished = _Unfinished()
    listeners.append(unfinished)
    try:
        runpy.run_path(script, run_name="__main__")
    except ActorschedError:
        raise
    except SystemExit as end:
        if end.code is not None:  # None: `sys.exit(main())`, as a rule, and no judgement
            raise
    except Exception as error:
        _show(error, script)
        return 1
    finally:
        listeners.remove(unfinished)
    return unfinished.exit_code(script)


class _Unfinished:
    """The runs of a script that came to no good end.

    One that asks for the same takes the place of one before; one that has all that it asked for clears those
    that asked for no more.
    """

    def __init__(self) -> None:
        self._results: dict[frozenset[str], RunResult] = {}

    def __call__(self, asked: frozenset[str], result: RunResult) -> None:
        if result.succeeded:
            self._results = {less: found for less, found in self._results.items() if not less <= asked}
        else:
            self._results[asked] = result

    def exit_code(self, script: str) -> int:
        codes = luigi.retcodes.retcode()
        code = max((exit_code_of(result, codes) for result in self._results.values()), default=0)
        if code:
            names = ", ".join(dict.fromkeys(result.status.name for result in self._results.values()))
            click.echo(
                f"actorsched: {script} came to its end with runs that did not ({names}): exit code {code}; "
                "where it should be 0, let the script say sys.exit(0)",
                err=True,
            )
        return code


def _show(error: Exception, script: str) -> None:
    """Print what Python prints when a script fails."""
    tail = error.__traceback__
    while tail is not None and tail.tb_frame.f_code.co_filename != script:
        tail = tail.tb_next
    traceback.print_exception(type(error), error, tail or error.__traceback__)
