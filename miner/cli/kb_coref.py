"""`eventminer kb coref`: which mentions of different documents are of one event."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from miner.cli.output import AsJson, print_json, print_rows

COLUMNS = ("first", "second", "score", "reasons")


def coref(
    source: Annotated[
        str,
        typer.Argument(metavar="URI|FILE", help="Graph that mentions were written into, or a .jsonl file of mentions."),
    ],
    threshold: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Least score of two mentions of one event.")
    ] = 0.5,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="RUN", help="Run whose word vectors compare triggers, if not that of the graph."),
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """Join mentions of different documents that tell of the same event: SAME_AS, with a score and its reasons.

    Triggers, arguments, places, days, words of the sentence and photographs are compared. In a graph the relationships are written,
    and those of an earlier resolution that hold no more go; the pairs of a file are printed, by the numbers of its lines.
    """
    from miner.run.coref import resolve_file, resolve_graph

    is_file = source.endswith(".jsonl") and Path(source).is_file()
    found = (
        resolve_file(Path(source), threshold=threshold, run=run)
        if is_file
        else resolve_graph(source, threshold=threshold, run=run)
    )
    if found.no_vectors:
        typer.echo(f"Note: triggers are compared by their words, not by vectors: {found.no_vectors}", err=True)
    for reason, n in sorted(found.counts.items()):
        typer.echo(f"{n:,} {reason}", err=True)
    if found.written is None:
        print_rows([same._asdict() for same in found.same], COLUMNS, as_json=json)
        return
    if found.written.n_joined:
        typer.echo(
            f"{found.written.n_joined:,} more pairs had been joined by somebody else and stay as they are", err=True
        )
    row = {
        "mentions": found.n_mentions,
        "pairs": found.written.n_pairs,
        "pairsOfOthers": found.written.n_joined,
        "pairsNew": found.written.changes.relationships_created,
        "pairsGone": found.written.changes.relationships_deleted,
    }
    if json:
        print_json(row)
    else:
        typer.echo(
            f"{row['mentions']:,} mentions, {row['pairs']:,} pairs of one event; {row['pairsNew']:,} are new, {row['pairsGone']:,} gone."
        )
