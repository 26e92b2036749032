"""`eventminer evaluate`: how good the results of a run are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from miner.cli.evaluate_extraction import extraction
from miner.cli.evaluate_images import images
from miner.cli.output import AsJson, open_stderr, print_rows
from miner.cli.pattern import RunArgument
from miner.cli.run import SchedulerOption, ThreadsOption, WorkersOption

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


app = typer.Typer(help="Measure the results of a run.", no_args_is_help=True)

COLUMNS = ("measure", "method", "corpus", "value", "low", "high", "n", "seeds")
NAME_COLUMNS = ("method", "name", "eventType", "trigger", "nRelevant", "detector", "filter-set", "probe", "base-rate")


@app.callback()
def _group() -> None:
    """Measure the results of a run."""


app.command()(extraction)
app.command()(images)


@app.command()
def patterns(
    run: RunArgument,
    holdout: Annotated[float, typer.Option(min=0.05, max=0.9, help="Share of photo groups mining must not see.")] = 0.4,
    seeds: Annotated[int, typer.Option(min=1, help="Splits to average over: seeds 0 to this less one.")] = 1,
    heldout: Annotated[
        str,
        typer.Option("--heldout", metavar="CORPUS", help="Measure on this corpus instead of splits of the run's own."),
    ] = "",
    corpus: Annotated[str, typer.Option("--corpus", help="Where the corpus is now, if it has moved.")] = "",
    workers: WorkersOption = 0,
    scheduler: SchedulerOption = "",
    threads: ThreadsOption = 0,
    boxes: Annotated[
        str,
        typer.Option(
            "--boxes",
            metavar="FILE",
            help="Measure where instead: boxes of the evidence against true ones; 'auto' for those in the corpus folder.",
        ),
    ] = "",
    *,
    names: Annotated[bool, typer.Option("--names", help="Print every name with its scores as well.")] = False,
    json: AsJson = False,
) -> None:
    """Mine without a seeded part of the pictures, by our method and two baselines, and measure on that part how good they are.

    Names are measured by R-precision: held-out pictures ranked by the pattern's detector, cut at the number of held-out
    pictures whose captions have the name; beside it the best set of one to three of the pattern's visual items, a logistic probe
    trained on the name itself, and the base rate. The other measures are concepts, consistency, discrimination, representation,
    redundancy, stability, and patterns found where labels or pictures are shuffled. The rows are also kept in
    RUN/evaluation.json, which the report shows; what is done for a split is kept.

    With --boxes nothing is mined: the boxes of the run's evidence are compared with true ones of what the patterns are named
    after (intersection over union; pointing game; by size of the thing), beside a box around the whole picture.
    """
    from miner.run.evaluation import evaluate_patterns
    from miner.run.folder import open_run
    from miner.run.job import Place
    from miner.run.progress import OnConsole

    if boxes:
        print_rows(_located(run, boxes), COLUMNS, as_json=json)
        return
    found = evaluate_patterns(
        open_run(run),
        holdout=holdout,
        seeds=range(seeds),
        heldout=heldout,
        place=Place(n_threads=threads, n_workers=workers, scheduler=scheduler),
        progress=OnConsole(open_stderr()),
        location=corpus,
    )
    if names:
        print_rows(found.names, NAME_COLUMNS, as_json=json)
    print_rows((row._asdict() for row in found.rows), COLUMNS, as_json=json)


def _located(run: Path, boxes: str) -> Iterator[dict[str, object]]:
    from miner.run.folder import open_run
    from miner.run.located import evaluate_located

    found = evaluate_located(open_run(run), boxes)
    for item in found.measured:
        yield {**item._asdict(), "corpus": found.corpus, "seeds": []}
    empty: dict[str, object] = {
        "corpus": found.corpus,
        "low": None,
        "high": None,
        "n": len(found.scores) + found.not_shown,
        "seeds": [],
    }
    yield {"measure": "boxes where the thing is not marked", "method": "pattern", "value": found.not_shown, **empty}
    empty |= {"n": len({score.pattern for score in found.scores}) + found.unknown}
    yield {"measure": "patterns named after nothing marked", "method": "pattern", "value": found.unknown, **empty}
