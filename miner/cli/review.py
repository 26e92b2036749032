"""`eventminer review`: the page on which an analyst turns patterns into a schema."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from miner.cli.pattern import RunArgument


def review(
    run: RunArgument,
    port: Annotated[int, typer.Option("--port", help="Port to listen on; any free one if not given.")] = 0,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; only this machine can ask unless another is given.")
    ] = "127.0.0.1",
    token: Annotated[
        str,
        typer.Option(
            "--token",
            help="What every request must know; EVENTMINER_TOKEN is read too. One is made where --host is not this machine alone.",
        ),
    ] = "",
    kb: Annotated[
        str, typer.Option("--kb", metavar="URI", help="Store that RUN was loaded into: decide there, as Review nodes.")
    ] = "",
    corpus: Annotated[str, typer.Option("--corpus", help="Where the corpus is now, if it has moved.")] = "",
    compare: Annotated[
        list[Path] | None,
        typer.Option("--compare", metavar="RUN", help="Another run to compare with; can be repeated."),
    ] = None,
    reviewer: Annotated[
        str,
        typer.Option(
            "--as", metavar="NAME", help="Who decides, unless a browser says otherwise; the user if not given."
        ),
    ] = "",
) -> None:
    """Review the patterns of a run in a browser: accept, reject, rename, merge, split, set roles, undo.

    Every decision is on the disk, in RUN/review/decisions.jsonl or the store of --kb, before the page moves on. Ctrl-C ends it.
    """
    from miner.run.review_page import open_desk
    from reports.review.server import listen, serve

    with listen(host, port, token or os.environ.get("EVENTMINER_TOKEN", "")) as listening:
        with open_desk(run, kb=kb, location=corpus, others=compare or (), reviewer=reviewer) as desk:
            typer.echo(listening.address)
            serve(desk, listening)
        typer.echo("Stopped. Every decision is kept.", err=True)
