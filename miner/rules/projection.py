"""One text item's votes as bitmaps: the part of the data that the search below that item reads.

The votes of a root (a text item) become one bit each, class by class, every class starting on a fresh 64-bit word, so the
votes of one class are a range of words and the votes of all others are the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled, popcount

if TYPE_CHECKING:
    from miner.rules.layout import Layout
    from miner.rules.transactions import Int64s

Words = npt.NDArray[np.uint64]

BLOCK = 64


class Projection(NamedTuple):
    """Bitmaps of all items over the votes of one root.

    Attributes:
        bits: uint64; item `i` has words `i * stride` to `(i + 1) * stride`, the root and text items before it included.
        stride: Words per item.
        words: int64, (n_classes + 1,), first word of each class.
        counts: int64, (n_classes, n_items), votes of each class that hold the item.
        n_visual: Visual items, which come before text items.
        own: The root as a local item; text items up to it belong to other roots.
    """

    bits: Words
    stride: int
    words: Int64s
    counts: Int64s
    n_visual: int
    own: int


@compiled
def class_words(layout: Layout, root: int) -> Int64s:
    """Give the first word of each class among the root's votes; int64, (n_classes + 1,)."""
    n_classes = len(layout.class_start) - 1
    words = np.zeros(n_classes + 1, np.int64)
    cursor = layout.list_ptr[root]
    end = layout.list_ptr[root + 1]
    for label in range(n_classes):
        start = cursor
        stop = layout.class_start[label + 1]
        while cursor < end and layout.list_rows[cursor] < stop:
            cursor += 1
        words[label + 1] = words[label] + (cursor - start + BLOCK - 1) // BLOCK
    return words


@compiled
def project(layout: Layout, root: int, bits: Words) -> Projection:
    """Write the bitmap of every item over the root's votes into `bits`, which must be large enough."""
    n_items = len(layout.visual_ids) + len(layout.text_ids)
    words = class_words(layout, root)
    stride = words[-1]
    n_classes = len(words) - 1
    counts = np.zeros((n_classes, n_items), np.int64)
    block = np.zeros(n_items, np.uint64)
    cursor = layout.list_ptr[root]
    end = layout.list_ptr[root + 1]
    for label in range(n_classes):
        stop = layout.class_start[label + 1]
        of_class = counts[label]
        for word in range(words[label], words[label + 1]):
            bit = np.uint64(1)
            for _ in range(BLOCK):
                if cursor == end or layout.list_rows[cursor] >= stop:
                    break
                row = layout.list_rows[cursor]
                for position in range(layout.row_ptr[row], layout.row_ptr[row + 1]):
                    block[layout.items[position]] |= bit
                bit = bit << np.uint64(1)
                cursor += 1
            for item in range(n_items):
                value = block[item]
                bits[item * stride + word] = value
                of_class[item] += np.int64(popcount(value))
                block[item] = 0
    n_visual = len(layout.visual_ids)
    return Projection(bits, stride, words, counts, n_visual, n_visual + root)


@compiled
def class_bitmaps(layout: Layout, label: int) -> Words:
    """Give the bitmap of every item over the votes of one class; uint64, (n_items, words)."""
    first = layout.class_start[label]
    last = layout.class_start[label + 1]
    n_items = len(layout.visual_ids) + len(layout.text_ids)
    bits = np.zeros((n_items, (last - first + BLOCK - 1) // BLOCK), np.uint64)
    for row in range(first, last):
        word = (row - first) // BLOCK
        bit = np.uint64(1) << np.uint64((row - first) % BLOCK)
        for position in range(layout.row_ptr[row], layout.row_ptr[row + 1]):
            bits[layout.items[position], word] |= bit
    return bits
