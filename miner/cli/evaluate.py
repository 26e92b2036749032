"""`eventminer evaluate`: how good the results of a run are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from miner.cli.evaluate_extraction import extraction
from miner.cli.output import AsJson, open_stderr, print_rows
from miner.cli.pattern import RunArgument
from miner.cli.run import SchedulerOption, ThreadsOption, WorkersOption

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from miner.run.evaluation import NameEvaluation

app = typer.Typer(help="Measure the results of a run.", no_args_is_help=True)

COLUMNS = ("measure", "method", "corpus", "value", "low", "high", "n", "seeds")
NAME_COLUMNS = ("name", "eventType", "nRelevant", "detector", "filter-set", "probe", "base-rate")


@app.callback()
def _group() -> None:
    """Measure the results of a run."""


app.command()(extraction)


@app.command()
def patterns(
    run: RunArgument,
    holdout: Annotated[float, typer.Option(min=0.05, max=0.9, help="Share of photo groups mining must not see.")] = 0.4,
    seeds: Annotated[int, typer.Option(min=1, help="Splits to average over: seeds 0 to this less one.")] = 1,
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
    """Mine without a seeded part of the pictures, and measure on that part whether names find what they name.

    R-precision of a name: held-out pictures ranked by the pattern's detector, cut at the number of held-out pictures whose
    captions have the name. Beside it the best set of one to three of the pattern's visual items, a logistic probe trained on
    the name itself, and the base rate.

    With --boxes nothing is mined: the boxes of the run's evidence are compared with true ones of what the patterns are named
    after (intersection over union; pointing game; by size of the thing), beside a box around the whole picture.
    """
    from miner.run.evaluation import evaluate_names
    from miner.run.folder import open_run
    from miner.run.job import Place
    from miner.run.progress import OnConsole

    if boxes:
        print_rows(_located(run, boxes), COLUMNS, as_json=json)
        return
    found = evaluate_names(
        open_run(run),
        holdout=holdout,
        seeds=range(seeds),
        place=Place(n_threads=threads, n_workers=workers, scheduler=scheduler),
        progress=OnConsole(open_stderr()),
        location=corpus,
    )
    if names:
        print_rows(_names(found), NAME_COLUMNS, as_json=json)
    print_rows(_measures(found), COLUMNS, as_json=json)


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


def _names(found: NameEvaluation) -> Iterator[dict[str, object]]:
    for score in found.scores:
        about = {"pattern": score.pattern, "name": score.name, "eventType": score.event_type}
        yield {**about, "nRelevant": score.n_relevant, **score.values}


def _measures(found: NameEvaluation) -> Iterator[dict[str, object]]:
    for item in found.measured:
        yield {**item._asdict(), "corpus": found.corpus, "seeds": list(found.seeds)}
    means = {item.method: item.value for item in found.measured}
    for other in ("filter-set", "probe"):
        if means.get(other):
            ratio = means["detector"] / means[other]
            empty = {"low": None, "high": None, "n": len(found.scores), "seeds": list(found.seeds)}
            yield {"measure": "ratio", "method": f"detector / {other}", "corpus": found.corpus, "value": ratio, **empty}
