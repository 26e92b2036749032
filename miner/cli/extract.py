"""`eventminer extract`: event mentions from new texts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from miner.cli.run import SchedulerOption, WorkersOption

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from corpora.texts import TextRecord


def extract(
    kb: Annotated[Path, typer.Option("--kb", metavar="RUN", help="Run folder whose patterns and model extract.")],
    text: Annotated[
        str, typer.Option("--text", metavar="FILE|-", help="A text, one document; - is standard input.")
    ] = "",
    corpus: Annotated[
        str,
        typer.Option(
            "--corpus",
            metavar="CORPUS",
            help="Captions of a corpus, or the sentences of an M2E2 file (its gold is not read).",
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here instead of printing.")] = None,
    workers: WorkersOption = 0,
    scheduler: SchedulerOption = "",
    threads: Annotated[int, typer.Option("--threads", min=0, help="Processes on this machine; 0 is one per core.")] = 1,
) -> None:
    """Extract event mentions: type, trigger, arguments with roles, score, and the patterns that argue for each, as JSON Lines.

    A run that 'eventminer kb train' has trained uses its model; others use the triggers of their ontology, the names of their
    patterns and plain grammar. Texts in other languages and empty ones are left out and counted.
    """
    from collections import Counter

    from corpora.texts import require_texts
    from miner.run.extraction import EXTRACTOR, Extraction, extract_texts, is_stale
    from miner.run.folder import open_run
    from miner.run.job import Place

    if bool(text) == bool(corpus):
        raise typer.BadParameter("Give either --text or --corpus.")
    folder = open_run(kb)
    if not (folder.path / EXTRACTOR).is_dir():
        typer.echo("Note: the run has no trained model; rules extract. 'eventminer kb train' trains one.", err=True)
    elif is_stale(folder):
        typer.echo("Note: the model was trained with other patterns than the run has now; train it again.", err=True)
    counts: Counter[str] = Counter()
    target = out.open("w", encoding="utf-8") if out else sys.stdout
    try:
        extraction = Extraction(lambda mention: _write(target, mention.as_json()), counts)
        place = Place(n_threads=threads, n_workers=workers, scheduler=scheduler)
        extract_texts(kb, _records(text, corpus, counts), place, extraction)
    finally:
        if out:
            target.close()
    require_texts(text or corpus, counts["texts"])
    for reason, n in sorted(counts.items()):
        typer.echo(f"{n:,} {reason}", err=True)


def _write(target: object, row: dict[str, object]) -> None:
    print(json.dumps(row, ensure_ascii=False), file=target)  # type: ignore[call-overload]


def _records(text: str, corpus: str, counts: Counter[str]) -> Iterator[TextRecord]:
    from corpora.texts import read_file_text, read_texts

    if corpus:
        yield from read_texts(corpus, counts)
    elif text == "-":
        yield from read_file_text("-", sys.stdin)
    else:
        with Path(text).open(encoding="utf-8", errors="replace") as file:
            yield from read_file_text(Path(text).name, file)
