"""`eventminer demo`: everything on a small generated corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from miner.cli.output import AsJson, open_stderr, print_rows
from miner.cli.pattern import COLUMNS
from miner.cli.run import ThreadsOption, WorkersOption, report

DEMO_FOLDER = Path("demo-run")
N_SHOWN = 12


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the corpus and its run.")] = DEMO_FOLDER,
    workers: WorkersOption = 0,
    threads: ThreadsOption = 0,
    *,
    json: AsJson = False,
) -> None:
    """Draw a small corpus, run everything on it, and say what was found and where the report is."""
    from miner.cli.logs import log_to
    from miner.run.catalogue import list_patterns
    from miner.run.demo import run_demo
    from miner.run.folder import open_run
    from miner.run.job import Place
    from miner.run.progress import OnConsole

    console = open_stderr()
    with log_to(out / "run" / "run.log", console):
        summary = run_demo(out, place=Place(n_threads=threads, n_workers=workers), progress=OnConsole(console))
    if not json:
        strongest = sorted(list_patterns(open_run(summary.out)), key=lambda row: (row["rank"], -row["confidence"]))
        print_rows(strongest[:N_SHOWN], COLUMNS, as_json=False)
    report(summary, as_json=json)
