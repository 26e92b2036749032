"""Which rules are proven: three tests, each controlled for the number of rules that could have passed it.

(a) The antecedent beats the prior of its event type: one-sided Fisher, family-wise error at most alpha. Only itemsets whose
    count allows a small enough p are tests at all (Tarone), and alpha is shared evenly between antecedent lengths, so the
    many long itemsets do not take the power of the few short ones (Webb's layers).
(b) Picture and words belong together within the event type: one-sided Fisher inside the type, false discovery rate at most
    q over all rules that passed (a). Those were chosen because their items met often, so the test asks how surprising the
    meeting is *given* that it was frequent enough to be chosen; without that, 3 of 12 corpora with pictures permuted inside
    their types had "linked" rules.
(c) Every item adds: one-sided Fisher among the votes of each generalisation that drops one item.

Sources: R. E. Tarone, "A Modified Bonferroni Method for Discrete Data" (Biometrics, 1990); A. Terada et al., "Statistical
significance of combinatorial regulations" (PNAS, 2013); G. I. Webb, "Layered critical values" (Machine Learning, 2008);
W. Fithian, D. Sun, J. Taylor, "Optimal inference after model selection" (2014), for conditioning on the selection;
C. R. Genovese, K. Roeder, L. Wasserman, "False discovery control with p-value weighting" (Biometrika, 2006).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import comb

from miner.rules.compiled import compiled
from miner.rules.hypergeom import Floats, log_pmf

if TYPE_CHECKING:
    from miner.rules.transactions import Int64s

_CAP = 4096
_MOST_COUNTED = 2_000_000
# A level stays this far (in log) below the next attainable p-value, so that rounding never lets that one in.
_MARGIN = 1e-9


@compiled
def least_log_p(class_sizes: Int64s, cap: int) -> Floats:
    """Give the smallest p-value attainable at each count, per event type.

    Returns:
        float64, (n_classes, cap + 1), natural log, falling along a row: an antecedent with that count, all in the type.
        Beyond the size of the type it stays at the value there, which Tarone's argument needs to be monotone.

    Source:
        Terada et al. (2013), equation 3.
    """
    n_rows = class_sizes.sum()
    out = np.zeros((len(class_sizes), cap + 1))
    for label in range(len(class_sizes)):
        size = class_sizes[label]
        for count in range(1, cap + 1):
            out[label, count] = log_pmf(count, count, size, n_rows) if count <= size else out[label, count - 1]
    return out


def count_cap(n_rows: int) -> int:
    """Give the count from which itemsets are always taken as tests, so that tables stay small."""
    return min(n_rows, _CAP)


def allowed_numbers(least: Floats, alpha: float, max_len: int) -> Floats:
    """Give how many itemsets of at least each count are worth counting one by one.

    Beyond `_MOST_COUNTED` of a length, or where the smallest attainable p could not pass any more, a bound will do.

    Args:
        least: `least_log_p`.
        alpha: Family-wise error over all lengths.
        max_len: Most items; lengths 2 to max_len share alpha.

    Returns:
        float64, (max_len + 1, cap + 1).
    """
    share = math.log(alpha / (max_len - 1))
    row = np.minimum(np.exp(np.minimum(share - least.min(axis=0), 700.0)), _MOST_COUNTED)
    row[-1] = np.inf
    return np.tile(row, (max_len + 1, 1))


def bounded_numbers(shapes: Int64s, max_len: int, start: int, cap: int) -> Floats:
    """Bound how many multimodal itemsets of each length have at least each count.

    An itemset with count n lies in n rows, so all itemsets of a length with that count or more together use up at most the
    itemsets that the rows hold: their number is at most the sum over rows of C(visual, i) C(text, length - i), over n.

    Args:
        shapes: int64, (most visual + 1, most text + 1), rows with so many visual and so many text items.
        max_len: Most items.
        start: Least count of interest; smaller ones are given its bound.
        cap: Last count of the table.

    Returns:
        float64, (max_len + 1, cap + 1), falling along a row.
    """
    visual, text = np.arange(shapes.shape[0]), np.arange(shapes.shape[1])
    held = np.zeros(max_len + 1)
    for length in range(2, max_len + 1):
        for n_visual in range(1, length):
            held[length] += comb(visual, n_visual) @ shapes @ comb(text, length - n_visual)
    return held[:, None] / np.maximum(np.arange(cap + 1), start)


def layer_level(most: Floats, least: Floats, alpha: float) -> float:
    """Find the largest p-value level that keeps the family-wise error of one layer at most alpha.

    A level d makes an itemset of count n a test for event type y when its least attainable p is at most d; d is allowed
    when d times the number of such tests is at most alpha.

    Args:
        most: float64, (cap + 1,) or (n_classes, cap + 1), at most how many itemsets of the layer have at least each count;
            falling.
        least: `least_log_p`, (n_classes, cap + 1).
        alpha: Error of this layer.

    Returns:
        Natural log of the level; minus infinity if nothing can be proven.

    Source:
        Tarone (1990), section 2; Terada et al. (2013), equation 4.
    """
    reachable = least.copy()
    reachable[:, -1] = -np.inf
    order = np.argsort(reachable, axis=None, kind="stable")
    values = reachable.ravel()[order]
    numbers = most - np.append(most[..., 1:], np.zeros_like(most[..., :1]), axis=-1)
    tests = np.cumsum(np.broadcast_to(numbers, least.shape).ravel()[order])
    last = np.append(values[1:] > values[:-1], True)
    values, tests = values[last], tests[last]
    with np.errstate(divide="ignore"):
        levels = math.log(alpha) - np.log(tests)
    feasible = np.flatnonzero(levels >= values)
    if not len(feasible):
        return -math.inf
    at = int(feasible[-1])
    following = float(values[at + 1]) if at + 1 < len(values) else 0.0
    return min(float(levels[at]), following - _MARGIN, math.log(alpha))


def least_provable(least: Floats, log_levels: Floats, class_sizes: Int64s) -> Int64s:
    """Give the least class count that can be proven, per event type and length; int64, (n_classes, max_len + 1).

    It is one more than the size of the type where nothing can.
    """
    out = np.empty((len(least), len(log_levels)), np.int64)
    for label, size in enumerate(class_sizes):
        within = least[label, : min(int(size), least.shape[1] - 1) + 1]
        for length, level in enumerate(log_levels):
            reached = np.flatnonzero(within <= level)
            if len(reached):
                out[label, length] = reached[0]
            else:
                out[label, length] = least.shape[1] - 1 if size >= least.shape[1] else size + 1
    return out


def layered_q(log_p: Floats, layers: Int64s, n_tests: Floats | None = None) -> Floats:
    """Give Benjamini-Hochberg q-values in which every non-empty layer has the same share of the errors.

    Args:
        log_p: float64, (n,), natural logs of the p-values.
        layers: int64, (n,), layer of each test, such as the length of its antecedent.
        n_tests: float64, by layer: how many tests there are, where those not given have larger p-values or are counted as
            if they had. Without it, the given ones are all.

    Returns:
        float64, (n,), q-values, at most 1.

    Source:
        Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate" (1995); weights: Genovese et al. (2006), section 3.
    """
    sizes = np.bincount(layers) if n_tests is None else n_tests
    weighted = log_p + np.log(sizes[layers] * np.count_nonzero(sizes))
    order = np.argsort(weighted, kind="stable")
    ranked = weighted[order] - np.log(np.arange(1, len(order) + 1))
    running = np.minimum.accumulate(ranked[::-1])[::-1]
    out = np.empty(len(order))
    out[order] = np.exp(np.minimum(running, 0.0))
    return out
