"""`eventminer run`: from a corpus to patterns, knowledge base and report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from miner.cli.config import ConfigFile, Overrides
from miner.cli.output import AsJson, open_stderr, print_json

if TYPE_CHECKING:
    from miner.run.job import RunSummary
    from miner.run.spread import Spread

TOO_MANY_BAD = 3
METHODS = ("ours", "visual-only", "mdpm", "text-only")

CorpusArgument = Annotated[
    str, typer.Argument(metavar="CORPUS", help="Folder, manifest, COCO file or tar shard: a path or an fsspec URL.")
]
OutOption = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="RUN",
        help="Run folder, or an fsspec URL that everything finished is copied to; the same one goes on where a run stopped.",
    ),
]
StagingOption = Annotated[
    Path | None,
    typer.Option("--staging", help="Local folder to work in where RUN is a URL; by default one of the user's cache."),
]
WorkersOption = Annotated[int, typer.Option("--workers", min=0, help="Start this many Dask processes here.")]
SchedulerOption = Annotated[
    str, typer.Option("--scheduler", help="Use the workers of this Dask scheduler: tcp://HOST:8786.")
]
SpreadOption = Annotated[
    str,
    typer.Option(
        "--spread",
        metavar="auto|none|votes|prefix",
        help="How votes are mined by several workers; changes no result. votes: by partition, for more votes than fit a worker; "
        "prefix: below different words of one file on this host.",
    ),
]
MethodOption = Annotated[
    str,
    typer.Option(
        "--method",
        metavar="ours|visual-only|mdpm|text-only",
        help="What finds patterns: our method, or a baseline to compare it with. The same as -o method=...",
    ),
]
ThreadsOption = Annotated[int, typer.Option("--threads", min=0, help="Threads of this process; 0 is one per core.")]


def run(
    *,
    corpus: CorpusArgument,
    out: OutOption,
    staging: StagingOption = None,
    config: ConfigFile = None,
    option: Overrides = None,
    workers: WorkersOption = 0,
    scheduler: SchedulerOption = "",
    threads: ThreadsOption = 0,
    spread: SpreadOption = "auto",
    method: MethodOption = "",
    extend: Annotated[
        Path | None,
        typer.Option(
            "--extend", metavar="RUN", help="Add the corpus to the records of this run; keep its calibration."
        ),
    ] = None,
    recalibrate: Annotated[
        bool, typer.Option("--recalibrate", help="With --extend: fit thresholds, words and masks to all records again.")
    ] = False,
    learn: Annotated[
        bool, typer.Option("--learn", help="Heed what was decided in reviews of RUN, and of the run it extends.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Turn the folder of another corpus over to this one.")] = False,
    json: AsJson = False,
) -> None:
    """Mine the patterns of a corpus and make bundle, knowledge base and report; finished parts are kept."""
    from miner.cli.logs import log_to
    from miner.config_file import load_config
    from miner.run.folder import locate_run, open_run
    from miner.run.job import Extension, Place, run_corpus
    from miner.run.progress import OnConsole

    if recalibrate and extend is None:
        raise typer.BadParameter("needs --extend RUN", param_hint="--recalibrate")
    if extend is not None:
        open_run(extend)
    overrides = [*(option or ()), *([f"method={read_method(method)}"] if method else [])]
    resolved = load_config(config or (extend / "run.toml" if extend else None), overrides)
    folder = locate_run(out, staging)
    console = open_stderr()
    with log_to(folder.path / "run.log", console):
        place = Place(n_threads=threads, n_workers=workers, scheduler=scheduler, spread=read_spread(spread))
        summary = run_corpus(
            corpus,
            folder,
            resolved,
            place=place,
            progress=OnConsole(console),
            force=force,
            extension=Extension(extend, recalibrate=recalibrate) if extend else None,
            learn=learn,
        )
    report(summary, as_json=json)


def read_spread(value: str) -> Spread:
    """Read the option `--spread`."""
    if value in {"auto", "none", "votes", "prefix"}:
        return cast("Spread", value)
    raise typer.BadParameter(f"{value!r} is not one of auto, none, votes, prefix", param_hint="--spread")


def read_method(value: str) -> str:
    """Read the option `--method`."""
    if value in METHODS:
        return value
    raise typer.BadParameter(f"{value!r} is not one of {', '.join(METHODS)}", param_hint="--method")


def report(summary: RunSummary, *, as_json: bool) -> None:
    """Say what a run found and did; exit with code 3 after too many bad records."""
    if as_json:
        print_json(describe(summary))
    else:
        for line in summarise(summary):
            typer.echo(line)
    if summary.too_many_bad:
        typer.echo(
            f"{summary.n_bad:,} of {summary.n_records:,} records are unusable, more than corpus.max_bad_ratio allows.",
            err=True,
        )
        raise typer.Exit(TOO_MANY_BAD)


def describe(summary: RunSummary) -> dict[str, object]:
    """Return the summary of a run as JSON."""
    return {
        "corpus": summary.corpus,
        "run": str(summary.out),
        "records": summary.n_records,
        "bad": summary.n_bad,
        "rules": summary.n_rules,
        "smallestAttainableLog10P": summary.smallest_log10_p,
        "patterns": summary.n_patterns,
        "eventTypes": summary.n_event_types,
        "made": list(summary.made),
        "report": str(summary.out / "report.html"),
    }


def summarise(summary: RunSummary) -> list[str]:
    """Return the summary of a run as lines for people."""
    bad = f", {summary.n_bad:,} of them unusable" if summary.n_bad else ""
    found = f"{summary.n_rules:,} rules; {summary.n_patterns:,} patterns of {summary.n_event_types:,} event types"
    lines = [
        f"{summary.corpus}: {summary.n_records:,} records{bad}; {found}.",
        f"Smallest p-value that a rule could have reached: 1e{summary.smallest_log10_p:.0f}.",
        f"Report: {summary.out / 'report.html'}",
    ]
    return lines if summary.made else ["Nothing to do: everything is there already.", *lines]
