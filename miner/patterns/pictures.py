"""What patterns are made from: rules, the votes they were mined from, and the pictures and captions behind the votes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from kb.ontology import Ontology
    from miner.rules.transactions import Transactions
    from miner.visual.geometry import Geometry

Bools = npt.NDArray[np.bool_]
Float32s = npt.NDArray[np.float32]
Float16s = npt.NDArray[np.float16]
Int64s = npt.NDArray[np.int64]
Cells = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

CHUNK = 512
"""Pictures whose features are in memory at once where all pictures are gone through."""


class Rows(Protocol):
    """An array of one row per picture that may lie on the disk: asked for some rows, it brings them into memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""

    def __len__(self) -> int:
        """Number of rows."""

    def __getitem__(self, rows: Int64s, /) -> npt.NDArray[Any]:
        """Return a copy of some rows, in the order asked for."""


def in_chunks(rows: Int64s) -> Iterator[Int64s]:
    """Cut rows into parts of `CHUNK`, in order."""
    for first in range(0, len(rows), CHUNK):
        yield rows[first : first + CHUNK]


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures that represent their photo groups, one row each; all but `groups` may lie on the disk.

    Attributes:
        groups: int64, (n,), ascending: ids of the photo groups.
        cells: uint8 or uint16, (n, n_filters): cell where each filter is strongest, read row by row.
        pooled: float16, (n, n_filters), ≥ 0: mean of each filter's map.
        projected: float16, (n, n_cells, n_dims): every cell, projected.
    """

    groups: Int64s
    cells: Rows
    pooled: Rows
    projected: Rows

    def __len__(self) -> int:
        """Number of photo groups."""
        return len(self.groups)


@dataclass(frozen=True, eq=False)
class Votes:
    """The transactions as matrices; one row per vote.

    Attributes:
        transactions: Whose votes.
        picture: int64, (n,), row in `Pictures` of each vote.
        regions: The regions of these votes, in rows of their own, where items have to fire in one of them.
    """

    transactions: Transactions
    picture: Int64s
    regions: Transactions | None = None

    @classmethod
    def of(cls, transactions: Transactions, pictures: Pictures, regions: Transactions | None = None) -> Votes:
        """Find the picture of every vote."""
        return cls(transactions, np.searchsorted(pictures.groups, transactions.groups).astype(np.int64), regions)

    @cached_property
    def visual(self) -> sparse.csc_matrix:
        """Which filters fire: int32 zeros and ones, (n, n_visual)."""
        t = self.transactions
        return _ones(t.visual_indptr, t.visual_indices, t.n_visual)

    @cached_property
    def text(self) -> sparse.csc_matrix:
        """Which text items the captions have: int32 zeros and ones, (n, n_text)."""
        t = self.transactions
        return _ones(t.text_indptr, t.text_indices, t.n_text)

    @cached_property
    def labelled(self) -> Bools:
        """Which votes count towards support."""
        return np.asarray(self.transactions.labels >= 0)

    def of_type(self, event_type: str) -> Bools:
        """Tell for each vote whether it is one for the event type."""
        return np.asarray(self.transactions.labels == self.transactions.event_types.index(event_type))

    def fires_all(self, items: Sequence[int]) -> Bools:
        """Tell for each vote whether all the visual items fire, in one region where there are such; they do when there are none."""
        if self._regional is None:
            return _has_all(self.visual, items)
        fires, vote = self._regional
        found = np.zeros(len(self.transactions), dtype=bool)
        found[vote[_has_all(fires, items)]] = True
        return found

    @cached_property
    def _regional(self) -> tuple[sparse.csc_matrix, Int64s] | None:
        """Which filters fire in each region, and the vote of each."""
        if self.regions is None:
            return None
        n_labels = len(self.transactions.event_types) + 1
        keys, own = (each.groups * n_labels + each.labels + 1 for each in (self.transactions, self.regions))
        order = np.argsort(keys)
        vote = order[np.searchsorted(keys[order], own)].astype(np.int64)
        return _ones(self.regions.visual_indptr, self.regions.visual_indices, self.regions.n_visual), vote

    def says_all(self, items: Sequence[int]) -> Bools:
        """Tell for each vote whether the captions have all the text items; they do when there are none."""
        return _has_all(self.text, items)


@dataclass(frozen=True, eq=False)
class PatternInputs:
    """Everything patterns are made from.

    Attributes:
        rules: Schema `miner.rules.ruleset.RULES`.
        votes: The transactions they were mined from.
        pictures: Behind the votes.
        records: Record id of each picture.
        images: Image of each picture, as the corpus names it.
        geometry: Gives the geometry of a picture from its row.
        captions: Schema `CAPTIONS`, of all usable records.
        masks: For each caption, whether each token triggers some event type.
        picture_of: Row of the picture of each record, copies included.
        words: Words of each text item.
        spans: Finds where text items stand in the captions of a record: (caption index, start, end,
            caption), in reading order.
        ontology: Of the event types.
        encode: Gives unit vectors of phrases, float32, (n, n_dims), to join names that mean the same; None to leave them.
    """

    rules: pa.Table
    votes: Votes
    pictures: Pictures
    records: Sequence[str]
    images: Sequence[str]
    geometry: Callable[[int], Geometry]
    captions: pa.Table
    masks: Sequence[Sequence[bool]]
    picture_of: Mapping[str, int]
    words: Mapping[int, Sequence[str]]
    spans: Callable[[str, Sequence[int]], Sequence[tuple[int, int, int, str]]]
    ontology: Ontology
    encode: Callable[[Sequence[str]], Float32s] | None = None


def cell_distances(n_cells: int) -> Int64s:
    """Return how many cells apart the cells of a map are, along its rows or its columns, whichever is more.

    Args:
        n_cells: A square number.

    Returns:
        int64, (n_cells, n_cells).
    """
    row, column = np.divmod(np.arange(n_cells), round(n_cells**0.5))
    return np.asarray(np.maximum(abs(row[:, None] - row[None, :]), abs(column[:, None] - column[None, :])))


def _has_all(matrix: sparse.csc_matrix, items: Sequence[int]) -> Bools:
    all_of_them = np.ones(matrix.shape[0], dtype=bool)
    for item in items:
        has = np.zeros(matrix.shape[0], dtype=bool)
        has[matrix.indices[matrix.indptr[item] : matrix.indptr[item + 1]]] = True
        all_of_them &= has
    return all_of_them


def _ones(indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32], n_columns: int) -> sparse.csc_matrix:
    ones = np.ones(len(indices), dtype=np.int32)
    return sparse.csr_matrix((ones, indices, indptr), shape=(len(indptr) - 1, n_columns)).tocsc()
