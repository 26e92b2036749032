"""Loading a bundle into a store, so that the store says what the bundle says.

Every node and relationship is stamped with the hash of the bundle it came from. After writing, what belongs to the same
corpus but bears another stamp has vanished from the bundle and is deleted. So loading twice changes nothing; a load that
was interrupted is finished by the next; and what has no stamp (reviews, mentions, an analyst's own nodes) is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from kb import cypher
from kb.bundle import MANIFEST, read_bundle
from kb.model import node_id
from kb.result import Changes
from kb.schema import SCHEMA
from kb.tables import label_pairs

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from kb.bundle import Bundle
    from kb.graph_schema import NodeType, RelationshipType
    from kb.result import Params
    from kb.store import GraphStore

__all__ = ["LoadReport", "bundle_folder", "load_bundle"]

BATCH_ROWS = 2_000
Progress = Callable[[int], None]


@dataclass(frozen=True)
class LoadReport:
    """What a load did.

    Attributes:
        corpus: Name of the corpus.
        bundle: Hash of the bundle, the stamp of its nodes.
        nodes: Nodes in the bundle.
        relationships: Relationships in the bundle.
        changes: What is new in the store and what was deleted from it.
    """

    corpus: str
    bundle: str
    nodes: int
    relationships: int
    changes: Changes


def bundle_folder(path: Path) -> Path:
    """Return the folder of the bundle at a path: a bundle, or a run folder with one in it."""
    inner = path / "bundle"
    return inner if (inner / MANIFEST).is_file() else path


def load_bundle(bundle_dir: Path, store: GraphStore, on_progress: Progress | None = None) -> LoadReport:
    """Make a store say what a bundle says of its corpus; everything else in the store stays as it is.

    Args:
        bundle_dir: A bundle, or a run folder.
        store: Where to.
        on_progress: Called with the number of rows written since the last call; there are `Manifest.n_rows` in all.

    Raises:
        KbError: The bundle is damaged, or the store cannot be written.
    """
    bundle = read_bundle(bundle_folder(bundle_dir))
    with store.loading(SCHEMA):
        load = _Load(bundle, store, on_progress or _ignore)
        load.write_nodes()
        load.write_relationships()
        load.delete_stale()
        load.complete()
    return LoadReport(
        corpus=bundle.manifest.corpus,
        bundle=bundle.manifest.digest,
        nodes=sum(table.num_rows for table in bundle.nodes.values()),
        relationships=sum(table.num_rows for table in bundle.relationships.values()),
        changes=load.changes,
    )


class _Load:
    """One load in progress, adding up what it changes."""

    def __init__(self, bundle: Bundle, store: GraphStore, on_progress: Progress) -> None:
        self.changes = Changes()
        self._bundle = bundle
        self._store = store
        self._on_progress = on_progress
        self._scope = bundle.manifest.corpus
        self._digest = bundle.manifest.digest
        self._ontology_digest = bundle.manifest.ontology_digest

    def write_nodes(self) -> None:
        for node in SCHEMA.bundle_nodes:
            stamp = {"scope": self._scope, "bundle": self._stamp(node)}
            self._write_rows(cypher.merge_nodes(node), self._bundle.nodes[node.label], ("id",), stamp)

    def write_relationships(self) -> None:
        for kind in SCHEMA.bundle_relationships:
            table = self._bundle.relationships[kind.type]
            stamp = {"bundle": self._ontology_digest if SCHEMA.is_shared(kind) else self._digest}
            for source, target in sorted(label_pairs(table)):
                rows = _joining(table, source, target) if len(kind.ends) > 1 else table
                statement = cypher.merge_relationships(kind.type, source, target)
                self._write_rows(statement, rows, ("source", "target"), stamp)

    def delete_stale(self) -> None:
        owned = {"scope": self._scope, "bundle": self._digest}
        for node in SCHEMA.bundle_nodes:
            if node.origin == "bundle":
                self._repeat(cypher.delete_stale_nodes(node), owned)
        for kind in SCHEMA.bundle_relationships:
            if SCHEMA.is_shared(kind):
                self._delete_stale_of_ontology(kind)
                continue
            for source in sorted({source for source, _ in kind.ends}):
                self._repeat(cypher.delete_stale_relationships(kind.type, source), owned)
        self._repeat(cypher.DELETE_UNUSED_EVENT_TYPES, {})
        self._repeat(cypher.DELETE_UNUSED_ROLES, {})

    def complete(self) -> None:
        self._run(cypher.RELINK_REVIEWS, {})
        self._run(cypher.COMPLETE_LOAD, {"corpus": node_id("Corpus", self._scope), "bundle": self._digest})

    def _stamp(self, node: NodeType) -> str | None:
        """Return what marks a node as of this bundle; the corpus gets its mark last, when all the rest is there."""
        if node.label == "Corpus":
            return None
        return self._ontology_digest if node.origin == "ontology" else self._digest

    def _delete_stale_of_ontology(self, kind: RelationshipType) -> None:
        sources = self._bundle.nodes[kind.ends[0][0]]["id"].to_pylist()
        statement = cypher.delete_stale_ontology_relationships(kind)
        self._repeat(statement, {"sources": sources, "bundle": self._ontology_digest})

    def _write_rows(self, statement: str, table: pa.Table, keys: tuple[str, ...], stamp: Params) -> None:
        for rows in _batches(table, keys):
            self._run(statement, {"rows": rows, **stamp})
            self._on_progress(len(rows))

    def _repeat(self, statement: str, params: Params) -> None:
        """Delete in batches until nothing is left to delete."""
        while self._run(statement, {**params, "limit": BATCH_ROWS}):
            continue

    def _run(self, statement: str, params: Params) -> int:
        result = self._store.write(statement, params)
        self.changes += result.changes
        return int(result.rows[0][0]) if result.rows else 0


def _batches(table: pa.Table, keys: tuple[str, ...]) -> Iterator[list[dict[str, Any]]]:
    for batch in table.to_batches(max_chunksize=BATCH_ROWS):
        if batch.num_rows:
            yield [_row(record, keys) for record in batch.to_pylist()]


def _row(record: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    props = {name: value for name, value in record.items() if name not in keys}
    return {**{key: record[key] for key in keys}, "props": props}


def _joining(table: pa.Table, source: str, target: str) -> pa.Table:
    """Return the relationships between two labels."""
    from_source = pc.starts_with(table["source"], f"{source}:")
    return table.filter(pc.and_(from_source, pc.starts_with(table["target"], f"{target}:")))


def _ignore(n_rows: int) -> None:
    del n_rows
