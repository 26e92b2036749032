"""What commands say: data on stdout, everything else on stderr."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from miner.errors import EventMinerError

WIDE = 10_000

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


def open_stderr() -> Console:
    """Return a console for progress and notes."""
    return Console(stderr=True, highlight=False)


def report_error(error: EventMinerError) -> None:
    """Print a known error in one line, and what to do about it in a second one."""
    typer.echo(f"Error: {' '.join(error.message.split())}", err=True)
    if error.hint:
        typer.echo(f"Hint: {' '.join(error.hint.split())}", err=True)


def print_json(row: Mapping[str, object]) -> None:
    """Print one JSON object in one line."""
    typer.echo(json.dumps(dict(row), ensure_ascii=False))


def print_rows(rows: Iterable[Mapping[str, object]], columns: Sequence[str], *, as_json: bool) -> None:
    """Print rows as JSON lines with all their keys, or as a table of some columns."""
    if as_json:
        for row in rows:
            print_json(row)
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*[_show(row.get(column)) for column in columns])
    # What a pipe reads must not be folded at the width of some terminal.
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else WIDE).print(table)


def print_csv(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print rows as CSV with a header, lists and mappings in it as JSON."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = [row.get(column) for column in columns]
        writer.writerow(
            json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict | bool) else value
            for value in values
        )


def _show(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(_show(item) for item in value)
    return str(value)
