"""`eventminer pattern`: what a run found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from miner.cli.output import AsJson, print_json, print_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

app = typer.Typer(help="Patterns of a finished run.", no_args_is_help=True)

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]

COLUMNS = ("id", "eventType", "name", "confidence", "lift", "nEvidence", "role", "proven")
N_EXAMPLES = 10


@app.callback()
def _group() -> None:
    """Patterns of a finished run."""


@app.command("list")
def list_(
    run: RunArgument,
    event_type: Annotated[
        str | None, typer.Option("--event-type", metavar="TYPE", help="Only this type, such as Conflict.Attack.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """List the patterns by event type and rank."""
    from miner.run.catalogue import list_patterns
    from miner.run.folder import open_run

    print_rows(list_patterns(open_run(run), event_type), COLUMNS, as_json=json)


@app.command()
def show(
    run: RunArgument,
    pattern: Annotated[str, typer.Argument(metavar="ID", help="Id of a pattern, or its beginning.")],
    *,
    json: AsJson = False,
) -> None:
    """Show one pattern with names, scores, roles and evidence: pictures, boxes and caption spans."""
    from miner.run.catalogue import show_pattern
    from miner.run.folder import open_run

    row = show_pattern(open_run(run), pattern)
    if json:
        print_json(row)
    else:
        Console(highlight=False, markup=False, soft_wrap=True).print("\n".join(describe(row)))


def describe(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield a pattern as lines for people."""
    yield f"{row['name']}  ({row['eventType']}, {row['id']})"
    yield f"  names: {', '.join(row['alternatives']) or 'none'}"
    yield f"  words: {', '.join(row['textWords'])}"
    yield f"  visual items: {', '.join(row['visualNames'])}"
    yield f"  confidence {row['confidence']:.2f}, lift {row['lift']:.1f}, support {row['support']:.4f}, p {row['pValue']:.2g}"
    roles = ", ".join(f"{role['role']} {role['score']:.2f}" for role in row["roles"])
    yield f"  role: {row['role'] or 'none'}{f' ({roles})' if roles else ''}"
    arguing = {entry["role"]: entry["captions"] for entry in row.get("roleCaptions") or ()}
    for caption in arguing.get(row["role"], ()):
        yield f"    {caption}"
    yield f"  evidence: {row['nEvidence']} pictures"
    for place in row["evidence"][:N_EXAMPLES]:
        box = ", ".join(f"{edge:.0f}" for edge in place["box"])
        yield f"    {place['score']:6.2f}  {place['image']}  [{box}]  {place['caption'] or ''}"
