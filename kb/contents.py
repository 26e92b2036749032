"""All that a knowledge base holds, read row by row: a bundle, a graph store, or an ontology alone.

```python
with open_contents("RUN") as contents:
    for node in contents.nodes(SCHEMA.node("Pattern")):
        print(node.id, node.properties["displayName"])
```
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from kb import cypher
from kb.building.tables import arrow_schema
from kb.bundle import MANIFEST, verify_bundle
from kb.graph_schema import NodeType
from kb.loading.load import bundle_folder
from kb.model import Node, Relationship
from kb.ontologies.graph import event_type_nodes, has_role, role_nodes, subtype_of
from kb.ontology import load_ontology, shipped_ontologies
from kb.schema import SCHEMA
from kb.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kb.bundle import Manifest
    from kb.graph_schema import RelationshipType
    from kb.ontology import Ontology
    from kb.store import GraphStore

__all__ = ["LABELS", "BundleContents", "Contents", "OntologyContents", "StoreContents", "open_contents", "read_tables"]

LABELS = tuple(node for node in SCHEMA.nodes if node.origin != "loader")
"""The labels that are of any interest outside: not those of the loader's own notes."""
BATCH_ROWS = 5_000
TABLE_ROWS = 50_000
READ_TIMEOUT_S = 600.0
STAMPS = frozenset({"id", "bundle", "scope"})


class Contents(Protocol):
    """What can be exported and checked.

    Attributes:
        manifest: What the bundle says of itself, None where there is no bundle.
    """

    manifest: Manifest | None

    def nodes(self, node: NodeType) -> Iterator[Node]:
        """Yield the nodes of a label in the order of their ids, with the properties that they have."""
        ...

    def relationships(self, kind: RelationshipType) -> Iterator[Relationship]:
        """Yield the relationships of a type, those of a source together, with the properties that they have."""
        ...


class BundleContents:
    """The contents of a bundle, read in batches.

    Args:
        path: Folder of the bundle.

    Raises:
        KbError: There is no bundle, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        """Check the bundle first: nothing is said of a damaged one."""
        self.manifest: Manifest | None = verify_bundle(path)
        self._path = path

    def nodes(self, node: NodeType) -> Iterator[Node]:
        """See `Contents`."""
        for row in self._rows(node):
            yield Node(row.pop("id"), row)

    def relationships(self, kind: RelationshipType) -> Iterator[Relationship]:
        """See `Contents`."""
        for row in self._rows(kind):
            yield Relationship(row.pop("source"), row.pop("target"), row)

    def tables(self, kind: NodeType | RelationshipType) -> Iterator[pa.Table]:
        """Yield the rows of a kind in pieces, as tables."""
        name = f"{kind.table}.parquet"
        if self.manifest is None or name not in self.manifest.files:
            return
        with pq.ParquetFile(self._path / name) as file:
            for batch in file.iter_batches(batch_size=TABLE_ROWS):
                yield pa.Table.from_batches([batch])

    def _rows(self, kind: NodeType | RelationshipType) -> Iterator[dict[str, Any]]:
        for table in self.tables(kind):
            for batch in table.to_batches(max_chunksize=BATCH_ROWS):
                for row in batch.to_pylist():
                    yield {key: value for key, value in row.items() if value is not None}


class StoreContents:
    """The contents of a graph store, all corpora and what analysts made, read page by page.

    Args:
        store: An open store.
    """

    def __init__(self, store: GraphStore) -> None:
        """Keep the store; whoever opened it closes it."""
        self.manifest: Manifest | None = None
        self._store = store
        self._cut_off: dict[str, int] = {}

    def nodes(self, node: NodeType) -> Iterator[Node]:
        """See `Contents`."""
        last = ""
        while True:
            rows = self._ask(cypher.page_nodes(node), {"after": last, "limit": BATCH_ROWS})
            yield from (Node(identifier, _own(properties)) for identifier, properties in rows)
            if len(rows) < BATCH_ROWS:
                return
            last = rows[-1][0]

    def count_unnamed(self, node: NodeType) -> int:
        """Return how many nodes of a label are not among `nodes`, because they have no text as their id."""
        return int(self._ask(cypher.count_unnamed(node), {})[0][0])

    def left_out(self) -> dict[str, int]:
        """Return how many nodes of each label, and relationships of each type that was read, are left out.

        Nodes whose id is no text, and what leads from a node with an id to one without.
        """
        unnamed = {node.label: self.count_unnamed(node) for node in LABELS}
        return {name: n for name, n in {**unnamed, **self._cut_off}.items() if n}

    def relationships(self, kind: RelationshipType) -> Iterator[Relationship]:
        """See `Contents`; those to a node whose id is no text are left out."""
        n_cut_off = 0
        for source in dict.fromkeys(source for source, _ in kind.ends):
            for ids in _chunks(node.id for node in self.nodes(SCHEMA.node(source))):
                rows = self._ask(cypher.relationships_from(kind.type, source), {"ids": ids})
                found = [Relationship(a, b, _own(properties)) for a, b, properties in rows if isinstance(b, str)]
                n_cut_off += len(rows) - len(found)
                yield from sorted(found, key=lambda r: (r.source, r.target))
        self._cut_off[kind.type] = n_cut_off

    def _ask(self, statement: str, params: dict[str, Any]) -> tuple[tuple[Any, ...], ...]:
        return self._store.read(statement, params, timeout_s=READ_TIMEOUT_S).rows


class OntologyContents:
    """An ontology as a knowledge base without a corpus."""

    def __init__(self, ontology: Ontology) -> None:
        """Keep the ontology."""
        self.manifest: Manifest | None = None
        self._nodes = {"EventType": event_type_nodes, "ArgumentRole": role_nodes}
        self._relationships = {"SUBTYPE_OF": subtype_of, "HAS_ROLE": has_role}
        self._ontology = ontology

    def nodes(self, node: NodeType) -> Iterator[Node]:
        """See `Contents`."""
        made = self._nodes.get(node.label)
        for found in sorted(made(self._ontology), key=lambda n: n.id) if made else ():
            yield Node(found.id, {name: value for name, value in found.properties.items() if value is not None})

    def relationships(self, kind: RelationshipType) -> Iterator[Relationship]:
        """See `Contents`."""
        made = self._relationships.get(kind.type)
        yield from sorted(made(self._ontology), key=lambda r: (r.source, r.target)) if made else ()


def read_tables(contents: Contents, kind: NodeType | RelationshipType) -> Iterator[pa.Table]:
    """Yield the rows of a label or relationship type as tables with the columns of the schema; none where there are none."""
    if isinstance(contents, BundleContents):
        yield from contents.tables(kind)
        return
    schema, rows = arrow_schema(kind), _records(contents, kind)
    while piece := list(islice(rows, BATCH_ROWS)):
        yield pa.Table.from_pylist(piece, schema)


def _records(contents: Contents, kind: NodeType | RelationshipType) -> Iterator[dict[str, Any]]:
    if isinstance(kind, NodeType):
        yield from ({**node.properties, "id": node.id} for node in contents.nodes(kind))
    else:
        yield from ({**r.properties, "source": r.source, "target": r.target} for r in contents.relationships(kind))


@contextmanager
def open_contents(source: str) -> Iterator[Contents]:
    """Open what a name, a path or an address means.

    Args:
        source: A run folder or a bundle; the address of a store, or the path of a `.kgl` file; the name of a shipped
            ontology, or the path of a `.toml` file.

    Raises:
        EventMinerError: There is no such thing, or it cannot be read.
    """
    folder = bundle_folder(Path(source))
    if (folder / MANIFEST).is_file():
        yield BundleContents(folder)
    elif source in shipped_ontologies() or source.endswith(".toml"):
        yield OntologyContents(load_ontology(source))
    else:
        with open_store(source) as store:
            yield StoreContents(store)


def _own(properties: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the loader adds."""
    return {name: value for name, value in properties.items() if name not in STAMPS}


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(ids)
    while chunk := list(islice(rest, BATCH_ROWS)):
        yield chunk
