"""Whether an itemset is closed, decided on the projection of its root, which has the items of every other root too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from miner.rules.compiled import compiled
from miner.rules.projection import TILE, Projection

if TYPE_CHECKING:
    from miner.rules.transactions import Int64s
    from miner.rules.walk import Tree


@compiled
def _candidates(tree: Tree, projection: Projection, label: int, class_count: int, depth: int) -> Int64s:
    """Give the items outside the path that are frequent enough in the class to be in all votes of the path."""
    of_class = projection.counts[label]
    found = np.empty(len(of_class), np.int64)
    n_found = 0
    for item in range(len(of_class)):
        if of_class[item] >= class_count and item != projection.own:
            inside = False
            for step in range(depth + 1):
                inside = inside or tree.path[step] == item
            if not inside:
                found[n_found] = item
                n_found += 1
    return found[:n_found]


@compiled
def is_closed(tree: Tree, projection: Projection, label: int, class_count: int, depth: int) -> bool:
    """Tell whether no other item is in all votes of the path, whatever root or subtree it belongs to."""
    bits = projection.bits
    n_items = projection.counts.shape[1]
    candidates = _candidates(tree, projection, label, class_count, depth)
    values = np.empty(TILE, np.uint64)
    for tile in range(projection.n_tiles):
        first = tile * n_items
        for word in range(TILE):
            values[word] = bits[(first + tree.path[0]) * TILE + word]
            for step in range(1, depth + 1):
                values[word] &= bits[(first + tree.path[step]) * TILE + word]
        n_left = 0
        for item in candidates:
            missing = np.uint64(0)
            for word in range(TILE):
                missing |= values[word] & ~bits[(first + item) * TILE + word]
            if missing == 0:
                candidates[n_left] = item
                n_left += 1
        candidates = candidates[:n_left]
        if n_left == 0:
            break
    return len(candidates) == 0
