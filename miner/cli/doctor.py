"""`eventminer doctor`: what is installed, what is missing, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from miner.cli.output import AsJson, print_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ("what", "status", "found", "advice")


def doctor(*, json: AsJson = False) -> None:
    """Say what is installed, which device computes, which stores answer, and what to do about what is missing."""
    from miner.run.checkup import examine

    rows: list[Mapping[str, object]] = [finding.row() for finding in examine()]
    print_rows(rows, COLUMNS, as_json=json)
    if any(row["status"] == "missing" for row in rows):
        raise typer.Exit(1)
