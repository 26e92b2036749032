"""`eventminer corpus`: a corpus before it is mined."""

from __future__ import annotations

from pathlib import Path
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


@app.command()
def forget(
    record: Annotated[str, typer.Argument(metavar="RECORD_ID", help="Id of the record.")],
    run: Annotated[Path, typer.Option("--run", help="Run folder to take it out of.")],
    kb: Annotated[str, typer.Option("--kb", help="Graph store to take it out of as well.")] = "",
    corpus: Annotated[str, typer.Option("--corpus", help="Where the corpus is now, if it has moved.")] = "",
    threads: ThreadsOption = 0,
    *,
    json: AsJson = False,
) -> None:
    """Take a record out of a run for good: artefacts, bundle, graph and report; what it supported is counted anew.

    A hash of its id and of its picture stays in the run folder, so that it never comes back. The corpus itself is not touched.
    """
    from miner.run.forgetting import forget
    from miner.run.job import Place
    from miner.run.progress import OnConsole

    place = Place(n_threads=threads)
    done = forget(run, record, kb=kb, location=corpus, place=place, progress=OnConsole(open_stderr()))
    if json:
        print_json(
            {
                "record": record,
                "evidence": done.n_evidence,
                "patterns": list(done.patterns),
                "patternsBefore": done.n_before,
                "patternsNow": done.n_now,
            }
        )
    else:
        typer.echo(
            f"{record} is forgotten: it was {done.n_evidence:,} pieces of evidence of {len(done.patterns):,} patterns; "
            f"the run had {done.n_before:,} patterns and has {done.n_now:,} now."
        )


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
    yield from _list_copies(report)


def _list_copies(report: CorpusReport) -> Iterator[str]:
    """Yield how many pictures are copies of others, how large their groups are, and the records of the largest."""
    near = "not looked for" if report.near_copies is None else f"{report.near_copies:,}"
    yield f"Copies: {report.exact_copies:,} exact, {near} near (exact ones included)"
    if report.near_copies is not None and report.copy_sizes:
        yield "  A photo group, that is a picture with its copies, has one vote per event type."
    for size, count in report.copy_sizes.items():
        yield f"  {count:>7,}  group{'' if count == 1 else 's'} of {size:,}"
    if report.copy_examples:
        yield "  The largest begin with the records"
    yield from (f"           {', '.join(example)}" for example in report.copy_examples)


def _list_problems(title: str, problems: Sequence[Problem]) -> Iterator[str]:
    if problems:
        yield f"{title}:"
    for problem in problems:
        yield f"  {problem.count:>7,}  {problem.code}"
        yield from (f"           {example}" for example in problem.examples)


def _list_counts(counts: Mapping[str, int]) -> Iterator[str]:
    yield from (f"  {count:>7,}  {name}" for name, count in counts.items())
