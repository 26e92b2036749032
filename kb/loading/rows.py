"""The rows of a bundle in the order in which they are loaded, read a few at a time.

The order follows from the bundle and the size of a batch alone, so a number of rows says where a lane of a load has got to:
`Batch.position`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, count, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kb.schema import SCHEMA
from miner.store.formats import read_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kb.graph_schema import NodeType, RelationshipType

__all__ = ["Batch", "read_batches"]

Row = list[Any]


@dataclass(frozen=True)
class Batch:
    """Some rows of one table.

    Attributes:
        kind: What they are.
        ends: The labels that they join, of relationships.
        rows: Values in the order of the table's columns: the keys, then the properties of the schema.
        position: Rows of the bundle up to the end of this batch.
        lane: Which of the lanes it is dealt to.
        done: Rows before these that the batch had as well, and that were written before.
    """

    kind: NodeType | RelationshipType
    ends: tuple[str, str] | None
    rows: list[Row]
    position: int
    lane: int = 0
    done: int = 0

    @property
    def values(self) -> list[Row]:
        """What to send: relationships are gathered by source, so that each source is sent and looked up once."""
        if self.ends is None:
            return self.rows
        return [[source, [row[1:] for row in rows]] for source, rows in groupby(self.rows, key=itemgetter(0))]

    def halves(self) -> tuple[Batch, Batch]:
        """Cut it in two, for a store that cannot take so much at once."""
        middle = len(self.rows) // 2
        first = replace(self, rows=self.rows[:middle], position=self.position - len(self.rows) + middle)
        return first, replace(self, rows=self.rows[middle:], done=0)

    def after(self, position: int) -> Batch:
        """Return the part that comes after a position."""
        done = min(len(self.rows), max(0, len(self.rows) - (self.position - position)))
        return replace(self, rows=self.rows[done:], done=done)


def read_batches(folder: Path, size: int, *, after: Sequence[int] = (0,)) -> Iterator[Batch]:
    """Read a bundle from its files, nodes first; batches of which nothing is left to write have no rows.

    Args:
        folder: The bundle.
        size: Most rows of a batch.
        after: Per lane, the position to begin at.

    Raises:
        ArtefactError: A file cannot be read.
    """
    position = 0
    for number, batch in zip(count(), chain(_read_nodes(folder, size), _read_relationships(folder, size))):
        position += len(batch.rows)
        lane = number % len(after)
        yield replace(batch, position=position, lane=lane).after(after[lane])


def _read_nodes(folder: Path, size: int) -> Iterator[Batch]:
    for node in SCHEMA.bundle_nodes:
        for table in _read_tables(folder / f"nodes/{node.label}.parquet", size):
            yield Batch(node, None, _rows(table, ("id", *(p.name for p in node.properties))), 0)


def _read_relationships(folder: Path, size: int) -> Iterator[Batch]:
    for kind in SCHEMA.bundle_relationships:
        columns = ("source", "target", *(p.name for p in kind.properties))
        for ends in kind.ends:
            for table in _read_tables(folder / f"relationships/{kind.type}.parquet", size):
                rows = table if len(kind.ends) == 1 else _joining(table, *ends)
                if rows.num_rows:
                    yield Batch(kind, ends, _rows(rows, columns), 0)


def _read_tables(path: Path, size: int) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=size):
                yield pa.Table.from_batches([batch])
    except (OSError, pa.ArrowInvalid) as error:
        raise read_error(path, error) from error


def _rows(table: pa.Table, columns: tuple[str, ...]) -> list[Row]:
    return [list(row) for row in zip(*(table[name].to_pylist() for name in columns), strict=True)]


def _joining(table: pa.Table, source: str, target: str) -> pa.Table:
    """Return the relationships between two labels."""
    from_source = pc.starts_with(table["source"], f"{source}:")
    return table.filter(pc.and_(from_source, pc.starts_with(table["target"], f"{target}:")))
