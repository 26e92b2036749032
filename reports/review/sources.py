"""Where the review page reads a knowledge base from: the bundle of a run, or a graph store it was loaded into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from kb.building.tables import arrow_schema
from kb.contents import read_tables
from kb.schema import SCHEMA
from miner.store.formats import read_table

if TYPE_CHECKING:
    from pathlib import Path

    from kb.contents import Contents
    from kb.graph_schema import NodeType, RelationshipType


class Tables(Protocol):
    """Gives the tables of a knowledge base, of the same form as those of a bundle."""

    def nodes(self, label: str) -> pa.Table:
        """Return the nodes with a label: `id` and the properties of the schema."""
        ...

    def relationships(self, kind: str) -> pa.Table:
        """Return the relationships of a type: `source`, `target` and the properties of the schema."""
        ...


@dataclass(frozen=True)
class BundleTables:
    """The tables of a bundle.

    Attributes:
        path: Its folder.
    """

    path: Path

    def nodes(self, label: str) -> pa.Table:
        """Read a table of nodes."""
        return read_table(self.path / "nodes" / f"{label}.parquet")

    def relationships(self, kind: str) -> pa.Table:
        """Read a table of relationships."""
        return read_table(self.path / "relationships" / f"{kind}.parquet")


@dataclass(frozen=True)
class ContentsTables:
    """What was loaded into a graph store.

    Attributes:
        contents: Reads it.
    """

    contents: Contents

    def nodes(self, label: str) -> pa.Table:
        """Read all nodes with a label.

        Raises:
            KbError: The store fails.
        """
        return self._read(SCHEMA.node(label))

    def relationships(self, kind: str) -> pa.Table:
        """Read all relationships of a type.

        Raises:
            KbError: The store fails.
        """
        return self._read(SCHEMA.relationship(kind))

    def _read(self, kind: NodeType | RelationshipType) -> pa.Table:
        return pa.concat_tables([arrow_schema(kind).empty_table(), *read_tables(self.contents, kind)])
