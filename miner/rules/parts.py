"""Votes in parts: what a layout is filled from, one range of rows at a time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miner.rules.transactions import Int32s, Int64s, Transactions


class Csr(NamedTuple):
    """A sparse matrix of items: row `i` holds `indices[indptr[i] : indptr[i + 1]]`, integers of any width."""

    indptr: Int64s
    indices: Int32s


class Part(NamedTuple):
    """Some rows: visual items, text items, and the class of each row, -1 for none."""

    visual: Csr
    text: Csr
    labels: Int32s


def split(transactions: Transactions, n_parts: int) -> Sequence[Callable[[], Part]]:
    """Cut votes in memory into parts of about equal length, without copying."""
    edges = [int(edge) for edge in np.linspace(0, len(transactions), n_parts + 1)]
    spans = itertools.pairwise(edges)
    return [lambda first=first, last=last: _cut(transactions, first, last) for first, last in spans]  # type: ignore[misc]


def _cut(transactions: Transactions, first: int, last: int) -> Part:
    """Give a range of rows."""
    rows = slice(first, last + 1)
    return Part(
        Csr(transactions.visual_indptr[rows], transactions.visual_indices),
        Csr(transactions.text_indptr[rows], transactions.text_indices),
        transactions.labels[first:last],
    )
