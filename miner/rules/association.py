"""Test (a): how many itemsets could be proven, and the level each antecedent length is tested at."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from miner.rules.layout import build_layout
from miner.rules.search import for_each_root
from miner.rules.significance import (
    allowed_numbers,
    bounded_numbers,
    count_cap,
    layer_level,
    least_log_p,
    least_provable,
)
from miner.rules.walk import Bounds, Tally, Tree, tally_root

if TYPE_CHECKING:
    from miner.rules.hypergeom import Floats
    from miner.rules.thresholds import Thresholds
    from miner.rules.transactions import Int64s, Transactions


@dataclass(frozen=True, eq=False)
class Association:
    """The family of test (a).

    Attributes:
        log_levels: float64, (max_len + 1,), natural log of the level at each antecedent length.
        n_tests: float64, (max_len + 1,), at most how many pairs of an itemset of each length and an event type are tests.
        least_log_p: float64, (n_classes, cap + 1), smallest attainable log p at each count.
        least_class: int64, (n_classes, max_len + 1), least class count that can be proven.
    """

    log_levels: Floats
    n_tests: Floats
    least_log_p: Floats
    least_class: Int64s


def associate(
    transactions: Transactions, sizes: Int64s, thresholds: Thresholds, *, alpha: float, threads: int = 1
) -> Association:
    """Count the testable itemsets and find the levels.

    Which itemsets are tests depends on how many votes hold them and on the sizes of the event types, never on which votes
    have which type, so choosing them costs no error. They are counted one by one, unless a bound on their number already
    lets every count above the thresholds be tested.

    Args:
        transactions: Votes.
        sizes: int64, (n_classes,), votes of each event type.
        thresholds: Give the least count and the most items.
        alpha: Family-wise error over all lengths.
        threads: Threads that share the counting; never changes the result.
    """
    max_len = thresholds.max_len
    n_rows = int(sizes.sum())
    least = least_log_p(sizes, count_cap(n_rows))
    start = max(thresholds.least_count(n_rows), thresholds.min_class_count)
    most = bounded_numbers(_row_sizes(transactions), max_len, start, least.shape[1] - 1)
    log_levels = _levels(most, least, alpha)
    present = sizes > 0
    if np.any(least[present, min(start, least.shape[1] - 1)] > log_levels[2:].min()):
        most = np.minimum(most, _counted(transactions, max_len, start, allowed_numbers(least, alpha, max_len), threads))
        log_levels = _levels(most, least, alpha)
    n_tests = np.exp(math.log(alpha / (max_len - 1)) - np.maximum(log_levels, -700.0))
    return Association(log_levels, n_tests, least, least_provable(least, log_levels, sizes))


def _levels(most: Floats, least: Floats, alpha: float) -> Floats:
    """Find the level of each length, sharing alpha evenly."""
    max_len = len(most) - 1
    shared = [layer_level(most[length], least, alpha / (max_len - 1)) for length in range(2, max_len + 1)]
    return np.array([-math.inf, -math.inf, *shared])


def _row_sizes(transactions: Transactions) -> tuple[Int64s, Int64s]:
    """Count the visual and the text items of each labelled vote."""
    labelled = transactions.labels >= 0
    return np.diff(transactions.visual_indptr)[labelled], np.diff(transactions.text_indptr)[labelled]


def _counted(transactions: Transactions, max_len: int, start: int, allowed: Floats, threads: int) -> Floats:
    """Count the multimodal itemsets of each length with at least each count, event types ignored.

    Returns:
        float64, (max_len + 1, cap + 1); infinite below the counts that were worth counting.
    """
    pooled = replace(transactions, labels=np.minimum(transactions.labels, 0), event_types=("any",))
    layout = build_layout(pooled, np.array([start], np.int64), threads=threads)
    tallies: dict[int, tuple[Bounds, Tally]] = {}

    def tally(root: int, tree: Tree) -> None:
        if id(tree) not in tallies:
            tallies[id(tree)] = _new_tally(start, transactions.n_labelled, allowed)
        bounds, counted = tallies[id(tree)]
        tally_root(layout, root, bounds, tree, counted)

    for_each_root(layout, max_len, tally, threads=threads)
    numbers = np.zeros(allowed.shape, np.int64)
    complete = np.zeros(len(allowed), np.int64)
    for bounds, counted in tallies.values():
        numbers += counted.numbers
        complete = np.maximum(complete, bounds.least_class[0])
    above = np.cumsum(numbers[:, ::-1], axis=1)[:, ::-1].astype(np.float64)
    above[:, :-1][above[:, :-1] > allowed[:, :-1]] = np.inf
    above[np.arange(allowed.shape[1]) < np.minimum(complete, allowed.shape[1] - 1)[:, None]] = np.inf
    first = min(start, allowed.shape[1] - 1)
    above[:, :first] = above[:, first : first + 1]
    return above


def _new_tally(start: int, n_rows: int, allowed: Floats) -> tuple[Bounds, Tally]:
    """Start one thread's tally: counts below `start` are of no interest from the beginning."""
    max_len = len(allowed) - 1
    least = np.full((1, max_len + 1), start, np.int64)
    bounds = Bounds(least, least.copy(), start, 1.0, 0.0, np.array([n_rows], np.int64), n_rows, max_len)
    return bounds, Tally(np.zeros(allowed.shape, np.int64), np.zeros(max_len + 1, np.int64), allowed)
