"""`corpus forget`: note a record down, run again without it, and clear away what still has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kb.load import load_bundle
from kb.store import open_store
from miner.config_file import load_config
from miner.errors import ConfigError
from miner.run.base import read_places
from miner.run.folder import open_run
from miner.run.job import run_corpus
from miner.run.takedown import forget_record, purge_artefacts
from miner.store.formats import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from miner.run.folder import RunFolder
    from miner.run.job import Place
    from miner.run.progress import Progress

__all__ = ["Takedown", "forget"]


@dataclass(frozen=True)
class Takedown:
    """What forgetting a record changed.

    Attributes:
        n_evidence: Pieces of evidence that it was.
        patterns: Ids of the patterns that it supported.
        n_before: Patterns of the run before.
        n_now: Patterns of the run now.
    """

    n_evidence: int
    patterns: tuple[str, ...]
    n_before: int
    n_now: int


def forget(path: Path, record: str, *, kb: str, location: str, place: Place, progress: Progress) -> Takedown:
    """Take a record out of a run for good; may be given again if it was interrupted.

    Args:
        path: Run folder.
        record: Id of the record.
        kb: Address of a graph store to take it out of as well, empty for none.
        location: Where the corpus is now; empty where it has not moved.
        place: Where the work is done.
        progress: Where to report.

    Raises:
        ConfigError: The run extends another one, which has the record too.
        CorpusError: The run has no such record, or nothing can be mined without it.
        EventMinerError: As of a run.
    """
    folder = open_run(path)
    places = read_places(folder)
    if len(places) > 1:
        raise ConfigError(
            f"{path} extends another run, which has records of its own.",
            hint="Forget the record in the run that was extended, then extend that again.",
        )
    n_before = _count_patterns(folder)
    was = forget_record(folder, record)
    config = load_config(path / "run.toml")
    summary = run_corpus(
        location or str(places[0]["location"]), folder, config, place=place, progress=progress, force=True
    )
    purge_artefacts(folder, record)
    if kb:
        with open_store(kb) as store:
            load_bundle(path / "bundle", store)
    return Takedown(was.n_evidence, was.patterns, n_before, summary.n_patterns)


def _count_patterns(folder: RunFolder) -> int:
    artefacts = folder.artefacts()
    if "patterns" not in artefacts:
        return 0
    n_patterns: int = read_table(artefacts["patterns"].file("patterns.parquet"), ["pattern"]).num_rows
    return n_patterns
