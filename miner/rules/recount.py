"""How often given itemsets occur, class by class, so that only one class's bitmaps are in memory at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from miner.rules.compiled import compiled, popcount
from miner.rules.projection import Words, class_bitmaps

if TYPE_CHECKING:
    from miner.rules.layout import Layout
    from miner.rules.ruleset import Rules
    from miner.rules.transactions import Int32s, Int64s


def local_items(rules: Rules, layout: Layout) -> Int32s:
    """Translate antecedents to the layout's items; int32, (n, max_len), -1 after the last."""
    names = np.concatenate([layout.visual_ids, layout.text_ids + rules.n_visual])
    lookup = np.full(int(names.max(initial=-1)) + 2, -1, np.int32)
    lookup[names] = np.arange(len(names), dtype=np.int32)
    return lookup[rules.antecedents]


def count_itemsets(layout: Layout, itemsets: Int32s) -> Int64s:
    """Count the votes of each class that hold each itemset; repeated itemsets are counted once.

    Args:
        layout: The transactions.
        itemsets: int32, (n, k), local items, -1 for none; no itemset may be empty.

    Returns:
        int64, (n, n_classes).
    """
    n_classes = len(layout.class_sizes)
    if not len(itemsets):
        return np.zeros((0, n_classes), np.int64)
    distinct, inverse = _distinct(np.ascontiguousarray(np.sort(itemsets, axis=1)[:, ::-1]))
    counts = np.empty((len(distinct), n_classes), np.int64)
    for label in range(n_classes):
        counts[:, label] = _count_in(class_bitmaps(layout, label), distinct)
    return counts[inverse]


def _distinct(itemsets: Int32s) -> tuple[Int32s, Int64s]:
    """Sort itemsets, keep each once, and tell which one each was."""
    order = np.lexsort(itemsets.T[::-1])
    ordered = itemsets[order]
    first = np.append(True, np.any(ordered[1:] != ordered[:-1], axis=1))
    inverse = np.empty(len(order), np.int64)
    inverse[order] = np.cumsum(first) - 1
    return ordered[first], inverse


@compiled
def _count_in(bits: Words, itemsets: Int32s) -> Int64s:
    """Count the rows of one class's bitmaps that hold every item of each itemset.

    Args:
        bits: uint64, (n_items, words).
        itemsets: int32, (n, k), sorted, so that neighbours share what their first items have in common; -1 after the last.
    """
    width = bits.shape[1]
    n_slots = itemsets.shape[1]
    shared = np.empty((n_slots, width), np.uint64)
    counts = np.zeros(len(itemsets), np.int64)
    for row in range(len(itemsets)):
        slot = 0
        while (
            row
            and slot < n_slots - 1
            and itemsets[row, slot + 1] >= 0
            and itemsets[row, slot] == itemsets[row - 1, slot]
        ):
            slot += 1
        if slot == 0:
            shared[0] = bits[itemsets[row, 0]]
        for place in range(max(slot, 1), n_slots):
            if itemsets[row, place] < 0:
                break
            slot = place
            before, after, column = shared[place - 1], shared[place], bits[itemsets[row, place]]
            for word in range(width):
                after[word] = before[word] & column[word]
        total = np.uint64(0)
        last = shared[slot]
        for word in range(width):
            total += popcount(last[word])
        counts[row] = np.int64(total)
    return counts
