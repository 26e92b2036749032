"""Exact order statistics of float16 values by counting, for more pictures than fit in memory.

A float16 is one of 65,536 values. They are counted by their upper byte first, then, within the one upper byte that holds the
value that is looked for, by their lower byte. Counts are whole numbers that add up over shards in any order, so the result is
that of sorting everything, to the bit, however the pictures are cut; memory is 256 counts an item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Chunks = Callable[[], Iterable[npt.NDArray[np.float16]]]

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint16]

N_BYTES = 256
MAX_CHUNK = 1 << 20
"""Values that are looked at together."""


class Rows(Protocol):
    """An array of one row per picture that may lie on the disk."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, then columns."""

    def __getitem__(self, rows: Int64, /) -> npt.NDArray[Any]:
        """Return a copy of some rows."""


def in_chunks(values: Rows, rows: Int64) -> Chunks:
    """Return what goes through some rows, a bounded number at a time.

    Args:
        values: float16, (n, n_items).
        rows: Which rows.
    """
    step = max(1, MAX_CHUNK // max(1, values.shape[1]))
    return lambda: (values[rows[start : start + step]] for start in range(0, len(rows), step))


def select(chunks: Chunks, place: int, n_items: int) -> tuple[Float32, Float32]:
    """Find the value at one place of each item's values in ascending order, and the largest.

    Args:
        chunks: Gives all values twice: float16, (any number, n_items).
        place: From 0.
        n_items: Columns.

    Returns:
        float32, (n_items,) each.
    """
    counts = np.zeros((n_items, N_BYTES), np.int64)
    largest = np.zeros(n_items, np.uint16)
    for chunk in chunks():
        keys = _to_keys(chunk)
        counts += _count(keys >> 8, n_items)
        largest = np.maximum(largest, keys.max(axis=0, initial=0))
    upper, left = _find(counts, np.full(n_items, place))
    counts = np.zeros((n_items, N_BYTES), np.int64)
    for chunk in chunks():
        keys = _to_keys(chunk)
        counts += _count(keys & 0xFF, n_items, keys >> 8 == upper)
    lower, _ = _find(counts, left)
    return _to_values((upper << 8 | lower).astype(np.uint16)), _to_values(largest)


def _count(digits: npt.NDArray[np.integer[Any]], n_items: int, chosen: npt.NDArray[np.bool_] | None = None) -> Int64:
    """Count the bytes of each column: int64, (n_items, 256)."""
    flat = digits + np.arange(n_items, dtype=np.int64) * N_BYTES
    counts = np.bincount(flat.ravel() if chosen is None else flat[chosen], minlength=n_items * N_BYTES)
    return counts.reshape(n_items, N_BYTES)


def _find(counts: Int64, places: Int64) -> tuple[Int64, Int64]:
    """Return the byte that holds the place of each item, and the place among the values with that byte."""
    upto = counts.cumsum(axis=1)
    found = (upto <= places[:, None]).sum(axis=1)
    before = np.where(found > 0, np.take_along_axis(upto, np.maximum(found - 1, 0)[:, None], axis=1)[:, 0], 0)
    return found, places - before


def _to_keys(values: npt.NDArray[np.float16]) -> Keys:
    """Return whole numbers in the order of the values."""
    # 0 takes the sign from a zero that has one
    bits = (values + np.float16(0)).view(np.uint16)
    return np.where(bits & 0x8000, ~bits, bits | 0x8000)


def _to_values(keys: Keys) -> Float32:
    bits = np.where(keys & 0x8000, keys & 0x7FFF, ~keys)
    return bits.astype(np.uint16).view(np.float16).astype(np.float32)
