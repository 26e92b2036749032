"""The inner loops of the search: project one text item's rows into bitmaps, then walk its itemsets depth first.

A root is one text item. Its rows become one bit each, class by class, every class starting on a fresh 64-bit word, so the
votes of a class are a range of words. Within one class the tree is walked on that range alone (the class count is
anti-monotone, the confidence is not); the other classes are counted only for itemsets that are frequent in the class, and
only until their count rules the confidence out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled, popcount

if TYPE_CHECKING:
    from miner.rules.layout import Layout
    from miner.rules.transactions import Int32s, Int64s

Words = npt.NDArray[np.uint64]

_BLOCK = 64


class Bounds(NamedTuple):
    """What the kernels need of the thresholds.

    Attributes:
        least_class: int64, (n_classes, max_len + 1), least class count of an itemset of each length.
        still_class: int64, same shape, least class count that a node of that length or a longer one can need.
        least_count: Least count over all classes.
        confidence: Least confidence, compared as class count / count in float64.
        lift: Least lift, compared as (class count * m) / (count * class size).
        max_len: Most items.
    """

    least_class: Int64s
    still_class: Int64s
    least_count: int
    confidence: float
    lift: float
    max_len: int


class Scratch(NamedTuple):
    """Memory one thread reuses for every root: projected bitmaps and the bitmaps of the nodes on the path."""

    bits: Words
    levels: Words


@compiled
def class_words(layout: Layout, root: int) -> Int64s:
    """Give the first word of each class among the root's rows; int64, (n_classes + 1,)."""
    n_classes = len(layout.class_start) - 1
    words = np.zeros(n_classes + 1, np.int64)
    cursor = layout.list_ptr[root]
    end = layout.list_ptr[root + 1]
    for label in range(n_classes):
        start = cursor
        stop = layout.class_start[label + 1]
        while cursor < end and layout.list_rows[cursor] < stop:
            cursor += 1
        words[label + 1] = words[label] + (cursor - start + _BLOCK - 1) // _BLOCK
    return words


@compiled
def project(layout: Layout, root: int, words: Int64s, stride: int, bits: Words) -> Int64s:
    """Write the bitmap of every item over the root's rows.

    Local item `i` gets words `i * stride` to `i * stride + words[-1]`; text items up to the root get nothing.

    Returns:
        int64, (n_classes, n_items), count of each item in each class among the root's rows.
    """
    n_visual = len(layout.visual_ids)
    n_items = n_visual + len(layout.text_ids)
    n_classes = len(layout.class_start) - 1
    counts = np.zeros((n_classes, n_items), np.int64)
    block = np.zeros(n_items, np.uint64)
    cursor = layout.list_ptr[root]
    end = layout.list_ptr[root + 1]
    for label in range(n_classes):
        stop = layout.class_start[label + 1]
        of_class = counts[label]
        for word in range(words[label], words[label + 1]):
            bit = np.uint64(1)
            for _ in range(_BLOCK):
                if cursor == end or layout.list_rows[cursor] >= stop:
                    break
                row = layout.list_rows[cursor]
                for position in range(layout.row_ptr[row], layout.row_ptr[row + 1]):
                    block[layout.items[position]] |= bit
                bit = bit << np.uint64(1)
                cursor += 1
            _flush(block, bits, stride, word, of_class, 0, n_visual)
            _flush(block, bits, stride, word, of_class, n_visual + root + 1, n_items)
            block[n_visual : n_visual + root + 1] = 0
    return counts


@compiled
def _flush(block: Words, bits: Words, stride: int, word: int, counts: Int64s, first: int, last: int) -> None:
    """Move one word of every item to its bitmap and count it."""
    for item in range(first, last):
        value = block[item]
        bits[item * stride + word] = value
        counts[item] += np.int64(popcount(value))
        block[item] = 0


@compiled
def _intersect(out: Words, left: Words, right: Words) -> int:
    """Write left & right and count its bits."""
    count = np.uint64(0)
    for word in range(len(out)):
        value = left[word] & right[word]
        out[word] = value
        count += popcount(value)
    return np.int64(count)


@compiled
def _count_others(bits: Words, stride: int, path: Int64s, depth: int, first: int, last: int, limit: int) -> int:
    """Count the rows in words first .. last that hold every item of the path; stop beyond the limit."""
    total = 0
    values = np.empty(32, np.uint64)
    for start in range(first, last, 32):
        size = min(32, last - start)
        values[:size] = bits[path[0] * stride + start : path[0] * stride + start + size]
        for step in range(1, depth):
            column = bits[path[step] * stride + start : path[step] * stride + start + size]
            for word in range(size):
                values[word] &= column[word]
        count = np.uint64(0)
        for word in range(size):
            count += popcount(values[word])
        total += np.int64(count)
        if total > limit:
            return total
    return total


@compiled
def most_count(class_count: int, class_size: int, n_rows: int, confidence: float, lift: float) -> int:
    """Give the largest count at which an itemset with this class count still has confidence and lift.

    Both are compared as one correctly rounded division of whole numbers, so a share that equals its threshold is kept.
    """
    share = max(confidence, lift * class_size / n_rows)
    count = int(class_count / share) + 2
    while count > 0 and not (
        class_count / count >= confidence and (class_count * n_rows) / (count * class_size) >= lift
    ):
        count -= 1
    return count


@compiled
def _grow(array: npt.NDArray[np.int64], used: int) -> npt.NDArray[np.int64]:
    """Double an array, keeping what is used."""
    larger = np.empty(2 * len(array), array.dtype)
    larger[:used] = array[:used]
    return larger


@compiled
def mine_root(
    layout: Layout, root: int, bounds: Bounds, scratch: Scratch, most_rules: int
) -> tuple[Int32s, Int64s, int]:
    """Find all rules whose first text item is the root.

    Returns:
        Items int32 (n * max_len,), local, -1 after the last; numbers int64 (n * 3,): class, class count, count; and the
        number of rules found, which may exceed `most_rules`, beyond which nothing more is stored.
    """
    words = class_words(layout, root)
    stride = words[-1]
    counts = project(layout, root, words, stride, scratch.bits)
    return _walk_classes(layout, root, bounds, scratch, words, counts, most_rules)


@compiled
def _walk_classes(
    layout: Layout, root: int, bounds: Bounds, scratch: Scratch, words: Int64s, counts: Int64s, most_rules: int
) -> tuple[Int32s, Int64s, int]:
    """Walk the tree of every class below one projected root."""
    n_visual = len(layout.visual_ids)
    n_items = n_visual + len(layout.text_ids)
    n_classes = len(layout.class_start) - 1
    n_rows = layout.class_start[n_classes]
    max_len = bounds.max_len
    stride = words[n_classes]
    totals = counts.sum(axis=0)
    out_items = np.empty(64 * max_len, np.int32)
    out_numbers = np.empty(64 * 3, np.int64)
    n_out = 0
    path = np.zeros(max_len, np.int64)
    members = np.empty((max_len, n_items), np.int64)
    class_counts = np.empty((max_len, n_items), np.int64)
    sizes = np.zeros(max_len, np.int64)
    cursors = np.zeros(max_len, np.int64)
    for label in range(n_classes):
        first = words[label]
        last = words[label + 1]
        width = last - first
        size = layout.class_start[label + 1] - layout.class_start[label]
        if width * _BLOCK < bounds.still_class[label, 2]:
            continue
        n_level = 0
        n_first = 0
        for item in range(n_items):
            if n_visual <= item <= n_visual + root:
                continue
            if item > n_visual and n_first == 0:
                break
            if counts[label, item] >= bounds.still_class[label, 2]:
                members[0, n_level] = item
                class_counts[0, n_level] = counts[label, item]
                begin = item * stride + first
                scratch.levels[n_level * width : (n_level + 1) * width] = scratch.bits[begin : begin + width]
                n_level += 1
                n_first += item < n_visual
        if n_first == 0:
            continue
        level_words = n_level * width
        sizes[0] = n_level
        cursors[0] = 0
        depth = 0
        while depth >= 0:
            here = cursors[depth]
            if here == sizes[depth] or (depth == 0 and here == n_first):
                depth -= 1
                continue
            cursors[depth] = here + 1
            item = members[depth, here]
            path[depth] = item
            class_count = class_counts[depth, here]
            length = depth + 2
            if class_count >= bounds.least_class[label, length]:
                most = most_count(class_count, size, n_rows, bounds.confidence, bounds.lift)
                if depth == 0:
                    count = totals[item]
                else:
                    limit = most - class_count
                    others = _count_others(scratch.bits, stride, path, depth + 1, 0, first, limit)
                    if others <= limit:
                        others += _count_others(scratch.bits, stride, path, depth + 1, last, stride, limit - others)
                    count = class_count + others
                if bounds.least_count <= count <= most:
                    if n_out < most_rules:
                        if (n_out + 1) * max_len > len(out_items):
                            out_items = _grow(out_items, n_out * max_len)
                            out_numbers = _grow(out_numbers, n_out * 3)
                        base = n_out * max_len
                        out_items[base] = n_visual + root
                        for step in range(depth + 1):
                            out_items[base + 1 + step] = path[step]
                        out_items[base + length : base + max_len] = -1
                        out_numbers[n_out * 3] = label
                        out_numbers[n_out * 3 + 1] = class_count
                        out_numbers[n_out * 3 + 2] = count
                    n_out += 1
            if length == max_len or here + 1 == sizes[depth]:
                continue
            bound = bounds.still_class[label, length + 1]
            offset = depth * level_words
            mine = scratch.levels[offset + here * width : offset + (here + 1) * width]
            target = offset + level_words
            n_next = 0
            for other in range(here + 1, sizes[depth]):
                if class_counts[depth, other] < bound:
                    continue
                slot = scratch.levels[target + n_next * width : target + (n_next + 1) * width]
                common = _intersect(slot, mine, scratch.levels[offset + other * width : offset + (other + 1) * width])
                if common >= bound:
                    members[depth + 1, n_next] = members[depth, other]
                    class_counts[depth + 1, n_next] = common
                    n_next += 1
            if n_next:
                depth += 1
                sizes[depth] = n_next
                cursors[depth] = 0
    stored = min(n_out, most_rules)
    return out_items[: stored * max_len], out_numbers[: stored * 3], n_out
