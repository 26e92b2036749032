"""The family of the unconditional test of picture against words, chosen by margins alone.

Within an event type the meetings of a visual and a textual part are hypergeometric given how many votes hold each part, and
those margins say how small a p-value could get at all: parts with at least n votes each cannot do better than 1 / C(votes, n).
So only pairs of parts frequent enough are tests (Tarone), whatever the rules turn out to be, and a rule whose parts meet so
often that it passes this level is linked however it was found. How many parts have n votes is bounded by the items that do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import comb, gammaln

from miner.rules.significance import count_cap, layer_level

if TYPE_CHECKING:
    from miner.rules.hypergeom import Floats
    from miner.rules.transactions import Int64s


def margin_levels(
    item_counts: tuple[Int64s, Int64s], class_sizes: Int64s, least_class: Int64s, *, alpha: float, max_len: int
) -> Floats:
    """Find the level of each antecedent length at which the family-wise error is at most alpha over all lengths.

    Margins stay what they are when pictures are permuted among votes of the same type, so choosing the family costs no error.

    Args:
        item_counts: int64, (n_classes, n_visual) and (n_classes, n_text): votes of each class with each item.
        class_sizes: int64, (n_classes,).
        least_class: int64, (n_classes,), least class count of a rule by the thresholds; its parts have at least as many votes.
        alpha: Family-wise error; lengths 2 to max_len share it.
        max_len: Most items.

    Returns:
        float64, (max_len + 1,), natural logs.

    Source:
        Tarone (1990), section 2, with margins in place of counts.
    """
    cap = count_cap(int(class_sizes.max()))
    counts = np.arange(cap + 1)
    visual, text = (_at_least(own, counts, least_class) for own in item_counts)
    sizes = class_sizes[:, None]
    inside = np.minimum(counts, sizes)
    least = np.minimum.accumulate(gammaln(inside + 1) + gammaln(sizes - inside + 1) - gammaln(sizes + 1), axis=1)
    levels = [-math.inf, -math.inf]
    for length in range(2, max_len + 1):
        pairs = np.sum([comb(visual, n) * comb(text, length - n) for n in range(1, length)], axis=0)
        levels.append(layer_level(pairs, least, alpha / (max_len - 1)))
    return np.array(levels)


def _at_least(own: Int64s, counts: Int64s, least_class: Int64s) -> Int64s:
    """Count the items with at least each count, of interest from `least_class` on; int64, (n_classes, len(counts))."""
    out = np.empty((len(own), len(counts)), np.int64)
    for label, of_class in enumerate(own):
        first = np.maximum(counts, least_class[label])
        out[label] = of_class.shape[0] - np.searchsorted(np.sort(of_class), first, side="left")
    return out
