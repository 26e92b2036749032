"""The transactions as the search reads them: relevant items only, rows grouped by class, a row list per text item.

Items get local numbers: visual items 0 .. n_visual - 1 and then text items, each kind ordered by rising frequency, so the
rarest comes first in the search tree, where its subtree is smallest.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Collection

    from miner.rules.transactions import Int32s, Int64s, Transactions

Items = npt.NDArray[np.uint16] | npt.NDArray[np.int32]
Entries = npt.NDArray[np.uint32] | npt.NDArray[np.int64]


class Layout(NamedTuple):
    """Arrays the kernels share, read-only.

    Attributes:
        items: Rows one after another, class by class: how many items a row has, then those items.
        class_entries: int64, (n_classes + 1,), where the first row of each class stands in `items`.
        class_sizes: int64, (n_classes,), rows of each class.
        lists: Where the rows of each text item stand in `items`, ascending, so class by class.
        list_ptr: int64, (n_text, n_classes + 1), where each text item's rows of each class stand in `lists`.
        visual_ids: int32, (n_visual,), original item of each local visual item.
        text_ids: int32, (n_text,), original item of each local text item.
    """

    items: Items
    class_entries: Int64s
    class_sizes: Int64s
    lists: Entries
    list_ptr: Int64s
    visual_ids: Int32s
    text_ids: Int32s


class Csr(NamedTuple):
    """A sparse matrix of items: row `i` holds `indices[indptr[i] : indptr[i + 1]]`."""

    indptr: Int64s
    indices: Int32s


def class_sizes(transactions: Transactions) -> Int64s:
    """Count the labelled votes of each event type; int64, (n_classes,)."""
    return np.bincount(transactions.labels + 1, minlength=len(transactions.event_types) + 1)[1:].astype(np.int64)


def build_layout(
    transactions: Transactions,
    least_class: Int64s,
    *,
    excluded_visual: Collection[int] = (),
    excluded_text: Collection[int] = (),
    threads: int = 1,
) -> Layout:
    """Group the labelled rows by class and drop items that no rule can hold.

    Args:
        transactions: Votes; unlabelled ones are ignored.
        least_class: int64, (n_classes,); an item must reach the bound of some class.
        excluded_visual: Visual items no rule may contain.
        excluded_text: Text items no rule may contain.
        threads: Threads that share the work, each a range of rows; never changes the result.
    """
    visual = Csr(transactions.visual_indptr, transactions.visual_indices)
    text = Csr(transactions.text_indptr, transactions.text_indices)
    labels = transactions.labels
    edges = np.linspace(0, len(labels), threads + 1).astype(np.int64)
    spans = [(int(first), int(last)) for first, last in itertools.pairwise(edges)]
    shapes = [(len(least_class), n_items) for n_items in (transactions.n_visual, transactions.n_text)]
    with ThreadPoolExecutor(threads) as pool:
        visual_counts = np.stack([*pool.map(lambda span: _count_items(visual, labels, span, shapes[0]), spans)])
        text_counts = np.stack([*pool.map(lambda span: _count_items(text, labels, span, shapes[1]), spans)])
        visual_ids = _relevant(visual_counts.sum(axis=0), least_class, excluded_visual)
        text_ids = _relevant(text_counts.sum(axis=0), least_class, excluded_text)
        n_rows = np.stack([np.bincount(labels[slice(*span)] + 1, minlength=shapes[0][0] + 1)[1:] for span in spans])
        n_entries = n_rows + visual_counts[:, :, visual_ids].sum(axis=2) + text_counts[:, :, text_ids].sum(axis=2)
        layout = _empty_layout(
            n_entries, class_sizes(transactions), (visual_ids, text_ids), text_counts[:, :, text_ids]
        )
        maps = (
            _local_numbers(visual_ids, transactions.n_visual, 0),
            _local_numbers(text_ids, transactions.n_text, len(visual_ids)),
        )
        entries = layout.class_entries[:-1] + _before(n_entries)
        cursors = layout.list_ptr[:, :-1] + _before(text_counts[:, :, text_ids]).transpose(0, 2, 1)
        tasks = zip(spans, entries, cursors, strict=True)
        for _ in pool.map(lambda task: _fill_rows(layout, (visual, text), labels, maps, task), tasks):
            pass
    return layout


def _before(parts: Int64s) -> Int64s:
    """Sum what the parts before each part hold; the first axis numbers the parts."""
    return np.cumsum(parts, axis=0) - parts


def _empty_layout(n_entries: Int64s, sizes: Int64s, ids: tuple[Int32s, Int32s], text_counts: Int64s) -> Layout:
    """Allocate a layout.

    Args:
        n_entries: int64, (n_parts, n_classes), entries in `items` of each part's rows.
        sizes: int64, (n_classes,), rows of each class.
        ids: Original visual and text items that are kept.
        text_counts: int64, (n_parts, n_classes, n_text), rows of each kept text item.
    """
    class_entries = np.concatenate([np.zeros(1, np.int64), np.cumsum(n_entries.sum(axis=0))])
    listed = np.concatenate([np.zeros(1, np.int64), np.cumsum(text_counts.sum(axis=0).T.ravel())])
    list_ptr = listed[np.arange(len(ids[1]))[:, None] * len(sizes) + np.arange(len(sizes) + 1)]
    n_items, n_listed = int(class_entries[-1]), int(listed[-1])
    few = len(ids[0]) + len(ids[1]) < 2**16
    items: Items = np.empty(n_items, np.uint16) if few else np.empty(n_items, np.int32)
    lists: Entries = np.empty(n_listed, np.uint32) if n_items < 2**32 else np.empty(n_listed, np.int64)
    return Layout(items, class_entries, sizes, lists, list_ptr, ids[0], ids[1])


def _relevant(counts: Int64s, least_class: Int64s, excluded: Collection[int]) -> Int32s:
    """Find the items frequent enough in some class, rarest first; `counts` is (n_classes, n_items)."""
    keep = np.any(counts >= least_class[:, None], axis=0)
    dropped = [item for item in excluded if 0 <= item < counts.shape[1]]
    chosen = np.setdiff1d(np.flatnonzero(keep), np.array(dropped, np.int64))
    return chosen[np.argsort(counts.sum(axis=0)[chosen], kind="stable")].astype(np.int32)


def _local_numbers(ids: Int32s, n_items: int, first: int) -> Int32s:
    """Map original items to local ones; -1 for dropped items."""
    local = np.full(n_items, -1, np.int32)
    local[ids] = np.arange(first, first + len(ids), dtype=np.int32)
    return local


@compiled
def _count_items(csr: Csr, labels: Int32s, span: tuple[int, int], shape: tuple[int, int]) -> Int64s:
    """Count the rows of a span that hold each item, by class; int64, (n_classes, n_items)."""
    counts = np.zeros(shape, np.int64)
    one = np.uint64(1)
    for row in range(span[0], span[1]):
        label = labels[row]
        if label >= 0:
            of_class = counts[label]
            position = np.uint64(csr.indptr[row])
            end = np.uint64(csr.indptr[row + 1])
            while position < end:
                of_class[np.uint64(csr.indices[position])] += 1
                position += one
    return counts


@compiled
def _fill_rows(
    layout: Layout,
    csrs: tuple[Csr, Csr],
    labels: Int32s,
    maps: tuple[Int32s, Int32s],
    task: tuple[tuple[int, int], Int64s, Int64s],
) -> None:
    """Write the rows of a span: visual items, then text items in order, each noted in its list.

    Args:
        layout: Where to write.
        csrs: Visual and text items.
        labels: Class of each row.
        maps: Local numbers of visual and text items.
        task: The span; where its first row of each class goes; where its first entry of each list goes.
    """
    visual, text = csrs
    span, entries, cursors = task
    items = layout.items
    n_visual = len(layout.visual_ids)
    one = np.uint64(1)
    for row in range(span[0], span[1]):
        label = labels[row]
        if label < 0:
            continue
        entry = np.uint64(entries[label])
        end = entry + one
        for position in range(np.uint64(visual.indptr[row]), np.uint64(visual.indptr[row + 1])):
            item = maps[0][np.uint64(visual.indices[position])]
            if item >= 0:
                items[end] = item
                end += one
        first_text = end
        for position in range(np.uint64(text.indptr[row]), np.uint64(text.indptr[row + 1])):
            item = maps[1][np.uint64(text.indices[position])]
            if item >= 0:
                slot = end
                while slot > first_text and items[slot - one] > item:
                    items[slot] = items[slot - one]
                    slot -= one
                items[slot] = item
                end += one
                layout.lists[cursors[item - n_visual, label]] = entry
                cursors[item - n_visual, label] += 1
        items[entry] = end - entry - one
        entries[label] = end
