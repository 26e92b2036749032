"""One text item's votes as bitmaps: the part of the data that the search below that item reads.

The votes of a root (a text item) become one bit each, class by class, every class starting on a fresh 64-bit word, so the
votes of one class are a range of words and the votes of all others are the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled, popcount, prefetch

if TYPE_CHECKING:
    from miner.rules.layout import Layout
    from miner.rules.transactions import Int64s

Words = npt.NDArray[np.uint64]

BLOCK = 64
TILE = 8
_AHEAD = 12


class Projection(NamedTuple):
    """Bitmaps of all items over the votes of one root.

    Attributes:
        bits: uint64, tiles of `TILE` words of every item: word `w` of item `i` stands at
            `((w // TILE) * n_items + i) * TILE + w % TILE`, so that one pass over the rows touches little memory.
        n_tiles: Tiles in use; words after the last class are empty.
        words: int64, (n_classes + 1,), first word of each class.
        counts: int64, (n_classes, n_items), votes of each class that hold the item.
        n_visual: Visual items, which come before text items.
        own: The root as a local item; text items up to it belong to other roots.
    """

    bits: Words
    n_tiles: int
    words: Int64s
    counts: Int64s
    n_visual: int
    own: int


@compiled
def class_words(layout: Layout, root: int) -> Int64s:
    """Give the first word of each class among the root's votes; int64, (n_classes + 1,)."""
    bounds = layout.list_ptr[root]
    words = np.zeros(len(bounds), np.int64)
    for label in range(len(bounds) - 1):
        words[label + 1] = words[label] + (bounds[label + 1] - bounds[label] + BLOCK - 1) // BLOCK
    return words


@compiled
def projected(layout: Layout, root: int, bits: Words, counts: Int64s) -> Projection:
    """Give the projection of a root that `project` has written."""
    n_visual = len(layout.visual_ids)
    words = class_words(layout, root)
    n_tiles = (words[len(words) - 1] + TILE - 1) // TILE
    return Projection(bits, n_tiles, words, counts, n_visual, n_visual + root)


@compiled
def project(layout: Layout, root: int, bits: Words, counts: Int64s) -> Projection:
    """Write the bitmap of every item over the root's votes into `bits`, which must be large enough, and count them."""
    projection = projected(layout, root, bits, counts)
    words = projection.words
    n_items = counts.shape[1]
    bits[: projection.n_tiles * n_items * TILE] = 0
    counts[:] = 0
    for label in range(len(words) - 1):
        cursor = layout.list_ptr[root, label]
        end = layout.list_ptr[root, label + 1]
        for word in range(words[label], words[label + 1]):
            base = np.uint64((word // TILE) * n_items * TILE + word % TILE)
            _gather(layout, (cursor, min(cursor + BLOCK, end)), base, bits)
            cursor += BLOCK
        _count(bits, (words[label], words[label + 1]), counts[label])
    return projection


@compiled
def _gather(layout: Layout, span: tuple[int, int], base: np.uint64, bits: Words) -> None:
    """Set one bit per row in the word of every item the row holds.

    Unsigned indices spare numba's test for negative ones; rows are fetched ahead because they lie far apart.
    """
    items = layout.items
    one = np.uint64(1)
    bit = one
    for cursor in range(span[0], span[1]):
        ahead = np.uint64(layout.lists[min(cursor + _AHEAD, len(layout.lists) - 1)])
        prefetch(items, ahead)
        prefetch(items, ahead + np.uint64(32))
        entry = np.uint64(layout.lists[cursor])
        position = entry + one
        end = position + np.uint64(items[entry])
        while position < end:
            bits[base + np.uint64(items[position]) * np.uint64(TILE)] |= bit
            position += one
        bit = bit << one


@compiled
def _count(bits: Words, span: tuple[int, int], counts: Int64s) -> None:
    """Count the bits of every item within a span of words."""
    n_items = len(counts)
    word = span[0]
    while word < span[1]:
        n_words = min(span[1] - word, TILE - word % TILE)
        base = (word // TILE) * n_items * TILE + word % TILE
        for item in range(n_items):
            total = np.uint64(0)
            for step in range(n_words):
                total += popcount(bits[base + step])
            counts[item] += np.int64(total)
            base += TILE
        word += n_words


@compiled
def copy_bitmap(projection: Projection, item: int, span: tuple[int, int], out: Words) -> None:
    """Write a span of words of one item one after another."""
    n_items = projection.counts.shape[1]
    for word in range(span[0], span[1]):
        out[word - span[0]] = projection.bits[((word // TILE) * n_items + item) * TILE + word % TILE]


@compiled
def class_bitmaps(layout: Layout, label: int) -> Words:
    """Give the bitmap of every item over the votes of one class; uint64, (n_items, words)."""
    n_items = len(layout.visual_ids) + len(layout.text_ids)
    n_rows = layout.class_sizes[label]
    width = (n_rows + BLOCK - 1) // BLOCK
    bits = np.zeros(n_items * width, np.uint64)
    one = np.uint64(1)
    entry = np.uint64(layout.class_entries[label])
    for row in range(n_rows):
        bit = one << np.uint64(row % BLOCK)
        word = np.uint64(row // BLOCK)
        position = entry + one
        entry = position + np.uint64(layout.items[entry])
        while position < entry:
            bits[np.uint64(layout.items[position]) * np.uint64(width) + word] |= bit
            position += one
    return bits.reshape(n_items, width)
