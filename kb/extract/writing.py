"""Writes extracted mentions into a graph store; doing it again changes nothing.

A source (a corpus, a file) is extracted as a whole: what an earlier extraction of it found and this one did not is removed, as a load
does with what a bundle no longer says. A `kb load` leaves mentions alone and joins them again to what it brings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from kb import cypher
from kb.extract import statements
from kb.extract.graph_rows import argument_rows, document_row, mention_row
from kb.loading.batches import change_all
from kb.loading.migrations import migrate
from kb.loading.patience import Patience
from kb.model import node_id
from kb.result import Changes
from kb.schema import SCHEMA
from kb.store import BatchTooLargeError
from miner.errors import KbError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kb.extract.graph_rows import Provenance
    from kb.result import QueryResult
    from kb.store import GraphStore

__all__ = ["Written", "delete_mentions_of_record", "require_types", "write_mentions"]

BATCH_MENTIONS = 500
DELETED_ROWS = 2_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        extraction: Id of the extraction's node.
        source: What was read is called so.
        n_mentions: Mentions that the store was given.
        n_unlinked: Those of them whose patterns the store has none of.
        n_replaced: Mentions of an earlier extraction of the source that went, because this one has not found them.
        changes: What is new in the store and what was deleted from it.
    """

    extraction: str
    source: str
    n_mentions: int
    n_unlinked: int
    n_replaced: int
    changes: Changes


def write_mentions(
    store: GraphStore,
    mentions: Iterable[Mapping[str, Any]],
    provenance: Provenance,
    *,
    content: str,
    event_types: Sequence[str],
    now: datetime | None = None,
) -> Written:
    """Make a store say what was extracted from a source.

    Args:
        store: Where to; the event types must be there.
        mentions: As `eventminer extract` prints them; read as they are needed.
        provenance: What extracted them, and from what.
        content: Hash of all of them.
        event_types: Ids of their event types.
        now: Time of the extraction, if it is not now.

    Raises:
        KbError: The store lacks an event type, is of a newer version, or cannot be written.
    """
    extraction = provenance.id(content)
    with store.loading(SCHEMA):
        migrate(store)
        store.constrain(SCHEMA)
        writer = _Writer(store, provenance, extraction)
        require_types(store, event_types)
        writer.begin(now or datetime.now(UTC))
        rest = iter(mentions)
        while batch := list(islice(rest, BATCH_MENTIONS)):
            writer.write(batch)
        n_unlinked = writer.finish()
        store.index(SCHEMA)
    return Written(extraction, provenance.source, writer.n_mentions, n_unlinked, writer.n_replaced, writer.changes)


def require_types(store: GraphStore, event_types: Iterable[str]) -> None:
    """Refuse a store that lacks some event types.

    Args:
        store: Where mentions shall go.
        event_types: Their ids.

    Raises:
        KbError: Names those that are missing.
    """
    ids = {f"EventType:{name}": name for name in event_types}
    rows = Patience().keep(partial(_write, store, statements.FIND_TYPES, {"ids": sorted(ids)})).rows
    found = {row[0] for row in rows}
    missing = [name for identifier, name in sorted(ids.items()) if identifier not in found]
    if missing:
        raise KbError(
            f"{store.uri} has no event type {', '.join(missing)}, so mentions of it have no place there.",
            hint=f"Load the run first: eventminer kb load RUN --to {store.uri}",
        )


def delete_mentions_of_record(store: GraphStore, record: str, *, read_from: str, corpus: str) -> set[str]:
    """Delete what was extracted from a record or shows in its picture, whatever the source is called.

    Args:
        store: Where.
        record: Id of the record.
        read_from: What its corpus calls itself.
        corpus: What it is called in the store.

    Returns:
        The sources of what was deleted.

    Raises:
        KbError: The store cannot be written.
    """
    read = store.write(cypher.FIND_SOURCES_READ_FROM, {"readFrom": read_from}).rows
    names = {corpus, *(str(row[0]) for row in read)}
    params: Row = {
        "record": record,
        "readFrom": read_from,
        "scope": corpus,
        "image": node_id("Image", corpus, record),
        "images": sorted(node_id("Image", name, record) for name in names),
    }
    sources = {str(row[0]) for row in store.write(cypher.FIND_SOURCES_OF_RECORD, params).rows}
    store.write(cypher.DELETE_ARGUMENTS_OF_RECORD, params)
    store.write(cypher.DELETE_MENTIONS_OF_RECORD, params)
    return sources


class _Writer:
    """One extraction on its way into a store, adding up what it changes."""

    def __init__(self, store: GraphStore, provenance: Provenance, extraction: str) -> None:
        self.n_mentions = self.n_replaced = 0
        self.changes = Changes()
        self._store = store
        self._source, self._provenance = provenance.source, provenance
        self._extraction = extraction
        self._keep = Patience().keep

    def begin(self, now: datetime) -> None:
        at = now.astimezone(UTC).isoformat(timespec="seconds")
        props = {**self._provenance.properties(), "place": self._provenance.place}
        self._run(statements.MERGE_EXTRACTION, {"id": self._extraction, "props": props, "at": at})
        self._run(statements.LINK_EXTRACTION, {"id": self._extraction})

    def write(self, mentions: Sequence[Mapping[str, Any]]) -> None:
        """Write some mentions, fewer at a time where the store has not the memory."""
        try:
            self._write(mentions)
        except BatchTooLargeError:
            if len(mentions) == 1:
                raise
            middle = len(mentions) // 2
            self.write(mentions[:middle])
            self.write(mentions[middle:])
        else:
            self.n_mentions += len(mentions)

    def _write(self, mentions: Sequence[Mapping[str, Any]]) -> None:
        documents = [document_row(mention, self._source) for mention in mentions]
        self._run_rows(statements.MERGE_DOCUMENTS, list({row["id"]: row for row in documents}.values()))
        rows = [mention_row(mention, self._provenance) for mention in mentions]
        for statement in statements.WRITE_MENTIONS:
            self._run_rows(statement, rows)
        arguments = [row for mention in mentions for row in argument_rows(mention, self._provenance)]
        for statement in statements.WRITE_ARGUMENTS if arguments else ():
            self._run_rows(statement, arguments)

    def finish(self) -> int:
        """Delete what the extraction has not found again; return how many mentions have patterns that the store lacks."""
        stale = {"source": self._source, "extraction": self._extraction}
        for statement in statements.DELETE_STALE:
            before = self.changes.nodes_deleted
            self._repeat(statement, stale)
            if statement is statements.DELETE_STALE_MENTIONS:
                self.n_replaced = self.changes.nodes_deleted - before
        self._repeat(cypher.DELETE_EMPTY_DOCUMENTS, {"source": self._source})
        return int(self._run(statements.COUNT_UNLINKED, {"extraction": self._extraction}).rows[0][0])

    def _repeat(self, statement: str, params: Mapping[str, Any]) -> None:
        self.changes += change_all(self._store, statement, params, limit=DELETED_ROWS, keep=self._keep)

    def _run_rows(self, statement: str, rows: list[Row]) -> None:
        self._run(statement, {"rows": rows, "extraction": self._extraction})

    def _run(self, statement: str, params: Mapping[str, Any]) -> QueryResult:
        result: QueryResult = self._keep(partial(_write, self._store, statement, params))
        self.changes += result.changes
        return result


def _write(store: GraphStore, statement: str, params: Mapping[str, Any], _attempt: int) -> QueryResult:
    return store.write(statement, params)
