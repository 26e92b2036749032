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
    distinct, inverse = np.unique(np.sort(itemsets, axis=1)[:, ::-1], axis=0, return_inverse=True)
    counts = np.empty((len(distinct), n_classes), np.int64)
    for label in range(n_classes):
        counts[:, label] = _count_in(class_bitmaps(layout, label), distinct)
    return counts[inverse.ravel()]


@compiled
def _count_in(bits: Words, itemsets: Int32s) -> Int64s:
    """Count the rows of one class's bitmaps that hold every item of each itemset; each starts with an item."""
    width = bits.shape[1]
    values = np.empty(width, np.uint64)
    counts = np.zeros(len(itemsets), np.int64)
    for row in range(len(itemsets)):
        values[:] = bits[itemsets[row, 0]]
        for slot in range(1, itemsets.shape[1]):
            if itemsets[row, slot] < 0:
                break
            column = bits[itemsets[row, slot]]
            for word in range(width):
                values[word] &= column[word]
        total = np.uint64(0)
        for word in range(width):
            total += popcount(values[word])
        counts[row] = np.int64(total)
    return counts
