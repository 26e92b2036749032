"""`eventminer report`: the report of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from miner.cli.output import open_stderr
from miner.cli.pattern import RunArgument


def report(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option("--out", help="HTML file to write; RUN/report.html if not given.")] = None,
    corpus: Annotated[str, typer.Option("--corpus", help="Where the corpus is now, if it has moved.")] = "",
    *,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Put pictures into it, or keep it small.")
    ] = True,
) -> None:
    """Write the report of a run again: one HTML file that needs nothing else."""
    from miner.run.folder import open_run
    from miner.run.progress import OnConsole
    from miner.run.reporting import write_report

    target = out or run / "report.html"
    with OnConsole(open_stderr()).stage("report"):
        write_report(open_run(run), target, location=corpus, images=images)
    typer.echo(str(target))
