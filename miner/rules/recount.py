"""How often given itemsets occur, class by class, so that only one class's bitmaps are in memory at a time.

Where a vote has several rows (regions of its pictures), an itemset occurs in the vote if one of its rows holds all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from miner.rules.compiled import compiled, popcount
from miner.rules.projection import BLOCK, TILE, Words

if TYPE_CHECKING:
    from miner.rules.layout import Layout
    from miner.rules.transactions import Int32s, Int64s


@dataclass(frozen=True, eq=False)
class Ledger:
    """Rows to count in, and the votes they belong to.

    Attributes:
        layout: The rows; every item that is asked for is in it.
        n_visual: Visual items that exist, the offset of text items.
        votes: int64, vote of every row in the layout's order, the rows of a vote next to each other; empty where every
            row is a vote.
    """

    layout: Layout
    n_visual: int
    votes: Int64s = field(default_factory=lambda: np.empty(0, np.int64))

    def count(self, antecedents: Int32s) -> Int64s:
        """Count the votes of each class that hold each itemset; repeated itemsets are counted once.

        Args:
            antecedents: int32, (n, k), items as in `Rules.antecedents`, -1 for none; no itemset may be empty.

        Returns:
            int64, (n, n_classes).
        """
        if not len(antecedents):
            return np.zeros((0, len(self.layout.class_sizes)), np.int64)
        distinct, inverse = _distinct(self._local(antecedents))
        classes = range(len(self.layout.class_sizes))
        return np.stack([self._count_in_class(label, distinct) for label in classes], axis=1)[inverse]

    def _local(self, antecedents: Int32s) -> Int32s:
        """Translate items to those of the layout."""
        names = np.concatenate([self.layout.visual_ids, self.layout.text_ids + self.n_visual])
        lookup = np.full(int(max(names.max(initial=0), antecedents.max(initial=0))) + 2, -1, np.int32)
        lookup[names] = np.arange(len(names), dtype=np.int32)
        return lookup[antecedents]

    def _count_in_class(self, label: int, itemsets: Int32s) -> Int64s:
        """Count sorted itemsets in one class, with bitmaps of only the items they have."""
        layout = self.layout
        n_items = len(layout.visual_ids) + len(layout.text_ids)
        used = np.flatnonzero(np.bincount(itemsets.ravel() + 1, minlength=n_items + 1)[1:])
        slots = np.full(n_items + 1, len(used), np.int32)
        slots[used] = np.arange(len(used), dtype=np.int32)
        first = int(layout.class_sizes[:label].sum())
        votes = self.votes[first : first + int(layout.class_sizes[label])]
        bits = _class_bitmaps(layout, label, slots, len(used))
        return _count_in(bits, np.where(itemsets < 0, -1, slots[itemsets]).astype(np.int32), votes)


def _distinct(itemsets: Int32s) -> tuple[Int32s, Int64s]:
    """Keep each itemset once, in order, and tell which one each was; items fall along a row, -1 after the last."""
    distinct, inverse = collect(itemsets)
    even = np.pad(distinct, ((0, 0), (0, distinct.shape[1] % 2)), constant_values=-1).astype(np.int64)
    order = np.lexsort(((even[:, 0::2] << 32) + even[:, 1::2]).T[::-1])
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return distinct[order], ranks[inverse]


@compiled
def collect(itemsets: Int32s) -> tuple[Int32s, Int64s]:
    """Put the items of each row in falling order and keep every row once, by hashing.

    Returns:
        The different rows, in the order of their first place, and int64, (n,), which of them each row is.
    """
    n_slots = itemsets.shape[1]
    size = 16
    while size < 2 * len(itemsets):
        size *= 2
    table = np.full(size, -1, np.int64)
    distinct = np.empty((len(itemsets) + 1, n_slots), np.int32)
    inverse = np.empty(len(itemsets), np.int64)
    n_found = 0
    for row in range(len(itemsets)):
        candidate = distinct[n_found]
        for place in range(n_slots):
            item, slot = itemsets[row, place], place
            while slot > 0 and candidate[slot - 1] < item:
                candidate[slot] = candidate[slot - 1]
                slot -= 1
            candidate[slot] = item
        key = np.uint64(14695981039346656037)
        for place in range(n_slots):
            key = (key ^ np.uint64(candidate[place] + 1)) * np.uint64(1099511628211)
        at = np.int64((key ^ (key >> np.uint64(32))) & np.uint64(size - 1))
        while table[at] >= 0 and not _same(distinct[table[at]], candidate):
            at = (at + 1) % size
        if table[at] < 0:
            table[at] = n_found
            n_found += 1
        inverse[row] = table[at]
    return distinct[:n_found].copy(), inverse


@compiled
def _same(left: Int32s, right: Int32s) -> bool:
    """Compare two rows without making a third."""
    same = True
    for place in range(len(left)):
        same &= bool(left[place] == right[place])
    return same


@compiled
def _class_bitmaps(layout: Layout, label: int, slots: Int32s, n_slots: int) -> Words:
    """Give the bitmaps of the chosen items over the rows of one class; uint64, (n_slots, words).

    Items that are not chosen share one more slot, which costs less than a branch. Eight words of every item are filled
    side by side before they are copied to their places, which lie far apart.
    """
    n_rows = layout.class_sizes[label]
    width = (n_rows + BLOCK - 1) // BLOCK
    bits = np.empty((n_slots, width), np.uint64)
    one, tile = np.uint64(1), np.uint64(TILE)
    side = np.zeros((n_slots + 1) * TILE, np.uint64)
    entry = np.uint64(layout.class_entries[label])
    for first in range(0, width, TILE):
        n_words = min(TILE, width - first)
        for word in range(n_words):
            bit = one
            for _ in range(min(BLOCK, n_rows - (first + word) * BLOCK)):
                position = entry + one
                entry = position + np.uint64(layout.items[entry])
                while position < entry:
                    side[np.uint64(slots[np.uint64(layout.items[position])]) * tile + np.uint64(word)] |= bit
                    position += one
                bit = bit << one
        for slot in range(n_slots):
            for word in range(n_words):
                bits[slot, first + word] = side[slot * TILE + word]
        side[:] = 0
    return bits


@compiled
def _count_in(bits: Words, itemsets: Int32s, votes: Int64s) -> Int64s:
    """Count the votes of one class's bitmaps that hold every item of each itemset.

    Args:
        bits: uint64, (n_items, words).
        itemsets: int32, (n, k), sorted, so that neighbours share what their first items have in common; -1 after the last.
        votes: Vote of each row, or empty.
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
        counts[row] = _count_votes(shared[slot], votes) if len(votes) else _count_rows(shared[slot])
    return counts


@compiled
def _count_rows(words: Words) -> int:
    """Count the bits."""
    total = np.uint64(0)
    for word in range(len(words)):
        total += popcount(words[word])
    return int(total)


@compiled
def _count_votes(words: Words, votes: Int64s) -> int:
    """Count the votes that have a bit; the rows of a vote are neighbours."""
    total = 0
    last = np.int64(-1)
    for word in range(len(words)):
        left = words[word]
        row = word * BLOCK
        while left:
            if left & np.uint64(1) and votes[row] != last:
                last = votes[row]
                total += 1
            left = left >> np.uint64(1)
            row += 1
    return total
