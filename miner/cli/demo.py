"""`eventminer demo`: everything on a small generated corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from miner.cli.output import AsJson, open_stderr, print_json, print_rows
from miner.cli.run import ThreadsOption, WorkersOption, describe, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from corpora.truth import FoundReport

DEMO_FOLDER = Path("demo-run")
COLUMNS = ("planted", "eventType", "found", "name", "jaccard")


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the corpus and its run.")] = DEMO_FOLDER,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other scenes; a folder keeps its corpus.")] = 0,
    workers: WorkersOption = 0,
    threads: ThreadsOption = 0,
    *,
    json: AsJson = False,
) -> None:
    """Draw a small corpus, run everything on it, and say which planted patterns were found and where the report is.

    A planted pattern is found when a mined one has its event type, evidence with a Jaccard index of at least 0.5 with the
    truth, and an accepted name among its first three.
    """
    from miner.cli.logs import log_to
    from miner.run.demo import run_demo
    from miner.run.job import Place
    from miner.run.progress import OnConsole

    console = open_stderr()
    place = Place(n_threads=threads, n_workers=workers)
    with log_to(out / "run" / "run.log", console):
        summary, found = run_demo(out, seed=seed, place=place, progress=OnConsole(console))
    if json:
        for row in _matches(found):
            print_json(row)
        print_json({**describe(summary), "recall": found.recall, "precision": found.precision, "k": found.k})
        return
    print_rows(_matches(found), COLUMNS, as_json=False)
    n_found = sum(match.found for match in found.matches)
    typer.echo(
        f"Found {n_found} of {len(found.matches)} planted patterns (recall {found.recall:.2f}); "
        f"{found.precision:.2f} of the first {found.k} patterns are planted ones."
    )
    report(summary, as_json=False)
    typer.echo(f"Knowledge base: {summary.out / 'kb'}")


def _matches(found: FoundReport) -> Iterator[dict[str, object]]:
    for match in found.matches:
        yield {
            "planted": match.planted.name,
            "eventType": match.planted.event_type,
            "found": "yes" if match.found else "no",
            "name": match.name,
            "jaccard": round(match.jaccard, 2),
        }
