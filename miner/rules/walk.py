"""The depth-first walk below one text item, on the bitmaps of its projection.

Within one class the tree is walked on that class's words alone: the class count is anti-monotone, the confidence is not.
Visual items come first, so every visited itemset has one. The other classes are counted only for itemsets that are frequent
in the class, and only until their count rules the confidence out. The same walk tallies itemsets by length and count when
there is a single class, which is how the number of testable itemsets is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from miner.rules.closed import is_closed
from miner.rules.compiled import compiled, inlined, popcount
from miner.rules.projection import BLOCK, TILE, Projection, Words, copy_bitmap, project, projected

if TYPE_CHECKING:
    from miner.rules.hypergeom import Floats
    from miner.rules.layout import Layout
    from miner.rules.transactions import Int32s, Int64s

ALL, CLOSED, MAXIMAL = 0, 1, 2
FRESH = -1
# After so many itemsets the walk returns for a moment, so that an interrupt is heeded however rare rules are.
_STEPS = 2**14


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
        condensed: `ALL` rules, only `CLOSED` ones, or none with a rule below it in the tree (`MAXIMAL`).
    """

    least_class: Int64s
    still_class: Int64s
    least_count: int
    confidence: float
    lift: float
    class_sizes: Int64s
    n_rows: int
    max_len: int
    condensed: int = ALL


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


class Tree(NamedTuple):
    """Memory one thread reuses for every root.

    Attributes:
        bits: uint64, bitmaps of the projection.
        levels: uint64, bitmaps of the siblings at each depth.
        members: int64, (max_len, n_items), items of the siblings.
        counts: int64, (max_len, n_items), their class counts.
        sizes: int64, (max_len,), number of siblings.
        ends: int64, (max_len,), how many of them are visited; the others only extend those.
        cursors: int64, (max_len,), the sibling to visit next.
        path: int64, (max_len,), items of the current itemset below the root.
        rules: int32, (capacity, max_len), items of the rules found, -1 after the last.
        numbers: int64, (capacity, 3), class, class count and count of the rules found.
        class_counts: int64, (n_classes, n_items), votes of the root that hold each item, of each class.
        pending: int64, (max_len,), count of the itemset at each depth while it may turn out a maximal rule, else 0.
        state: int64, (3,), where to go on: class (`FRESH` before a root, the number of classes after it) and depth; and
            whether the search was stopped.
    """

    bits: Words
    levels: Words
    members: Int64s
    counts: Int64s
    sizes: Int64s
    ends: Int64s
    cursors: Int64s
    path: Int64s
    rules: Int32s
    numbers: Int64s
    class_counts: Int64s
    pending: Int64s
    state: Int64s


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
def _n_visited(n_level: int, n_visual: int, depth: int, forced: Int64s, first: bool) -> int:
    """Tell how many siblings are visited, such that forced items come first and every itemset has a visual item.

    Args:
        n_level: Number of siblings, forced items first, then visual, then textual ones.
        n_visual: How many are visual.
        depth: Their depth.
        forced: Visual and text items every antecedent holds; the first text item is the root.
        first: Whether the first sibling is the forced item of this depth.
    """
    n_forced = forced[0] + max(forced[1] - 1, 0)
    if depth < n_forced:
        return 1 if first else 0
    return n_visual if depth == n_forced and forced[0] == 0 else n_level


@compiled
def _forced_item(depth: int, n_visual: int, forced: Int64s) -> int:
    """Give the local item that stands at this depth in every antecedent, if it is one of the forced ones."""
    return depth if depth < forced[0] else n_visual + 1 + depth - forced[0]


@inlined
def _open_level(tree: Tree, depth: int, n_level: int, n_visual: int, forced: Int64s) -> int:
    """Set the siblings of a depth up to be visited; give how many will be."""
    n_first = 0
    for sibling in range(n_level):
        n_first += tree.members[depth, sibling] < n_visual
    first = n_level > 0 and tree.members[depth, 0] == _forced_item(depth, n_visual, forced)
    tree.sizes[depth] = n_level
    tree.ends[depth] = _n_visited(n_level, n_first, depth, forced, first)
    tree.cursors[depth] = 0
    tree.pending[depth] = 0
    return int(tree.ends[depth])


@compiled
def _seed(tree: Tree, projection: Projection, label: int, bound: int, forced: Int64s) -> int:
    """Fill depth 0 with the items frequent enough beside the root, forced ones first; give the number to visit."""
    span = (projection.words[label], projection.words[label + 1])
    width = span[1] - span[0]
    n_visual = projection.n_visual
    n_early = forced[0] + max(forced[1] - 1, 0)
    own = projection.own + max(forced[1] - 1, 0)
    n_level = 0
    for step in range(n_early + projection.counts.shape[1] - forced[0]):
        item = _forced_item(step, n_visual, forced) if step < n_early else step - n_early + forced[0]
        if (step >= n_early and n_visual <= item <= own) or projection.counts[label, item] < bound:
            continue
        if n_level == 0 and n_early == 0 and item >= n_visual:
            break
        tree.members[0, n_level] = item
        tree.counts[0, n_level] = projection.counts[label, item]
        copy_bitmap(projection, item, span, tree.levels[n_level * width : (n_level + 1) * width])
        n_level += 1
    return _open_level(tree, 0, n_level, n_visual, forced)


@compiled
def _descend(tree: Tree, depth: int, width: int, bound: int, n_visual: int, forced: Int64s) -> int:
    """Fill the next depth with the extensions of the current itemset that reach the bound; give the number to visit."""
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
    return _open_level(tree, depth + 1, n_next, n_visual, forced)


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
def _keep(tree: Tree, root_item: int, numbers: tuple[int, int, int], depth: int, n_found: int) -> int:
    """Store a rule; give the number stored."""
    tree.rules[n_found, 0] = root_item
    for step in range(depth + 1):
        tree.rules[n_found, 1 + step] = tree.path[step]
    tree.rules[n_found, depth + 2 :] = -1
    tree.numbers[n_found, 0] = numbers[0]
    tree.numbers[n_found, 1] = numbers[1]
    tree.numbers[n_found, 2] = numbers[2]
    return n_found + 1


@inlined
def _judge(tree: Tree, projection: Projection, bounds: Bounds, label: int, place: tuple[int, int]) -> int:
    """Test the itemset just reached; where it is a rule to keep now, store it.

    Args:
        tree: Its path and class count.
        projection: The votes of the root.
        bounds: The thresholds.
        label: The class.
        place: Its depth; the number of rules stored so far.

    Returns:
        The number of rules stored.
    """
    depth, n_found = place
    class_count = tree.counts[depth, tree.cursors[depth] - 1]
    most = most_count(class_count, bounds.class_sizes[label], bounds)
    count = _total_count(tree, projection, depth, most)
    if not bounds.least_count <= count <= most:
        return n_found
    if bounds.condensed == MAXIMAL:
        tree.pending[:depth] = 0
        tree.pending[depth] = count
        return n_found
    length = depth + 2
    may_grow = length < bounds.max_len and class_count >= bounds.least_class[label, min(length + 1, bounds.max_len)]
    if bounds.condensed == CLOSED and may_grow and not is_closed(tree, projection, label, class_count, depth):
        return n_found
    return _keep(tree, projection.own, (label, class_count, count), depth, n_found)


@compiled
def _walk_class(tree: Tree, projection: Projection, bounds: Bounds, forced: Int64s, place: tuple[int, int]) -> int:
    """Visit the itemsets below the root in one class, or as many as there is space for; give the rules stored so far.

    Where it stops before the end, `tree.state` holds the depth to go on at.

    Args:
        tree: Where it stands.
        projection: The votes of the root.
        bounds: The thresholds.
        forced: int64, (2,), visual and text items that every antecedent holds.
        place: The class; the number of rules stored so far.
    """
    label, n_found = place
    width = projection.words[label + 1] - projection.words[label]
    first_rule = forced[0] + max(forced[1] - 1, 0) - (1 if forced[0] else 0)
    depth = tree.state[1]
    if depth == FRESH:
        depth = 0 if _seed(tree, projection, label, bounds.still_class[label, 2], forced) else -1
    steps = 0
    while depth >= 0:
        if n_found == len(tree.numbers) or steps == _STEPS:
            tree.state[1] = depth
            return n_found
        steps += 1
        here = tree.cursors[depth]
        if tree.pending[depth]:
            numbers = (label, tree.counts[depth, here - 1], tree.pending[depth])
            n_found = _keep(tree, projection.own, numbers, depth, n_found)
            tree.pending[depth] = 0
            continue
        if here == tree.ends[depth]:
            depth -= 1
            continue
        tree.cursors[depth] = here + 1
        tree.path[depth] = tree.members[depth, here]
        class_count = tree.counts[depth, here]
        length = depth + 2
        if class_count >= bounds.least_class[label, length] and depth >= first_rule:
            n_found = _judge(tree, projection, bounds, label, (depth, n_found))
        if length < bounds.max_len and here + 1 < tree.sizes[depth]:
            bound = bounds.still_class[label, length + 1]
            if class_count >= bound and _descend(tree, depth, width, bound, projection.n_visual, forced):
                depth += 1
    tree.state[1] = FRESH
    return n_found


@compiled
def mine_root(layout: Layout, root: int, bounds: Bounds, tree: Tree) -> int:
    """Find rules whose first text item is the root, until `tree.rules` is full or the root is done.

    `tree.state[0]` is `FRESH` before the first call for a root. While it is below the number of classes afterwards, the
    root is not done: empty `tree.rules`, raise the bounds if need be, and call again.

    Returns:
        Number of rules stored in `tree.rules` and `tree.numbers`.
    """
    state = tree.state
    if state[0] == FRESH:
        project(layout, root, tree.bits, tree.class_counts)
        state[0] = 0
        state[1] = FRESH
    projection = projected(layout, root, tree.bits, tree.class_counts)
    n_found = 0
    while state[0] < len(bounds.class_sizes):
        label = state[0]
        n_words = projection.words[label + 1] - projection.words[label]
        if n_words * BLOCK >= bounds.still_class[label, 2]:
            n_found = _walk_class(tree, projection, bounds, layout.forced, (label, n_found))
            if state[1] != FRESH:
                break
        state[0] += 1
    return n_found


@compiled
def tally_root(layout: Layout, root: int, bounds: Bounds, tree: Tree, tally: Tally) -> None:
    """Count the itemsets whose first text item is the root; the layout must have a single class."""
    projection = project(layout, root, tree.bits, tree.class_counts)
    depth = 0 if _seed(tree, projection, 0, bounds.still_class[0, 2], layout.forced) else -1
    while depth >= 0:
        here = tree.cursors[depth]
        if here == tree.ends[depth]:
            depth -= 1
            continue
        tree.cursors[depth] = here + 1
        count = tree.counts[depth, here]
        length = depth + 2
        _note(tally, bounds, length, count)
        if length < bounds.max_len and here + 1 < tree.sizes[depth]:
            bound = bounds.still_class[0, length + 1]
            if count >= bound and _descend(tree, depth, projection.words[1], bound, projection.n_visual, layout.forced):
                depth += 1
