"""The `eventminer` command.

Exit codes: 0 done, 1 a known error, 2 wrong usage, 3 finished with too many bad records, 130 interrupted.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated

import typer

from miner.cli import (
    backbone,
    config,
    corpus,
    demo,
    doctor,
    evaluate,
    extract,
    kb,
    pattern,
    rating,
    report,
    review,
    rules,
    run,
    schema,
)
from miner.cli.output import report_error
from miner.errors import EventMinerError

KNOWN_ERROR = 1
INTERRUPTED = 130

app = typer.Typer(
    name="eventminer",
    help="Mine event schemas from captioned pictures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(run.run)
app.add_typer(corpus.app, name="corpus")
app.add_typer(rules.app, name="rules")
app.add_typer(pattern.app, name="pattern")
app.command()(schema.schema)
app.command()(report.report)
app.command()(review.review)
app.command()(extract.extract)
app.add_typer(evaluate.app, name="evaluate")
rating.register(evaluate.app)
app.add_typer(kb.app, name="kb")
app.add_typer(backbone.app, name="backbone")
app.add_typer(config.app, name="config")
app.command()(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("eventminer"))
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    del version


def main() -> None:
    """Run the command line; every known error becomes one line and an exit code, never a traceback."""
    logging.raiseExceptions = False
    try:
        app()
    except EventMinerError as error:
        report_error(error)
        sys.exit(KNOWN_ERROR)
    except OSError as error:
        report_error(_explain(error))
        sys.exit(KNOWN_ERROR)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _leave_at_once()
        raise


def _explain(error: OSError) -> EventMinerError:
    """Put a failure of the system that nothing expected there into one line."""
    from miner.store.formats import DISK_FULL

    where = f": {error.filename}" if error.filename else ""
    if error.errno in DISK_FULL:
        return EventMinerError(
            f"No space left on a disk that is written to, perhaps that of temporary files{where}.",
            hint="Free some space and run the same command again: it goes on from here.",
        )
    return EventMinerError(f"{error.strerror or error}{where}")


def _leave_at_once() -> None:
    """End without waiting for shards in the making: what is finished is kept, the rest is swept up by the next run."""
    typer.echo("Interrupted. The same command goes on from here.", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
