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
    from miner.rules.transactions import Int32s, Int64s, Transactions

Locals = npt.NDArray[np.uint16] | npt.NDArray[np.int32]


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
    min_class_counts: Int64s,
    *,
    excluded_visual: frozenset[int] = frozenset(),
    excluded_text: frozenset[int] = frozenset(),
) -> Layout:
    """Group the labelled rows by class and drop items that no rule can hold.

    Args:
        transactions: Votes; unlabelled ones are ignored.
        min_class_counts: int64, (n_classes,); an item must reach the bound of some class.
        excluded_visual: Visual items no rule may contain.
        excluded_text: Text items no rule may contain.
    """
    sizes = class_sizes(transactions)
    order = np.argsort(transactions.labels, kind="stable")[len(transactions) - int(sizes.sum()) :].astype(np.int64)
    bounds = min_class_counts
    visual_ids = _relevant(
        transactions.visual_indptr,
        transactions.visual_indices,
        transactions,
        transactions.n_visual,
        bounds,
        excluded_visual,
    )
    text_ids = _relevant(
        transactions.text_indptr, transactions.text_indices, transactions, transactions.n_text, bounds, excluded_text
    )
    dtype = np.uint16 if len(visual_ids) + len(text_ids) < 2**16 else np.int32
    visual_map = _local_numbers(visual_ids, transactions.n_visual, 0)
    text_map = _local_numbers(text_ids, transactions.n_text, len(visual_ids))
    row_ptr, text_ptr = _row_pointers(
        order,
        transactions.visual_indptr,
        transactions.visual_indices,
        transactions.text_indptr,
        transactions.text_indices,
        visual_map,
        text_map,
    )
    items: Locals = np.empty(int(row_ptr[-1]), dtype)
    _fill_rows(order, row_ptr, transactions.visual_indptr, transactions.visual_indices, visual_map, items)
    _fill_rows(order, text_ptr, transactions.text_indptr, transactions.text_indices, text_map, items)
    _sort_texts(row_ptr, text_ptr, items)
    list_ptr, list_rows = _text_lists(row_ptr, text_ptr, items, len(visual_ids), len(text_ids))
    class_start = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    return Layout(row_ptr, text_ptr, items, list_ptr, list_rows, class_start, visual_ids, text_ids)


def _relevant(
    indptr: Int64s,
    indices: Int32s,
    transactions: Transactions,
    n_items: int,
    bounds: Int64s,
    excluded: frozenset[int],
) -> Int32s:
    """Find the items frequent enough in some class, rarest first."""
    counts = _count_items(indptr, indices, transactions.labels, len(bounds), n_items)
    keep = (counts >= bounds[:, None]).any(axis=0)
    keep[[item for item in excluded if 0 <= item < n_items]] = False
    chosen = np.flatnonzero(keep)
    return chosen[np.argsort(counts.sum(axis=0)[chosen], kind="stable")].astype(np.int32)


def _local_numbers(ids: Int32s, n_items: int, first: int) -> Int32s:
    """Map original items to local ones; -1 for dropped items."""
    local = np.full(n_items, -1, np.int32)
    local[ids] = np.arange(first, first + len(ids), dtype=np.int32)
    return local


@compiled
def _count_items(indptr: Int64s, indices: Int32s, labels: Int32s, n_classes: int, n_items: int) -> Int64s:
    """Count the votes of each class that hold each item; int64, (n_classes, n_items)."""
    counts = np.zeros((n_classes, n_items), np.int64)
    for row in range(len(labels)):
        label = labels[row]
        if label >= 0:
            of_class = counts[label]
            for position in range(indptr[row], indptr[row + 1]):
                of_class[indices[position]] += 1
    return counts


@compiled
def _row_pointers(
    order: Int64s,
    visual_indptr: Int64s,
    visual_indices: Int32s,
    text_indptr: Int64s,
    text_indices: Int32s,
    visual_map: Int32s,
    text_map: Int32s,
) -> tuple[Int64s, Int64s]:
    """Count what remains of each row."""
    row_ptr = np.zeros(len(order) + 1, np.int64)
    text_ptr = np.zeros(len(order) + 1, np.int64)
    end = 0
    for new in range(len(order)):
        old = order[new]
        for position in range(visual_indptr[old], visual_indptr[old + 1]):
            end += visual_map[visual_indices[position]] >= 0
        text_ptr[new] = end
        for position in range(text_indptr[old], text_indptr[old + 1]):
            end += text_map[text_indices[position]] >= 0
        row_ptr[new + 1] = end
    return row_ptr, text_ptr


@compiled
def _fill_rows(
    order: Int64s, starts: Int64s, indptr: Int64s, indices: Int32s, local: Int32s, items: npt.NDArray[np.integer]
) -> None:
    """Write the local items of each row from its start on."""
    for new in range(len(order)):
        old = order[new]
        cursor = starts[new]
        for position in range(indptr[old], indptr[old + 1]):
            item = local[indices[position]]
            if item >= 0:
                items[cursor] = item
                cursor += 1


@compiled
def _sort_texts(row_ptr: Int64s, text_ptr: Int64s, items: npt.NDArray[np.integer]) -> None:
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
def _text_lists(
    row_ptr: Int64s, text_ptr: Int64s, items: npt.NDArray[np.integer], n_visual: int, n_text: int
) -> tuple[Int64s, Int32s]:
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
