"""`eventminer demo`: draws a small corpus and mines it, so that everything can be seen at work without any data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from corpora.scenes import generate_scenes
from miner.config import RunConfig
from miner.errors import ArtefactError
from miner.run.folder import RunFolder
from miner.run.job import run_corpus
from miner.store.artefact import TEMPORARY, discard
from miner.store.formats import write_error

if TYPE_CHECKING:
    from pathlib import Path

    from miner.run.job import Place, RunSummary
    from miner.run.progress import Progress


def run_demo(out: Path, *, place: Place, progress: Progress) -> RunSummary:
    """Draw a corpus into `out/corpus`, if it is not there yet, and mine it into `out/run`.

    Args:
        out: Folder for both; made if it is not there.
        place: Where the work is done.
        progress: Where to report.

    Raises:
        EventMinerError: The folder holds something else, or a stage fails.
    """
    corpus = out / "corpus"
    if not corpus.exists():
        _draw_corpus(corpus, progress)
    return run_corpus(str(corpus), RunFolder(out / "run"), RunConfig(), place=place, progress=progress)


def _draw_corpus(corpus: Path, progress: Progress) -> None:
    """Draw under another name first, so that a killed demo leaves no half of a corpus."""
    _refuse_foreign(corpus.parent)
    temporary = corpus.with_name(f".{corpus.name}.{os.getpid()}{TEMPORARY}")
    try:
        corpus.parent.mkdir(parents=True, exist_ok=True)
        with progress.stage("draw"):
            generate_scenes(temporary)
        temporary.replace(corpus)
    except OSError as error:
        raise write_error(corpus, error) from error
    finally:
        discard(temporary)


def _refuse_foreign(out: Path) -> None:
    for entry in sorted(out.iterdir()) if out.is_dir() else []:
        if not entry.name.endswith(TEMPORARY):
            raise ArtefactError(f"{out} holds other things, such as {entry.name!r}.", hint="Choose another --out.")
        discard(entry)
