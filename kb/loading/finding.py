"""Which corpora of a store are meant: by name, or by a run that read them, under its own name or as a copy under another."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, NamedTuple

from kb import cypher
from kb.bundle import verify_bundle
from kb.model import node_id
from miner.errors import KbError

if TYPE_CHECKING:
    from pathlib import Path

    from kb.bundle import Manifest
    from kb.store import GraphStore

__all__ = [
    "Loaded",
    "find_corpora_of_run",
    "find_corpora_with_record",
    "find_corpus",
    "find_corpus_of_bundle",
    "find_loaded",
    "find_numbered_records",
    "find_places_of_source",
    "find_sources_with_document",
    "find_sources_with_record",
    "note_folder",
    "note_folder_again",
    "require_free_name",
]

READ_TIMEOUT_S = 60.0


class Loaded(NamedTuple):
    """A run that was loaded into a store.

    Attributes:
        corpus: Name of its corpus there.
        run: Its key.
        path: Where its folder was, if that was noted.
        host: On which machine, if that was noted.
    """

    corpus: str
    run: str
    path: str | None
    host: str | None


def find_loaded(store: GraphStore) -> list[Loaded]:
    """Return the runs that a store has, by corpus.

    Raises:
        KbError: The store cannot be asked.
    """
    rows = store.read(cypher.READ_FOLDERS, {}, timeout_s=READ_TIMEOUT_S).rows
    return list(dict.fromkeys(Loaded(*row) for row in rows))


def note_folder(store: GraphStore, corpus: str, folder: Path) -> None:
    """Note where the folder of a loaded run is; does nothing for what is no run folder.

    The name of the machine is noted only in a store that is a file: others may be read by many people.

    Args:
        store: Where it was loaded into.
        corpus: Name of the corpus there.
        folder: Of the run.

    Raises:
        KbError: The store cannot be written.
    """
    if not (folder / "run.json").exists():
        return
    place = {"path": str(folder.absolute()), "host": None if "://" in store.uri else platform.node()}
    run = verify_bundle(folder / "bundle").run
    store.write(cypher.KEEP_FOLDER, {"id": node_id("EventminerFolder", corpus), "corpus": corpus, "run": run, **place})


def note_folder_again(store: GraphStore, corpus: str, folder: Path) -> None:
    """Note where the folder of a run is that has changed, if it was noted before; parameters as of `note_folder`.

    Raises:
        KbError: The store cannot be written.
    """
    if _names(store, cypher.FIND_FOLDER, corpus):
        note_folder(store, corpus, folder)


def find_corpora_of_run(store: GraphStore, run: str) -> list[str]:
    """Return the names of the corpora of a store that the run with a key read, in their order.

    Raises:
        KbError: The store cannot be asked.
    """
    return _names(store, cypher.FIND_CORPORA_OF_RUN, run)


def find_corpora_with_record(store: GraphStore, record: str) -> list[str]:
    """Return the names of the corpora of a store that have a record of an id, in their order.

    Raises:
        KbError: The store cannot be asked.
    """
    return _names(store, cypher.FIND_CORPORA_WITH_RECORD, record)


def find_numbered_records(store: GraphStore, record: str) -> list[str]:
    """Return the ids of which a store has mentions that are an id with a number after it (`ID#2`), in their order.

    Raises:
        KbError: The store cannot be asked.
    """
    names = _names(store, cypher.FIND_RECORDS_BEGINNING, f"{record}#")
    return [name for name in names if name.removeprefix(f"{record}#").isdecimal()]


def find_places_of_source(store: GraphStore, source: str) -> list[str]:
    """Return hashes of where a source of mentions was when it was read.

    Raises:
        KbError: The store cannot be asked.
    """
    return _names(store, cypher.FIND_PLACES, source)


def find_sources_with_record(store: GraphStore, record: str) -> list[str]:
    """Return the sources of the mentions of a record of an id, in their order; mentions without a source have an empty one.

    Raises:
        KbError: The store cannot be asked.
    """
    return _names(store, cypher.FIND_SOURCES_WITH_RECORD, record)


def find_sources_with_document(store: GraphStore, document: str) -> list[str]:
    """Return the sources that have a document of an id, in their order.

    Raises:
        KbError: The store cannot be asked.
    """
    return _names(store, cypher.FIND_SOURCES_WITH_DOCUMENT, document)


def find_corpus(store: GraphStore, value: str) -> str:
    """Return the corpus of that name, loaded as a whole or in part; else the one that the run with that key read.

    What mentions were extracted from without being loaded counts as a corpus of that name as well.

    Raises:
        KbError: The store has neither, or several corpora of the run.
    """
    if _names(store, cypher.FIND_CORPUS, value) or _names(store, cypher.FIND_LOAD, value):
        return value
    found = find_corpora_of_run(store, value)
    if not found and _names(store, cypher.FIND_SOURCE, value):
        return value
    if not found:
        raise KbError(f"{store.uri} has no corpus and no run {value!r}.", hint="@runs lists those that are there.")
    return _require_one(store, found)


def find_corpus_of_bundle(store: GraphStore, manifest: Manifest) -> str:
    """Return the corpus that the run of a bundle read, or, where there is none, of which the bundle is loaded in part.

    Raises:
        KbError: The store has no such corpus, also where it has one of the same name of another run; or it has several.
    """
    found = find_corpora_of_run(store, manifest.run) or _names(store, cypher.FIND_LOADS_OF_BUNDLE, manifest.digest)
    if not found:
        raise KbError(
            f"{store.uri} has nothing of this run of {manifest.corpus!r}.",
            hint="@runs lists what is there; --prune NAME removes the corpus of that name, whichever run it is of.",
        )
    return _require_one(store, found)


def require_free_name(store: GraphStore, manifest: Manifest) -> None:
    """Refuse a bundle under the name of a corpus that the store has of another run.

    Raises:
        KbError: The store has such a corpus, as a whole or in part.
    """
    name = manifest.corpus
    loading = _names(store, cypher.FIND_LOAD, name)
    is_same = manifest.run in _names(store, cypher.FIND_RUNS_OF_CORPUS, name)
    if is_same or (loading and name in _names(store, cypher.FIND_LOADS_OF_BUNDLE, manifest.digest)):
        return
    if loading or _names(store, cypher.FIND_CORPUS, name):
        raise KbError(
            f"{store.uri} has a corpus {name!r} already, of another run.",
            hint=f"Give another name with --as, or add --prune {name} to put this run in its place.",
        )


def _names(store: GraphStore, statement: str, value: str) -> list[str]:
    return [str(row[0]) for row in store.write(statement, {"value": value}).rows]


def _require_one(store: GraphStore, names: list[str]) -> str:
    if len(names) > 1:
        raise KbError(
            f"{store.uri} has that run as several corpora: {', '.join(names)}.",
            hint="Say which one to remove: eventminer kb load --prune NAME --to URI",
        )
    return names[0]
