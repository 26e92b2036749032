"""Transactions: what fired and what was said, per vote of a photo group for an event type.

A row is one vote = photo group x event type, or a region of one: rows with the same group and event type are regions of the
same vote, each with the visual items of one part of the picture (see `miner.rules.regions`). Visual and text items are two
sparse matrices in CSR form with sorted, unique indices. Unlabelled votes have label -1; they never count towards support.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from miner.errors import MiningError

if TYPE_CHECKING:
    from collections.abc import Sequence

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

TRANSACTIONS = pa.schema(
    [
        pa.field("visual", pa.list_(pa.int32()), nullable=False),
        pa.field("text", pa.list_(pa.int32()), nullable=False),
        pa.field("eventType", pa.string()),
        pa.field("group", pa.int64(), nullable=False),
        pa.field("record", pa.string()),
    ]
)


@dataclass(frozen=True, eq=False)
class Transactions:
    """Votes as two CSR matrices and a label.

    Attributes:
        visual_indptr: int64, (n + 1,).
        visual_indices: int32, sorted and unique within a row, in 0 .. n_visual - 1.
        text_indptr: int64, (n + 1,).
        text_indices: int32, sorted and unique within a row, in 0 .. n_text - 1.
        labels: int32, (n,), index into `event_types`, or -1 where unlabelled.
        groups: int64, (n,), photo group of each row; rows of one group and event type are regions of one vote.
        event_types: Names of the labels.
        n_visual: Number of visual items that exist.
        n_text: Number of text items that exist.
        records: Representative record of each vote, or empty.
    """

    visual_indptr: Int64s
    visual_indices: Int32s
    text_indptr: Int64s
    text_indices: Int32s
    labels: Int32s
    groups: Int64s
    event_types: tuple[str, ...]
    n_visual: int
    n_text: int
    records: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together, because the kernels index without checks.

        Raises:
            MiningError: Lengths, items or labels are out of range.
        """
        n = len(self.labels)
        if len(self.groups) != n or (self.records and len(self.records) != n):
            raise MiningError(f"transactions: {n} labels, {len(self.groups)} groups, {len(self.records)} records")
        if n and not (int(self.labels.min()) >= -1 and int(self.labels.max()) < len(self.event_types)):
            raise MiningError(f"transactions: a label is outside -1 .. {len(self.event_types) - 1}")
        _check_csr("visual", self.visual_indptr, self.visual_indices, n, self.n_visual)
        _check_csr("text", self.text_indptr, self.text_indices, n, self.n_text)

    def __len__(self) -> int:
        """Number of votes, unlabelled ones included."""
        return len(self.labels)

    @property
    def n_labelled(self) -> int:
        """Number of labelled votes, the m of every support; rows of one photo group and event type are one vote."""
        labelled = self.labels >= 0
        if np.all(np.diff(self.groups) > 0):
            return int(np.count_nonzero(labelled))
        return len(np.unique(np.stack([self.groups[labelled], self.labels[labelled]]), axis=1).T)

    def select(self, rows: Int64s) -> Transactions:
        """Keep the given votes, in the given order."""
        visual_indptr, visual_indices = _select_rows(self.visual_indptr, self.visual_indices, rows)
        text_indptr, text_indices = _select_rows(self.text_indptr, self.text_indices, rows)
        return Transactions(
            visual_indptr,
            visual_indices,
            text_indptr,
            text_indices,
            self.labels[rows],
            self.groups[rows],
            self.event_types,
            self.n_visual,
            self.n_text,
            tuple(self.records[row] for row in rows) if self.records else (),
        )

    def to_table(self) -> pa.Table:
        """Give the Parquet form; the numbers of items and the event types ride in the schema's metadata."""
        types: list[str | None] = [*self.event_types, None]
        columns = [
            _list_column(self.visual_indptr, self.visual_indices),
            _list_column(self.text_indptr, self.text_indices),
            pa.array(types, pa.string()).take(pa.array(self.labels % len(types))),
            pa.array(self.groups, pa.int64()),
            pa.array(self.records or [None] * len(self), pa.string()),
        ]
        metadata = {"nVisual": str(self.n_visual), "nText": str(self.n_text), "eventTypes": "\n".join(self.event_types)}
        return pa.Table.from_arrays(columns, schema=TRANSACTIONS.with_metadata(metadata))

    @classmethod
    def from_table(cls, table: pa.Table) -> Transactions:
        """Read the Parquet form; `group` and `record` may be absent (every row is then its own group).

        Args:
            table: At least the columns `visual` list<int>, `text` list<int>, `eventType` str.

        Raises:
            MiningError: A column is missing or of the wrong kind, or an item is negative.
        """
        _require_columns(table)
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        visual_indptr, visual_indices = _csr_column(table, "visual")
        text_indptr, text_indices = _csr_column(table, "text")
        event_types, labels = _labels_column(table, metadata)
        n = table.num_rows
        return cls(
            visual_indptr,
            visual_indices,
            text_indptr,
            text_indices,
            labels,
            _integers(table, "group") if "group" in table.column_names else np.arange(n, dtype=np.int64),
            event_types,
            int(metadata.get("nVisual", _size(visual_indices))),
            int(metadata.get("nText", _size(text_indices))),
            _record_column(table),
        )

    @classmethod
    def from_rows(
        cls,
        visual: Sequence[Sequence[int]],
        text: Sequence[Sequence[int]],
        labels: Sequence[int],
        *,
        event_types: Sequence[str],
    ) -> Transactions:
        """Build from plain lists, one photo group per row; handy in notebooks and tests.

        Raises:
            MiningError: The lists do not fit together.
        """
        if not len(visual) == len(text) == len(labels):
            raise MiningError(f"transactions: {len(visual)} visual rows, {len(text)} text rows, {len(labels)} labels")
        visual_indptr, visual_indices = _csr(visual)
        text_indptr, text_indices = _csr(text)
        return cls(
            visual_indptr,
            visual_indices,
            text_indptr,
            text_indices,
            np.asarray(labels, dtype=np.int32),
            np.arange(len(labels), dtype=np.int64),
            tuple(event_types),
            _size(visual_indices),
            _size(text_indices),
        )


def _check_csr(kind: str, indptr: Int64s, indices: Int32s, n_rows: int, n_items: int) -> None:
    """Refuse a matrix whose rows are not sorted sets of known items."""
    if len(indptr) != n_rows + 1 or indptr[0] != 0 or indptr[-1] != len(indices) or np.any(np.diff(indptr) < 0):
        raise MiningError(f"transactions: the {kind} row pointers do not describe {n_rows} rows")
    if not len(indices):
        return
    if int(indices.min()) < 0 or int(indices.max()) >= n_items:
        raise MiningError(f"transactions: {kind} items must lie in 0 .. {n_items - 1}, found {indices.max()}")
    rises = indices[1:] > indices[:-1]
    starts = indptr[1:-1]
    rises[starts[(starts > 0) & (starts < len(indices))] - 1] = True
    if not rises.all():
        raise MiningError(f"transactions: {kind} items of a row must be sorted and unique")


def _select_rows(indptr: Int64s, indices: Int32s, rows: Int64s) -> tuple[Int64s, Int32s]:
    """Cut the given rows out of a CSR matrix."""
    sizes = np.diff(indptr)[rows]
    chosen = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    positions = np.arange(int(chosen[-1])) + np.repeat(indptr[:-1][rows] - chosen[:-1], sizes)
    return chosen, indices[positions]


def _csr(rows: Sequence[Sequence[int]]) -> tuple[Int64s, Int32s]:
    """Sort and deduplicate lists of items into CSR arrays."""
    sets = [sorted(set(row)) for row in rows]
    indptr = np.cumsum([0, *map(len, sets)], dtype=np.int64)
    return indptr, np.array([item for items in sets for item in items], dtype=np.int32)


def _list_column(indptr: Int64s, indices: Int32s) -> pa.Array:
    """Give CSR rows as an Arrow list column."""
    if int(indptr[-1]) > np.iinfo(np.int32).max:
        raise MiningError(f"transactions: {int(indptr[-1])} items do not fit one table; write them in parts")
    return pa.ListArray.from_arrays(pa.array(indptr, pa.int32()), pa.array(indices, pa.int32()))


def _require_columns(table: pa.Table) -> None:
    """Refuse a table without the three columns that define a transaction."""
    missing = [name for name in ("visual", "text", "eventType") if name not in table.column_names]
    if missing:
        raise MiningError(
            f"transactions: column {missing[0]!r} is missing; found {', '.join(table.column_names) or 'none'}",
            hint="give a table with visual list<int>, text list<int>, eventType string",
        )


def _csr_column(table: pa.Table, name: str) -> tuple[Int64s, Int32s]:
    """Read a list column; rows that are unsorted or repeat an item are put in order."""
    try:
        column = table[name].combine_chunks().cast(pa.list_(pa.int32()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise MiningError(
            f"transactions: column {name!r} must be list<int>, found {table.schema.field(name).type}"
        ) from error
    if column.null_count or column.flatten().null_count:
        raise MiningError(f"transactions: column {name!r} has a null; an empty transaction is an empty list")
    sizes = column.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    items = column.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    if len(items) and int(items.min()) < 0:
        raise MiningError(f"transactions: column {name!r} has the negative item {items.min()}")
    return _sorted_sets(sizes, items)


def _sorted_sets(sizes: Int64s, items: Int64s) -> tuple[Int64s, Int32s]:
    """Sort and deduplicate the items of every row at once."""
    n_items = _size(items)
    keys = np.unique(np.repeat(np.arange(len(sizes)), sizes) * max(n_items, 1) + items)
    rows = keys // max(n_items, 1)
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(rows, minlength=len(sizes)))])
    return indptr.astype(np.int64), (keys % max(n_items, 1)).astype(np.int32)


def _labels_column(table: pa.Table, metadata: dict[str, str]) -> tuple[tuple[str, ...], Int32s]:
    """Read the event types: the declared order, else sorted by name."""
    try:
        column = table["eventType"].combine_chunks().cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        found = table.schema.field("eventType").type
        raise MiningError(f"transactions: column 'eventType' must be string, found {found}") from error
    present = sorted(value for value in column.unique().to_pylist() if value is not None)
    declared = metadata.get("eventTypes", "").split("\n") if metadata.get("eventTypes") else []
    event_types = declared if set(present) <= set(declared) else present
    index = {name: position for position, name in enumerate(event_types)}
    encoded = column.dictionary_encode()
    codes = np.array([*(index[name] for name in encoded.dictionary.to_pylist()), -1], dtype=np.int32)
    positions = encoded.indices.fill_null(len(codes) - 1).to_numpy(zero_copy_only=False)
    return tuple(event_types), codes[positions]


def _integers(table: pa.Table, name: str) -> Int64s:
    """Read a column of whole numbers."""
    try:
        values: Int64s = table[name].combine_chunks().cast(pa.int64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise MiningError(
            f"transactions: column {name!r} must be integer, found {table.schema.field(name).type}"
        ) from error
    return values


def _record_column(table: pa.Table) -> tuple[str, ...]:
    """Read the representative records, or nothing where a row has none."""
    if "record" not in table.column_names or table["record"].null_count:
        return ()
    return tuple(table["record"].to_pylist())


def _size(indices: npt.NDArray[np.integer]) -> int:
    """One more than the largest item."""
    return int(indices.max()) + 1 if len(indices) else 0
