"""Which mentions of a graph store are of one event, as SAME_AS relationships; doing it again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from kb.extract import statements
from kb.extract.clues import Clues, read_clues
from kb.loading.batches import change_all
from kb.loading.migrations import migrate
from kb.loading.patience import Patience
from kb.result import Changes
from kb.schema import SCHEMA
from miner.store.fingerprint import digest_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kb.extract.coref import Same
    from kb.result import QueryResult
    from kb.store import GraphStore

__all__ = ["Resolved", "read_graph_clues", "write_same"]

PAGE_ROWS = 2_000
BATCH_ROWS = 1_000
DELETED_ROWS = 2_000
READ_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Resolved:
    """What was written.

    Attributes:
        n_pairs: Pairs of mentions of one event.
        n_joined: Further pairs, which somebody else has joined and which stay as they are.
        changes: What is new in the store and what was deleted from it.
    """

    n_pairs: int
    n_joined: int
    changes: Changes


def read_graph_clues(store: GraphStore) -> list[Clues]:
    """Return the clues of all mentions in a store, by id.

    Raises:
        KbError: The store cannot be read.
    """
    return list(_read(store))


def _read(store: GraphStore) -> Iterator[Clues]:
    last = ""
    while True:
        page = {"after": last, "limit": PAGE_ROWS}
        rows = store.read(statements.PAGE_MENTIONS, page, timeout_s=READ_TIMEOUT_S).records()
        ids = [row["id"] for row in rows]
        arguments: dict[str, list[Mapping[str, Any]]] = {identifier: [] for identifier in ids}
        for row in store.read(statements.ARGUMENTS_OF, {"ids": ids}, timeout_s=READ_TIMEOUT_S).records():
            arguments[row["id"]].append(row)
        for row in rows:
            yield _clues(row, arguments[row["id"]])
        if len(rows) < PAGE_ROWS:
            return
        last = ids[-1]


def _clues(row: Mapping[str, Any], arguments: Sequence[Mapping[str, Any]]) -> Clues:
    photo = None if row["photoGroup"] is None else f"{row['scope']}/{row['photoGroup']}"
    said = {
        "document": row["document"] or row["id"],
        "eventType": row["eventType"],
        "trigger": {"text": row["trigger"]},
        "lemma": row["lemma"],
        "sentence": {"text": row["sentence"]},
        "time": row["time"],
        "image": {"phash": row["phash"]},
        "arguments": arguments,
        "patterns": row["patterns"],
    }
    return read_clues(row["id"], said, source=row["source"] or "", photo=photo)


def write_same(store: GraphStore, found: Sequence[Same]) -> Resolved:
    """Make a store say which mentions are of one event; what an earlier resolution said and this one does not goes.

    SAME_AS relationships without a `resolution` are somebody else's and stay; such a pair gets no second one.

    Raises:
        KbError: The store cannot be written.
    """
    rows = [same._asdict() | {"reasons": list(same.reasons)} for same in found]
    keep, changes = Patience().keep, Changes()
    with store.loading(SCHEMA):
        migrate(store)
        joined = {pair for batch in _batches(rows) for pair in keep(partial(_read_joined, store, batch))}
        own = [row for row in rows if (row["first"], row["second"]) not in joined]
        resolution = {"resolution": digest_json(own)}
        for batch in _batches(own):
            result: QueryResult = keep(partial(_write, store, {"rows": batch, **resolution}))
            changes += result.changes
        changes += change_all(store, statements.DELETE_OTHER_SAME, resolution, limit=DELETED_ROWS, keep=keep)
    return Resolved(len(own), len(joined), changes)


def _batches(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    return (rows[start : start + BATCH_ROWS] for start in range(0, len(rows), BATCH_ROWS))


def _read_joined(store: GraphStore, rows: Sequence[Mapping[str, Any]], _attempt: int) -> list[tuple[str, str]]:
    """Return the pairs that somebody else has joined, in whichever direction."""
    ends = [{"first": row["first"], "second": row["second"]} for row in rows]
    return [(first, second) for first, second in store.write(statements.FIND_JOINED, {"rows": ends}).rows]


def _write(store: GraphStore, params: Mapping[str, Any], _attempt: int) -> QueryResult:
    return store.write(statements.MERGE_SAME, params)
