"""`eventminer evaluate images`: how well event types are read off pictures that were not learnt from."""

from __future__ import annotations

from typing import Annotated

import typer

from miner.cli.output import AsJson, open_stderr, print_rows
from miner.cli.pattern import RunArgument
from miner.cli.run import SchedulerOption, ThreadsOption, WorkersOption

COLUMNS = ("measure", "method", "corpus", "value", "low", "high", "n", "seeds")


def images(
    run: RunArgument,
    holdout: Annotated[float, typer.Option(min=0.05, max=0.9, help="Share of photo groups not to learn from.")] = 0.4,
    seeds: Annotated[int, typer.Option(min=1, help="Splits to average over: seeds 0 to this less one.")] = 1,
    corpus: Annotated[str, typer.Option("--corpus", help="Where the corpus is now, if it has moved.")] = "",
    workers: WorkersOption = 0,
    scheduler: SchedulerOption = "",
    threads: ThreadsOption = 0,
    *,
    json: AsJson = False,
) -> None:
    """Mine and learn without a seeded part of the pictures, and decide for the event type of each of those.

    Prints the macro-F1 of the event types, beside a logistic probe on the same features and labels, and how far probabilities are
    from what they say (expected calibration error). Pictures without a label count as showing none.
    """
    from miner.run.folder import open_run
    from miner.run.image_evaluation import evaluate_images
    from miner.run.job import Place
    from miner.run.progress import OnConsole

    rows = evaluate_images(
        open_run(run),
        holdout=holdout,
        seeds=range(seeds),
        place=Place(n_threads=threads, n_workers=workers, scheduler=scheduler),
        progress=OnConsole(open_stderr()),
        location=corpus,
    )
    print_rows([row._asdict() for row in rows], COLUMNS, as_json=json)
