"""`eventminer evaluate rating-sheet` and `ratings`: what people who do not know the method say about patterns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from miner.cli.output import AsJson, print_json, print_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.evaluate.rating import RatingScore
    from reports.rating import Sheet

COLUMNS = ("measure", "method", "corpus", "value", "low", "high", "n", "nUnsure", "raters")


def register(app: typer.Typer) -> None:
    """Add the commands of blind rating to `eventminer evaluate`."""
    app.command("rating-sheet")(rating_sheet)
    app.command("ratings")(ratings)


def rating_sheet(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders, one per method or corpus.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the sheet, which raters get.")],
    key: Annotated[
        Path | None, typer.Option("--key", help="File that says what made what; beside the folder if not given.")
    ] = None,
    patterns: Annotated[int, typer.Option(min=1, help="Patterns of each run, at most.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the order.")] = 0,
    corpus: Annotated[
        list[str] | None, typer.Option("--corpus", help="Where a corpus is now, if it has moved; once per run.")
    ] = None,
    *,
    json: AsJson = False,
) -> None:
    """Shuffle the patterns of runs into one blind sheet: pictures and a name each, to be answered yes, no or unsure.

    The sheet is a page that is filled in by keyboard and saves a CSV, and the same CSV to fill in elsewhere. Every run gives
    the same number of patterns, the best of its event types in turn. The key is written to another place.
    """
    from miner.run.rating import SHEET_CSV, SHEET_PAGE, write_sheet

    apart = key or out.with_name(f"{out.resolve().name}.key.json")
    sheet = write_sheet(runs, out, apart, n_patterns=patterns, seed=seed, locations=corpus or ())
    if json:
        print_json({"sheet": sheet.id, "n": len(sheet.items), "leftOut": dict(sheet.left_out), "framed": sheet.framed})
        return
    typer.echo("\n".join(_describe(sheet, len(runs))))
    typer.echo(f"For raters: {out / SHEET_PAGE} (or {out / SHEET_CSV}).\nNot for raters: {apart}")


def _describe(sheet: Sheet, n_runs: int) -> Iterator[str]:
    view = "patches with frames" if sheet.framed else "whole pictures, because not all evidence has boxes"
    yield f"Sheet {sheet.id}: {len(sheet.items):,} patterns of {n_runs} runs, the same number of each, as {view}."
    for run, count in sheet.left_out.items():
        if count:
            yield f"{count:,} patterns of {run} have no picture and are left out."


def ratings(
    sheets: Annotated[list[Path], typer.Argument(metavar="SHEET.csv...", help="Filled sheets, one per rater.")],
    key: Annotated[Path, typer.Option("--key", help="The key that was written with the sheet.")],
    *,
    json: AsJson = False,
) -> None:
    """Score filled rating sheets: accuracy of each method with a Wilson interval, and the agreement of the raters.

    A pattern is right when more than half of those who answered said yes; an answer of unsure counts as not yes. Agreement
    is Krippendorff's alpha of the answers yes, no and unsure; what was left open is missing.
    """
    from miner.run.rating import score_sheets

    print_rows((_row(score) for score in score_sheets(sheets, key)), COLUMNS, as_json=json)


def _row(score: RatingScore) -> dict[str, object]:
    row = score._asdict()
    return row | {"nUnsure": row.pop("n_unsure"), "raters": row.pop("n_raters")}
