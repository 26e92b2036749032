"""`corpus forget`: note a record down, run again without it, and clear away what still has it."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpora.drafts import DUPLICATE, NO_IMAGE
from kb import cypher
from kb.bundle import verify_bundle
from kb.embedded_store import graph_file
from kb.extract.writing import delete_mentions_of_record
from kb.loading.batches import change_all
from kb.loading.copying import load_as
from kb.loading.finding import (
    find_corpora_of_run,
    find_corpora_with_record,
    find_numbered_records,
    find_sources_with_document,
    find_sources_with_record,
    note_folder_again,
)
from kb.loading.load import DELETED_ROWS, load_bundle
from kb.loading.patience import Patience
from kb.store import open_store
from miner.config_file import load_config
from miner.errors import ConfigError, KbError
from miner.run.base import read_places
from miner.run.folder import open_run
from miner.run.job import run_corpus
from miner.run.learning import PATCHES, REVIEW, decision_log
from miner.run.reviewing import sync_run_reviews
from miner.run.takedown import finish_forgetting, forget_record, hidden_name, purge_artefacts
from miner.store.formats import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from kb.store import GraphStore
    from miner.run.folder import RunFolder
    from miner.run.job import Place
    from miner.run.progress import Progress

__all__ = ["Takedown", "forget"]

logger = logging.getLogger(__name__)


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

    A corpus that has changed meanwhile does not hold it up: what is there now is mined, and that is said.
    Decisions of analysts stay, without the record; mentions that were extracted from it go. A store that has the run under
    other names as well is renewed under all of them; that another corpus there has a record of that id is said.

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
    if len(places) > 1 or _keeps_calibration(folder):
        raise ConfigError(
            f"{path} extends another run, which has records of its own.",
            hint="Forget the record in the run that was extended, then extend that again.",
        )
    n_before = _count_patterns(folder)
    is_learned = _is_learned(folder)
    was = forget_record(folder, record)
    stores = [uri for uri in (str(graph_file(str(path))), kb) if uri and _is_there(uri)]
    runs = _bundle_runs(folder)
    for uri in stores:
        _forget_mentions(folder, record, uri, runs)
    decision_log(folder).forget_record(record, hidden_name(record))
    if (path / PATCHES).exists():
        shutil.rmtree(path / PATCHES)
    config = load_config(path / "run.toml")
    summary = run_corpus(
        location or str(places[0]["location"]),
        folder,
        config,
        place=place,
        progress=progress,
        forgetting=True,
        learn=is_learned,
    )
    purge_artefacts(folder, record)
    for uri in dict.fromkeys([*stores, *filter(None, [kb])]):
        _renew(folder, record, uri, runs | _bundle_runs(folder))
    finish_forgetting(folder, record)
    return Takedown(was.n_evidence, was.patterns, n_before, summary.n_patterns)


def _is_learned(folder: RunFolder) -> bool:
    if folder.is_finished:
        return REVIEW in folder.artefacts()
    # Forgetting was interrupted, so only the artefacts of the run before are left to tell.
    return any(folder.store.root.glob(f"{REVIEW}-*"))


def _keeps_calibration(folder: RunFolder) -> bool:
    return folder.is_finished and "drift" in folder.artefacts()


def _count_patterns(folder: RunFolder) -> int:
    if not folder.is_finished:
        return 0
    n_patterns: int = read_table(folder.artefact("patterns").file("patterns.parquet"), ["pattern"]).num_rows
    return n_patterns


def _is_there(uri: str) -> bool:
    return "://" in uri or graph_file(uri).exists()


def _bundle_runs(folder: RunFolder) -> frozenset[str]:
    """Return the key of the run that the bundle is of, nothing where there is no whole bundle of this version."""
    try:
        return frozenset([verify_bundle(folder.path / "bundle").run])
    except KbError:
        return frozenset()


def _copies(store: GraphStore, corpus: str, runs: frozenset[str]) -> list[str]:
    """Return the other names under which a store has any of some runs."""
    return sorted({name for run in runs for name in find_corpora_of_run(store, run)} - {corpus})


def _forget_mentions(folder: RunFolder, record: str, uri: str, runs: frozenset[str]) -> None:
    """Delete what others extracted from a record, whatever they called its corpus, while the store still has its picture."""
    own = str(folder.read_state()["corpus"])
    with open_store(uri) as store:
        for corpus in (own, *_copies(store, own, runs)):
            sources = {corpus}
            for name in _names_of(folder, record, store):
                sources |= delete_mentions_of_record(store, name, read_from=own, corpus=corpus)
                # A killed command may have left only the documents.
                sources |= set(find_sources_with_document(store, name))
            for source in sorted(sources):
                change_all(
                    store, cypher.DELETE_EMPTY_DOCUMENTS, {"source": source}, limit=DELETED_ROWS, keep=Patience().keep
                )


def _names_of(folder: RunFolder, record: str, store: GraphStore) -> list[str]:
    """Return an id and what later records of that id are called, as far as a store has mentions of them.

    A record that the corpus itself gives an id such as `ID#2` is another one.
    """
    numbered = find_numbered_records(store, record)
    if not numbered or not folder.is_finished:
        return [record, *numbered]
    rows = read_table(folder.artefact("read").file("records.parquet"), ["record", "code"]).to_pylist()
    own = {row["record"] for row in rows if row["code"] not in (DUPLICATE, NO_IMAGE)}
    return [record, *(name for name in numbered if name not in own)]


def _renew(folder: RunFolder, record: str, uri: str, runs: frozenset[str]) -> None:
    """Make a store say what the run says now, under all names that it has there.

    Decisions that only the store had are taken over, without the record.
    """
    with open_store(uri) as store:
        report = load_bundle(folder.path / "bundle", store)
        note_folder_again(store, report.corpus, folder.path)
        for copy in _copies(store, report.corpus, runs):
            load_as(folder.path, copy, store, replace=True)
            note_folder_again(store, copy, folder.path)
        sync_run_reviews(folder.path, store)
        decision_log(folder).forget_record(record, hidden_name(record))
        sync_run_reviews(folder.path, store)
        for other in find_corpora_with_record(store, record):
            # It may be another picture of that name, so it is not for us to delete.
            logger.warning(
                "Corpus %r in %s also has a record of that name: if it is the same, forget it in its run, or remove it with "
                "'eventminer kb load --prune %s --to %s'.",
                other,
                store.uri,
                other,
                store.uri,
            )
        names = _names_of(folder, record, store)
        for source in sorted({source for name in names for source in find_sources_with_record(store, name)}):
            logger.warning(
                "%s has mentions of a record of that name from %s, which was not read from this corpus: if it is the same, "
                "remove them with 'eventminer kb load --prune NAME --to %s'.",
                store.uri,
                repr(source) if source else "a source without a name",
                store.uri,
            )
