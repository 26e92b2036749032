"""Counting itemsets without mining rules: how many there are of each length and count, and how often given ones occur."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled, popcount
from miner.rules.kernels import Words, class_words, project

if TYPE_CHECKING:
    from miner.rules.layout import Layout
    from miner.rules.transactions import Int32s, Int64s

_BLOCK = 64


class Tally(NamedTuple):
    """Numbers of itemsets by length and count, with the least count still of interest at each length.

    Attributes:
        numbers: int64, (max_len + 1, n + 1), itemsets of each length and count; complete from `least` on.
        least: int64, (max_len + 2,), least count of interest at each length; rises while `allowed` is exceeded.
        above: int64, (max_len + 1,), itemsets of each length counted from `least` on.
        allowed: float64, (max_len + 1, n + 1), itemsets of at least that count beyond which the count loses interest.
    """

    numbers: Int64s
    least: Int64s
    above: Int64s
    allowed: npt.NDArray[np.float64]


def new_tally(least: Int64s, allowed: npt.NDArray[np.float64]) -> Tally:
    """Start counting; `least` has one entry per length from 0 on."""
    max_len, n = allowed.shape[0] - 1, allowed.shape[1] - 1
    bounds = np.append(least, n + 1)
    return Tally(np.zeros((max_len + 1, n + 1), np.int64), bounds, np.zeros(max_len + 1, np.int64), allowed)


@compiled
def _note(tally: Tally, length: int, count: int) -> None:
    """Count one itemset and drop counts that have lost interest."""
    if count < tally.least[length]:
        return
    tally.numbers[length, count] += 1
    tally.above[length] += 1
    while tally.above[length] > tally.allowed[length, tally.least[length]]:
        tally.above[length] -= tally.numbers[length, tally.least[length]]
        tally.least[length] += 1


@compiled
def _least_below(tally: Tally, length: int) -> int:
    """Give the least count of interest at this length or a longer one."""
    least = tally.least[length]
    for longer in range(length + 1, len(tally.least) - 1):
        least = min(least, tally.least[longer])
    return least


@compiled
def _tally_tree(levels: Words, width: int, counts: Int64s, n_first: int, base: int, tally: Tally) -> None:
    """Count all itemsets of the items in level 0 whose first item is among the first `n_first`.

    Args:
        levels: Bitmaps; item `i` of level `d` has `width` words from `(d * n + i) * width` on, n = len(counts).
        width: Words per bitmap.
        counts: int64, (n,), bits of each item.
        n_first: Items that may come first.
        base: Items every itemset holds besides (1 below a root, else 0).
        tally: Where the itemsets are counted.
    """
    n = len(counts)
    max_len = len(tally.numbers) - 1
    depths = max_len - base
    node_counts = np.empty((depths, n), np.int64)
    sizes = np.zeros(depths, np.int64)
    cursors = np.zeros(depths, np.int64)
    node_counts[0] = counts
    sizes[0] = n
    depth = 0
    while depth >= 0:
        here = cursors[depth]
        if here == sizes[depth] or (depth == 0 and here == n_first):
            depth -= 1
            continue
        cursors[depth] = here + 1
        length = base + depth + 1
        count = node_counts[depth, here]
        _note(tally, length, count)
        if length == max_len or here + 1 == sizes[depth]:
            continue
        bound = _least_below(tally, length + 1)
        if count < bound:
            continue
        offset = depth * n * width
        target = offset + n * width
        left = levels[offset + here * width : offset + (here + 1) * width]
        n_next = 0
        for other in range(here + 1, sizes[depth]):
            if node_counts[depth, other] < bound:
                continue
            right = levels[offset + other * width : offset + (other + 1) * width]
            slot = levels[target + n_next * width : target + (n_next + 1) * width]
            total = np.uint64(0)
            for word in range(width):
                value = left[word] & right[word]
                slot[word] = value
                total += popcount(value)
            if np.int64(total) >= bound:
                node_counts[depth + 1, n_next] = np.int64(total)
                n_next += 1
        if n_next:
            depth += 1
            sizes[depth] = n_next
            cursors[depth] = 0


@compiled
def tally_root(layout: Layout, root: int, bits: Words, levels: Words, tally: Tally) -> None:
    """Count the multimodal itemsets whose first text item is the root; classes are ignored."""
    n_visual = len(layout.visual_ids)
    n_items = n_visual + len(layout.text_ids)
    words = class_words(layout, root)
    stride = words[-1]
    totals = project(layout, root, words, stride, bits).sum(axis=0)
    bound = _least_below(tally, 2)
    chosen = np.empty(n_items, np.int64)
    n_chosen = 0
    n_first = 0
    for item in range(n_items):
        if totals[item] >= bound and not n_visual <= item <= n_visual + root:
            chosen[n_chosen] = item
            levels[n_chosen * stride : (n_chosen + 1) * stride] = bits[item * stride : (item + 1) * stride]
            n_chosen += 1
            n_first += item < n_visual
    if n_first:
        _tally_tree(levels, stride, totals[chosen[:n_chosen]], n_first, 1, tally)


@compiled
def class_bitmaps(layout: Layout, label: int) -> Words:
    """Give the bitmap of every local item over the rows of one class; uint64, (n_items, words)."""
    first = layout.class_start[label]
    last = layout.class_start[label + 1]
    n_items = len(layout.visual_ids) + len(layout.text_ids)
    bits = np.zeros((n_items, (last - first + _BLOCK - 1) // _BLOCK), np.uint64)
    for row in range(first, last):
        word = (row - first) // _BLOCK
        bit = np.uint64(1) << np.uint64((row - first) % _BLOCK)
        for position in range(layout.row_ptr[row], layout.row_ptr[row + 1]):
            bits[layout.items[position], word] |= bit
    return bits


@compiled
def tally_items(bits: Words, tally: Tally) -> None:
    """Count the itemsets of the given items; `bits` is uint64, (n_items, words)."""
    n_items, width = bits.shape
    bound = _least_below(tally, 1)
    depths = len(tally.numbers) - 1
    levels = np.empty(depths * n_items * width, np.uint64)
    counts = np.empty(n_items, np.int64)
    n_chosen = 0
    for item in range(n_items):
        total = np.uint64(0)
        for word in range(width):
            total += popcount(bits[item, word])
        if np.int64(total) >= bound:
            counts[n_chosen] = np.int64(total)
            levels[n_chosen * width : (n_chosen + 1) * width] = bits[item]
            n_chosen += 1
    if n_chosen:
        _tally_tree(levels, width, counts[:n_chosen], n_chosen, 0, tally)


@compiled
def _count_in(bits: Words, itemsets: Int32s, counts: Int64s) -> None:
    """Add to `counts` the rows of one class's bitmaps that hold every item of each itemset."""
    width = bits.shape[1]
    values = np.empty(width, np.uint64)
    for row in range(len(itemsets)):
        values[:] = np.uint64(0xFFFFFFFFFFFFFFFF)
        for item in itemsets[row]:
            if item >= 0:
                column = bits[item]
                for word in range(width):
                    values[word] &= column[word]
        total = np.uint64(0)
        for word in range(width):
            total += popcount(values[word])
        counts[row] += np.int64(total)


def count_itemsets(layout: Layout, itemsets: Int32s) -> Int64s:
    """Count the votes of each class that hold each itemset.

    Args:
        layout: The transactions.
        itemsets: int32, (n, k), local items, -1 where shorter; none may be empty.

    Returns:
        int64, (n, n_classes).
    """
    n_classes = len(layout.class_start) - 1
    counts = np.zeros((len(itemsets), n_classes), np.int64)
    for label in range(n_classes):
        column = np.zeros(len(itemsets), np.int64)
        _count_in(class_bitmaps(layout, label), itemsets, column)
        counts[:, label] = column
    return counts
