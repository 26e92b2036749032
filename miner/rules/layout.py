"""The transactions as the search reads them: relevant items only, rows grouped by class, a row list per text item.

Items get local numbers: visual items 0 .. n_visual - 1 and then text items, each kind ordered by rising frequency, so the
rarest comes first in the search tree, where its subtree is smallest.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled
from miner.rules.parts import Csr, Part, split
from miner.rules.shards import AnyVotes, Shards
from miner.rules.thresholds import ANY_ITEMS, ItemChoice

if TYPE_CHECKING:
    from miner.rules.transactions import Int32s, Int64s

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
        forced: int64, (2,), how many visual and text items every rule holds; they are the first local ones of their kind.
    """

    items: Items
    class_entries: Int64s
    class_sizes: Int64s
    lists: Entries
    list_ptr: Int64s
    visual_ids: Int32s
    text_ids: Int32s
    forced: Int64s


def class_sizes(transactions: AnyVotes) -> Int64s:
    """Count the labelled votes of each event type; int64, (n_classes,)."""
    return np.bincount(transactions.labels + 1, minlength=len(transactions.event_types) + 1)[1:].astype(np.int64)


def build_layout(
    transactions: AnyVotes, least_class: Int64s, *, items: ItemChoice = ANY_ITEMS, threads: int = 1
) -> Layout:
    """Group the labelled rows by class and drop items that no rule can hold.

    Args:
        transactions: Votes, in memory or on disk; unlabelled ones are ignored.
        least_class: int64, (n_classes,); an item must reach the bound of some class.
        items: Items every rule holds come first of their kind; items no rule may hold are dropped.
        threads: Threads that share the work, each a range of rows; never changes the result.
    """
    parts = transactions.parts() if isinstance(transactions, Shards) else split(transactions, threads)
    n_classes = len(least_class)
    n_items = (transactions.n_visual, transactions.n_text)
    with ThreadPoolExecutor(threads) as pool:
        counted = [*pool.map(lambda part: _count_part(part(), n_classes, n_items), parts)]
        visual_counts, text_counts, n_rows = (np.stack(counts) for counts in zip(*counted, strict=True))
        choices = (
            (items.must_have_visual, items.must_not_have_visual),
            (items.must_have_text, items.must_not_have_text),
        )
        visual_ids = _relevant(visual_counts.sum(axis=0), least_class, *choices[0])
        text_ids = _relevant(text_counts.sum(axis=0), least_class, *choices[1])
        if items.must_have_visual and not len(visual_ids):
            # No rule can hold a wanted visual item: without text items there is no root, so nothing is searched.
            text_ids = np.empty(0, np.int32)
        listed = text_counts[:, :, text_ids]
        n_entries = n_rows + visual_counts[:, :, visual_ids].sum(axis=2) + listed.sum(axis=2)
        layout = _empty_layout(n_entries, n_rows.sum(axis=0), (visual_ids, text_ids), listed)
        layout = layout._replace(forced=np.array(items.n_forced, np.int64))
        maps = (_local_numbers(visual_ids, n_items[0], 0), _local_numbers(text_ids, n_items[1], len(visual_ids)))
        entries = layout.class_entries[:-1] + _before(n_entries)
        cursors = layout.list_ptr[:, :-1] + _before(listed).transpose(0, 2, 1)
        tasks = zip(parts, entries, cursors, strict=True)
        for _ in pool.map(lambda task: _fill_rows(layout, task[0](), maps, task[1], task[2]), tasks):
            pass
    return layout


def count_items(transactions: AnyVotes) -> tuple[Int64s, Int64s]:
    """Count the labelled votes of each class with each item; int64, (n_classes, n_visual) and (n_classes, n_text)."""
    parts = transactions.parts() if isinstance(transactions, Shards) else split(transactions, 1)
    shape = len(transactions.event_types), (transactions.n_visual, transactions.n_text)
    counted = [_count_part(part(), *shape) for part in parts]
    return np.sum([part[0] for part in counted], axis=0), np.sum([part[1] for part in counted], axis=0)


def _count_part(part: Part, n_classes: int, n_items: tuple[int, int]) -> tuple[Int64s, Int64s, Int64s]:
    """Count the rows of each class with each visual item, with each text item, and altogether."""
    return (
        _count_items(part.visual, part.labels, (n_classes, n_items[0])),
        _count_items(part.text, part.labels, (n_classes, n_items[1])),
        np.bincount(part.labels + 1, minlength=n_classes + 1)[1:].astype(np.int64),
    )


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
    return Layout(items, class_entries, sizes, lists, list_ptr, ids[0], ids[1], np.zeros(2, np.int64))


def _relevant(counts: Int64s, least_class: Int64s, forced: tuple[int, ...], excluded: tuple[int, ...]) -> Int32s:
    """Find the items frequent enough in some class: forced ones first, then the rarest first.

    There are none at all where a forced item is not among them.

    Args:
        counts: int64, (n_classes, n_items).
        least_class: int64, (n_classes,).
        forced: Items every rule holds.
        excluded: Items no rule may hold.
    """
    keep = np.any(counts >= least_class[:, None], axis=0)
    keep[list(excluded)] = False
    if not keep[list(forced)].all():
        return np.empty(0, np.int32)
    chosen = np.flatnonzero(keep)
    rank = np.where(np.isin(chosen, forced), -1, counts.sum(axis=0)[chosen])
    return chosen[np.argsort(rank, kind="stable")].astype(np.int32)


def _local_numbers(ids: Int32s, n_items: int, first: int) -> Int32s:
    """Map original items to local ones; -1 for dropped items."""
    local = np.full(n_items, -1, np.int32)
    local[ids] = np.arange(first, first + len(ids), dtype=np.int32)
    return local


@compiled
def _count_items(csr: Csr, labels: Int32s, shape: tuple[int, int]) -> Int64s:
    """Count the rows that hold each item, by class; int64, (n_classes, n_items)."""
    counts = np.zeros(shape, np.int64)
    one = np.uint64(1)
    for row in range(len(labels)):
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
def _fill_rows(layout: Layout, part: Part, maps: tuple[Int32s, Int32s], entries: Int64s, cursors: Int64s) -> None:
    """Write some rows: visual items, then text items in order, each noted in its list.

    Args:
        layout: Where to write.
        part: The rows.
        maps: Local numbers of visual and text items.
        entries: Where the first of these rows of each class goes; moves on.
        cursors: Where the first entry of each list goes; moves on.
    """
    visual, text = part.visual, part.text
    items = layout.items
    n_visual = len(layout.visual_ids)
    one = np.uint64(1)
    for row in range(len(part.labels)):
        label = part.labels[row]
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
