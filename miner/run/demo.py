"""`eventminer demo`: draws a small corpus and mines it, so that everything can be seen at work without any data."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from corpora.scenes import generate_scenes
from corpora.truth import MinedPattern, read_truth, score_found
from miner.config import PatternConfig, RunConfig
from miner.errors import ArtefactError
from miner.run.folder import RunFolder
from miner.run.job import run_corpus
from miner.store.artefact import TEMPORARY, discard
from miner.store.formats import read_table, write_error

if TYPE_CHECKING:
    from pathlib import Path

    from corpora.truth import FoundReport
    from miner.run.job import Place, RunSummary
    from miner.run.progress import Progress


SEED_FILE = "seed.txt"
LEFT_OVER = re.compile(rf"\.corpus\.\d+{re.escape(TEMPORARY)}")
DEMO_CONFIG = RunConfig(pattern=PatternConfig(max_name_share=0.6))
"""The defaults but one: with five event types and ten objects, every name is common within its type."""


def run_demo(out: Path, *, seed: int, place: Place, progress: Progress) -> tuple[RunSummary, FoundReport]:
    """Draw a corpus into `out/corpus`, if it is not there yet, and mine it into `out/run`.

    Args:
        out: Folder for both; made if it is not there.
        seed: Of the drawing.
        place: Where the work is done.
        progress: Where to report.

    Returns:
        What the run did, and the planted patterns against those found; precision looks at as many as are planted.

    Raises:
        EventMinerError: The folder holds something else, or a stage fails.
    """
    corpus = out / "corpus"
    if corpus.exists():
        _refuse_other_corpus(corpus, seed)
    else:
        _draw_corpus(corpus, seed, progress)
    folder = RunFolder(out / "run")
    summary = run_corpus(str(corpus), folder, DEMO_CONFIG, place=place, progress=progress)
    truth = read_truth(corpus / "truth.json")
    return summary, score_found(best_patterns(folder), truth, k=len(truth.patterns))


def best_patterns(folder: RunFolder) -> list[MinedPattern]:
    """Return the patterns of a run: the first of every event type, then the second, each round by confidence."""
    artefact = folder.artefact("patterns")
    records: dict[str, set[str]] = {}
    for row in read_table(artefact.file("evidence.parquet"), ["pattern", "record"]).to_pylist():
        records.setdefault(row["pattern"], set()).add(row["record"])
    rows = read_table(artefact.file("patterns.parquet")).to_pylist()
    rows.sort(key=lambda row: (row["rank"], -row["confidence"], row["pattern"]))
    return [
        MinedPattern(row["eventType"], tuple(row["alternatives"]), frozenset(records.get(row["pattern"], ())))
        for row in rows
    ]


def _draw_corpus(corpus: Path, seed: int, progress: Progress) -> None:
    """Draw under another name first, so that a killed demo leaves no half of a corpus."""
    _refuse_foreign(corpus.parent)
    temporary = corpus.with_name(f".{corpus.name}.{os.getpid()}{TEMPORARY}")
    try:
        corpus.parent.mkdir(parents=True, exist_ok=True)
        with progress.stage("draw"):
            generate_scenes(temporary, seed=seed)
        (temporary / SEED_FILE).write_text(f"{seed}\n", encoding="utf-8")
        temporary.replace(corpus)
    except OSError as error:
        raise write_error(corpus, error) from error
    finally:
        discard(temporary)


def _refuse_foreign(out: Path) -> None:
    """Delete what a killed demo left, unless there is anything else."""
    entries = sorted(out.iterdir()) if out.is_dir() else []
    foreign = [entry.name for entry in entries if not LEFT_OVER.fullmatch(entry.name)]
    if foreign:
        raise ArtefactError(f"{out} holds other things, such as {foreign[0]!r}.", hint="Choose another --out.")
    for entry in entries:
        discard(entry)


def _refuse_other_corpus(corpus: Path, seed: int) -> None:
    """Refuse a corpus that is not the demo's, or was drawn from another seed."""
    truth = corpus / "truth.json"
    if not truth.is_file():
        raise ArtefactError(f"{corpus} is not a corpus of the demo.", hint="Choose another --out.")
    drawn = (corpus / SEED_FILE).read_text(encoding="utf-8").strip() if (corpus / SEED_FILE).is_file() else "unknown"
    if drawn != str(seed):
        raise ArtefactError(
            f"{corpus} was drawn from seed {drawn}, not {seed}.", hint="Choose another --out, or the same --seed."
        )
