"""`eventminer corpus`: a corpus before it is mined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from miner.cli.config import ConfigFile, Overrides
from miner.cli.output import AsJson, open_stderr, print_json
from miner.cli.run import CorpusArgument, ThreadsOption

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corpora.check import CorpusReport, Problem

app = typer.Typer(help="Look at a corpus before it is mined.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look at a corpus before it is mined."""


@app.command()
def check(
    corpus: CorpusArgument,
    config: ConfigFile = None,
    option: Overrides = None,
    threads: ThreadsOption = 0,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not decode and compare the images (some 100 a second).")
    ] = False,
    json: AsJson = False,
) -> None:
    """Count what is usable, name problems with reasons, and show label balance, captions and duplicates."""
    from miner.config_file import load_config
    from miner.run.checking import examine_corpus
    from miner.run.job import Place, open_executor
    from miner.run.progress import OnConsole

    resolved = load_config(config, option or ())
    progress = OnConsole(open_stderr())
    with open_executor(Place(n_threads=threads)) as executor:
        report = examine_corpus(corpus, resolved, executor=None if quick else executor, progress=progress)
    if json:
        print_json(report.to_json())
    else:
        Console(highlight=False, markup=False, soft_wrap=True).print("\n".join(describe(report)))


def describe(report: CorpusReport) -> Iterator[str]:
    """Yield the report as lines for people."""
    yield f"{report.name} ({report.reader}): {report.n_records:,} records, {report.n_usable:,} usable, {report.n_labelled:,} labelled"
    yield from _list_problems("Unusable", report.problems)
    yield from _list_problems("Labels", report.label_problems)
    yield from _list_problems("Notes", report.notes)
    yield f"Event types (by {report.label_mode}, ontology {report.ontology}):"
    yield from _list_counts(report.event_types)
    yield f"Captions: {report.n_captions:,}"
    yield from _list_counts(report.caption_languages)
    near = "not looked for" if report.near_copies is None else f"{report.near_copies:,}"
    yield f"Copies: {report.exact_copies:,} exact, {near} near"


def _list_problems(title: str, problems: Sequence[Problem]) -> Iterator[str]:
    if problems:
        yield f"{title}:"
    for problem in problems:
        yield f"  {problem.count:>7,}  {problem.code}"
        yield from (f"           {example}" for example in problem.examples)


def _list_counts(counts: Mapping[str, int]) -> Iterator[str]:
    yield from (f"  {count:>7,}  {name}" for name, count in counts.items())
