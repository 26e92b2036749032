"""The transactions as the search reads them: relevant items only, rows grouped by class, a row list per text item.

Items get local numbers: visual items 0 .. n_visual - 1 and then text items, each kind ordered by rising frequency, so the
rarest comes first in the search tree, where its subtree is smallest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Collection

    from miner.rules.transactions import Int32s, Int64s, Transactions

Locals = npt.NDArray[np.uint16] | npt.NDArray[np.int32]


class Csr(NamedTuple):
    """A sparse matrix of items: row `i` holds `indices[indptr[i] : indptr[i + 1]]`."""

    indptr: Int64s
    indices: Int32s


class Layout(NamedTuple):
    """Arrays the kernels share, read-only.

    Attributes:
        row_ptr: int64, (m + 1,), start of each labelled row in `items`, rows sorted by class.
        text_ptr: int64, (m,), where the text items of a row begin.
        items: local items of all rows, visual before text, ascending within the text part.
        list_ptr: int64, (n_text + 1,), start of each text item's list in `list_rows`.
        list_rows: int32, rows that hold the text item, ascending.
        class_start: int64, (n_classes + 1,), first row of each class.
        visual_ids: int32, (n_visual,), original item of each local visual item.
        text_ids: int32, (n_text,), original item of each local text item.
    """

    row_ptr: Int64s
    text_ptr: Int64s
    items: Locals
    list_ptr: Int64s
    list_rows: Int32s
    class_start: Int64s
    visual_ids: Int32s
    text_ids: Int32s


def class_sizes(transactions: Transactions) -> Int64s:
    """Count the labelled votes of each event type; int64, (n_classes,)."""
    labels = transactions.labels
    return np.bincount(labels[labels >= 0], minlength=len(transactions.event_types)).astype(np.int64)


def build_layout(
    transactions: Transactions,
    least_class: Int64s,
    *,
    excluded_visual: Collection[int] = (),
    excluded_text: Collection[int] = (),
) -> Layout:
    """Group the labelled rows by class and drop items that no rule can hold.

    Args:
        transactions: Votes; unlabelled ones are ignored.
        least_class: int64, (n_classes,); an item must reach the bound of some class.
        excluded_visual: Visual items no rule may contain.
        excluded_text: Text items no rule may contain.
    """
    visual = Csr(transactions.visual_indptr, transactions.visual_indices)
    text = Csr(transactions.text_indptr, transactions.text_indices)
    labels = transactions.labels
    sizes = class_sizes(transactions)
    order = np.argsort(labels, kind="stable")[len(labels) - int(sizes.sum()) :].astype(np.int64)
    visual_ids = _relevant(visual, labels, transactions.n_visual, least_class, excluded_visual)
    text_ids = _relevant(text, labels, transactions.n_text, least_class, excluded_text)
    visual_map = _local_numbers(visual_ids, transactions.n_visual, 0)
    text_map = _local_numbers(text_ids, transactions.n_text, len(visual_ids))
    row_ptr, text_ptr = _row_pointers(order, visual, text, visual_map, text_map)
    n_entries = int(row_ptr[-1])
    few = len(visual_ids) + len(text_ids) < 2**16
    items: Locals = np.empty(n_entries, np.uint16) if few else np.empty(n_entries, np.int32)
    _fill_rows(order, row_ptr, visual, visual_map, items)
    _fill_rows(order, text_ptr, text, text_map, items)
    _sort_texts(row_ptr, text_ptr, items)
    list_ptr, list_rows = _text_lists(row_ptr, text_ptr, items, len(visual_ids), len(text_ids))
    class_start = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    return Layout(row_ptr, text_ptr, items, list_ptr, list_rows, class_start, visual_ids, text_ids)


def _relevant(csr: Csr, labels: Int32s, n_items: int, least_class: Int64s, excluded: Collection[int]) -> Int32s:
    """Find the items frequent enough in some class, rarest first."""
    counts = _count_items(csr, labels, len(least_class), n_items)
    keep = np.any(counts >= least_class[:, None], axis=0)
    dropped = [item for item in excluded if 0 <= item < n_items]
    chosen = np.setdiff1d(np.flatnonzero(keep), np.array(dropped, np.int64))
    return chosen[np.argsort(counts.sum(axis=0)[chosen], kind="stable")].astype(np.int32)


def _local_numbers(ids: Int32s, n_items: int, first: int) -> Int32s:
    """Map original items to local ones; -1 for dropped items."""
    local = np.full(n_items, -1, np.int32)
    local[ids] = np.arange(first, first + len(ids), dtype=np.int32)
    return local


@compiled
def _count_items(csr: Csr, labels: Int32s, n_classes: int, n_items: int) -> Int64s:
    """Count the votes of each class that hold each item; int64, (n_classes, n_items)."""
    counts = np.zeros((n_classes, n_items), np.int64)
    for row in range(len(labels)):
        label = labels[row]
        if label >= 0:
            of_class = counts[label]
            for position in range(csr.indptr[row], csr.indptr[row + 1]):
                of_class[csr.indices[position]] += 1
    return counts


@compiled
def _row_pointers(order: Int64s, visual: Csr, text: Csr, visual_map: Int32s, text_map: Int32s) -> tuple[Int64s, Int64s]:
    """Count what remains of each row: where rows start, and where their text parts do."""
    row_ptr = np.zeros(len(order) + 1, np.int64)
    text_ptr = np.zeros(len(order), np.int64)
    end = 0
    for new in range(len(order)):
        old = order[new]
        for position in range(visual.indptr[old], visual.indptr[old + 1]):
            end += visual_map[visual.indices[position]] >= 0
        text_ptr[new] = end
        for position in range(text.indptr[old], text.indptr[old + 1]):
            end += text_map[text.indices[position]] >= 0
        row_ptr[new + 1] = end
    return row_ptr, text_ptr


@compiled
def _fill_rows(order: Int64s, starts: Int64s, csr: Csr, local: Int32s, items: Locals) -> None:
    """Write the local items of each row from its start on."""
    for new in range(len(order)):
        old = order[new]
        cursor = starts[new]
        for position in range(csr.indptr[old], csr.indptr[old + 1]):
            item = local[csr.indices[position]]
            if item >= 0:
                items[cursor] = item
                cursor += 1


@compiled
def _sort_texts(row_ptr: Int64s, text_ptr: Int64s, items: Locals) -> None:
    """Sort the text part of each row (insertion sort: the parts are short)."""
    for row in range(len(row_ptr) - 1):
        start = text_ptr[row]
        for position in range(start + 1, row_ptr[row + 1]):
            item = items[position]
            slot = position
            while slot > start and items[slot - 1] > item:
                items[slot] = items[slot - 1]
                slot -= 1
            items[slot] = item


@compiled
def _text_lists(row_ptr: Int64s, text_ptr: Int64s, items: Locals, n_visual: int, n_text: int) -> tuple[Int64s, Int32s]:
    """List the rows of each text item."""
    list_ptr = np.zeros(n_text + 1, np.int64)
    for row in range(len(row_ptr) - 1):
        for position in range(text_ptr[row], row_ptr[row + 1]):
            list_ptr[items[position] - n_visual + 1] += 1
    for text in range(n_text):
        list_ptr[text + 1] += list_ptr[text]
    cursors = list_ptr[:-1].copy()
    list_rows = np.empty(list_ptr[-1], np.int32)
    for row in range(len(row_ptr) - 1):
        for position in range(text_ptr[row], row_ptr[row + 1]):
            text = items[position] - n_visual
            list_rows[cursors[text]] = row
            cursors[text] += 1
    return list_ptr, list_rows
