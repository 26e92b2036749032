"""The depth-first walk below one text item, on the bitmaps of its projection.

Within one class the tree is walked on that class's words alone: the class count is anti-monotone, the confidence is not.
Visual items come first, so every visited itemset has one. The other classes are counted only for itemsets that are frequent
in the class, and only until their count rules the confidence out. The same walk tallies itemsets by length and count when
there is a single class, which is how the number of testable itemsets is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from miner.rules.compiled import compiled, popcount
from miner.rules.projection import BLOCK, TILE, Projection, Words, copy_bitmap, project

if TYPE_CHECKING:
    from miner.rules.hypergeom import Floats
    from miner.rules.layout import Layout
    from miner.rules.transactions import Int32s, Int64s


class Bounds(NamedTuple):
    """What the walk needs of the thresholds, in whole numbers.

    Attributes:
        least_class: int64, (n_classes, max_len + 1), least class count of a rule of each length.
        still_class: int64, same shape, least class count that an itemset of that length or a longer one can need.
        least_count: Least count over all classes.
        confidence: Least confidence, compared as class count / count in float64.
        lift: Least lift, compared as (class count * m) / (count * class size).
        class_sizes: int64, (n_classes,), votes of each class.
        n_rows: Labelled votes, m.
        max_len: Most items.
    """

    least_class: Int64s
    still_class: Int64s
    least_count: int
    confidence: float
    lift: float
    class_sizes: Int64s
    n_rows: int
    max_len: int


class Tally(NamedTuple):
    """Numbers of itemsets by length and count, with the least count still of interest at each length.

    Attributes:
        numbers: int64, (max_len + 1, cap + 1), itemsets of each length and count, the last column also for larger counts.
        above: int64, (max_len + 1,), itemsets of each length counted from the least count of interest on.
        allowed: float64, (max_len + 1, cap + 1), itemsets of at least that count beyond which it loses interest.
    """

    numbers: Int64s
    above: Int64s
    allowed: Floats


class Room(NamedTuple):
    """Keeps the number of rules below a limit by raising the least class count.

    Attributes:
        numbers: int64, (largest class + 1,), rules found of each class count; complete from the least one on.
        state: int64, (2,): rules found from the least class count on; that least class count, 0 while all fit.
        limit: Most rules.
    """

    numbers: Int64s
    state: Int64s
    limit: int


class Tree(NamedTuple):
    """Memory one thread reuses for every root.

    Attributes:
        bits: uint64, bitmaps of the projection.
        levels: uint64, bitmaps of the siblings at each depth.
        members: int64, (max_len, n_items), items of the siblings.
        counts: int64, (max_len, n_items), their class counts.
        sizes: int64, (max_len,), number of siblings.
        cursors: int64, (max_len,), the sibling to visit next.
        path: int64, (max_len,), items of the current itemset below the root.
        rules: int32, (capacity, max_len), items of the rules found, -1 after the last.
        numbers: int64, (capacity, 3), class, class count and count of the rules found.
        room: How many more rules fit.
    """

    bits: Words
    levels: Words
    members: Int64s
    counts: Int64s
    sizes: Int64s
    cursors: Int64s
    path: Int64s
    rules: Int32s
    numbers: Int64s
    room: Room


@compiled
def most_count(class_count: int, class_size: int, bounds: Bounds) -> int:
    """Give the largest count at which an itemset with this class count still has confidence and lift.

    Both are compared as one correctly rounded division of whole numbers, so a share that equals its threshold is kept.
    """
    n_rows = bounds.n_rows
    count = int(class_count / max(bounds.confidence, bounds.lift * class_size / n_rows)) + 2
    while count > 0 and not (
        class_count / count >= bounds.confidence and (class_count * n_rows) / (count * class_size) >= bounds.lift
    ):
        count -= 1
    return count


@compiled
def _total_count(tree: Tree, projection: Projection, depth: int, most: int) -> int:
    """Count the votes that hold every item of the path; anything above `most` means that it is no rule."""
    if depth == 0:
        return int(projection.counts[:, tree.path[0]].sum())
    total = 0
    values = np.empty(TILE, np.uint64)
    n_items = np.uint64(projection.counts.shape[1])
    bits = projection.bits
    for tile in range(projection.n_tiles):
        first = np.uint64(tile) * n_items
        at = (first + np.uint64(tree.path[0])) * np.uint64(TILE)
        for word in range(TILE):
            values[word] = bits[at + np.uint64(word)]
        for step in range(1, depth + 1):
            at = (first + np.uint64(tree.path[step])) * np.uint64(TILE)
            for word in range(TILE):
                values[word] &= bits[at + np.uint64(word)]
        count = np.uint64(0)
        for word in range(TILE):
            count += popcount(values[word])
        total += int(count)
        if total > most:
            break
    return total


@compiled
def _seed(tree: Tree, projection: Projection, label: int, bound: int) -> int:
    """Fill depth 0 with the items frequent enough beside the root; give the number of visual ones."""
    span = (projection.words[label], projection.words[label + 1])
    width = span[1] - span[0]
    n_level = 0
    n_first = 0
    for item in range(projection.counts.shape[1]):
        if projection.n_visual <= item <= projection.own or projection.counts[label, item] < bound:
            continue
        if item >= projection.n_visual and n_first == 0:
            break
        tree.members[0, n_level] = item
        tree.counts[0, n_level] = projection.counts[label, item]
        copy_bitmap(projection, item, span, tree.levels[n_level * width : (n_level + 1) * width])
        n_level += 1
        n_first += item < projection.n_visual
    tree.sizes[0] = n_level
    tree.cursors[0] = 0
    return n_first


@compiled
def _descend(tree: Tree, depth: int, width: int, bound: int) -> int:
    """Fill the next depth with the extensions of the current itemset that reach the bound; give their number."""
    here = tree.cursors[depth] - 1
    offset = depth * tree.sizes[0] * width
    target = offset + tree.sizes[0] * width
    left = tree.levels[offset + here * width : offset + (here + 1) * width]
    counts = tree.counts[depth]
    n_next = 0
    for other in range(here + 1, tree.sizes[depth]):
        if counts[other] < bound:
            continue
        right = tree.levels[offset + other * width : offset + (other + 1) * width]
        slot = tree.levels[target + n_next * width : target + (n_next + 1) * width]
        common = np.uint64(0)
        for word in range(width):
            value = left[word] & right[word]
            slot[word] = value
            common += popcount(value)
        if np.int64(common) >= bound:
            tree.members[depth + 1, n_next] = tree.members[depth, other]
            tree.counts[depth + 1, n_next] = np.int64(common)
            n_next += 1
    tree.sizes[depth + 1] = n_next
    tree.cursors[depth + 1] = 0
    return n_next


@compiled
def _note(tally: Tally, bounds: Bounds, length: int, count: int) -> None:
    """Count one itemset, and raise the least count of interest while too many itemsets reach it."""
    least = bounds.least_class[0]
    cap = tally.numbers.shape[1] - 1
    if count < least[length]:
        return
    tally.numbers[length, min(count, cap)] += 1
    tally.above[length] += 1
    raised = False
    while least[length] < cap and tally.above[length] > tally.allowed[length, least[length]]:
        tally.above[length] -= tally.numbers[length, least[length]]
        least[length] += 1
        raised = True
    if raised:
        lowest = least[bounds.max_len]
        for shorter in range(bounds.max_len, 0, -1):
            lowest = min(lowest, least[shorter])
            bounds.still_class[0, shorter] = lowest


@compiled
def _keep(tree: Tree, root_item: int, numbers: tuple[int, int, int], depth: int, n_found: int) -> None:
    """Store a rule if there is room."""
    if n_found >= len(tree.numbers):
        return
    tree.rules[n_found, 0] = root_item
    for step in range(depth + 1):
        tree.rules[n_found, 1 + step] = tree.path[step]
    tree.rules[n_found, depth + 2 :] = -1
    tree.numbers[n_found, 0] = numbers[0]
    tree.numbers[n_found, 1] = numbers[1]
    tree.numbers[n_found, 2] = numbers[2]


@compiled
def _admit(room: Room, bounds: Bounds, class_count: int) -> None:
    """Count one rule; once too many are found, raise the least class count until those above it fit."""
    room.numbers[class_count] += 1
    room.state[0] += 1
    if room.state[0] <= room.limit:
        return
    while room.state[0] > room.limit:
        room.state[0] -= room.numbers[room.state[1]]
        room.state[1] += 1
    bounds.least_class[:] = np.maximum(bounds.least_class, room.state[1])
    bounds.still_class[:] = np.maximum(bounds.still_class, room.state[1])


@compiled
def _walk_class(tree: Tree, projection: Projection, bounds: Bounds, label: int, n_found: int) -> int:
    """Visit the itemsets below the root in one class; give the number of rules found so far."""
    n_first = _seed(tree, projection, label, bounds.still_class[label, 2])
    width = projection.words[label + 1] - projection.words[label]
    depth = 0 if n_first else -1
    while depth >= 0:
        here = tree.cursors[depth]
        if here == tree.sizes[depth] or (depth == 0 and here == n_first):
            depth -= 1
            continue
        tree.cursors[depth] = here + 1
        tree.path[depth] = tree.members[depth, here]
        class_count = tree.counts[depth, here]
        length = depth + 2
        if class_count >= bounds.least_class[label, length]:
            most = most_count(class_count, bounds.class_sizes[label], bounds)
            count = _total_count(tree, projection, depth, most)
            if bounds.least_count <= count <= most:
                _keep(tree, projection.own, (label, class_count, count), depth, n_found)
                _admit(tree.room, bounds, class_count)
                n_found += 1
        if length < bounds.max_len and here + 1 < tree.sizes[depth]:
            bound = bounds.still_class[label, length + 1]
            if class_count >= bound and _descend(tree, depth, width, bound):
                depth += 1
    return n_found


@compiled
def mine_root(layout: Layout, root: int, bounds: Bounds, tree: Tree) -> int:
    """Find all rules whose first text item is the root.

    Returns:
        Number of rules found; those beyond the capacity of `tree.rules` are counted, not stored.
    """
    projection = project(layout, root, tree.bits)
    n_found = 0
    for label in range(len(bounds.class_sizes)):
        n_words = projection.words[label + 1] - projection.words[label]
        if n_words * BLOCK >= bounds.still_class[label, 2]:
            n_found = _walk_class(tree, projection, bounds, label, n_found)
    return n_found


@compiled
def tally_root(layout: Layout, root: int, bounds: Bounds, tree: Tree, tally: Tally) -> None:
    """Count the itemsets whose first text item is the root; the layout must have a single class."""
    projection = project(layout, root, tree.bits)
    n_first = _seed(tree, projection, 0, bounds.still_class[0, 2])
    depth = 0 if n_first else -1
    while depth >= 0:
        here = tree.cursors[depth]
        if here == tree.sizes[depth] or (depth == 0 and here == n_first):
            depth -= 1
            continue
        tree.cursors[depth] = here + 1
        count = tree.counts[depth, here]
        length = depth + 2
        _note(tally, bounds, length, count)
        if length < bounds.max_len and here + 1 < tree.sizes[depth]:
            bound = bounds.still_class[0, length + 1]
            if count >= bound and _descend(tree, depth, projection.words[1], bound):
                depth += 1
