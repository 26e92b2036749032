"""Test (a): how many itemsets could be proven, and the level each antecedent length is tested at."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from miner.rules.layout import build_layout
from miner.rules.search import for_each_root
from miner.rules.significance import allowed_numbers, count_cap, layer_level, least_log_p, least_provable
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
        n_itemsets: int64, (max_len + 1,), itemsets of each length that are a test for some event type.
        least_log_p: float64, (n_classes, cap + 1), smallest attainable log p at each count.
        least_class: int64, (n_classes, max_len + 1), least class count that can be proven.
    """

    log_levels: Floats
    n_itemsets: Int64s
    least_log_p: Floats
    least_class: Int64s


def associate(
    transactions: Transactions, sizes: Int64s, thresholds: Thresholds, *, alpha: float, threads: int = 1
) -> Association:
    """Count the testable itemsets and find the levels.

    Which itemsets are tests depends on how many votes hold them and on the sizes of the event types, never on which votes
    have which type, so choosing them costs no error.

    Args:
        transactions: Votes.
        sizes: int64, (n_classes,), votes of each event type.
        thresholds: Give the least count and the most items.
        alpha: Family-wise error over all lengths.
        threads: Threads that share the counting; never changes the result.
    """
    max_len = thresholds.max_len
    least = least_log_p(sizes, count_cap(int(sizes.sum())))
    numbers = _tally(transactions, thresholds, allowed_numbers(least, alpha, max_len), threads=threads)
    log_levels = np.full(max_len + 1, -math.inf)
    for length in range(2, max_len + 1):
        log_levels[length] = layer_level(numbers[length], least, alpha / (max_len - 1))
    testable = np.any(least[:, None, :] <= log_levels[:, None], axis=0)
    testable[:, -1] = True
    n_itemsets = np.where(testable, numbers, 0).sum(axis=1)
    return Association(log_levels, n_itemsets, least, least_provable(least, log_levels, sizes))


def _tally(transactions: Transactions, thresholds: Thresholds, allowed: Floats, *, threads: int) -> Int64s:
    """Count the multimodal itemsets by length and count, event types ignored; int64, (max_len + 1, cap + 1)."""
    n_rows = transactions.n_labelled
    start = max(thresholds.least_count(n_rows), thresholds.min_class_count)
    labels = np.minimum(transactions.labels, 0)
    layout = build_layout(replace(transactions, labels=labels, event_types=("any",)), np.array([start], np.int64))
    tallies: dict[int, tuple[Bounds, Tally]] = {}

    def tally(root: int, tree: Tree) -> None:
        if id(tree) not in tallies:
            tallies[id(tree)] = _new_tally(start, n_rows, allowed)
        bounds, counted = tallies[id(tree)]
        tally_root(layout, root, bounds, tree, counted)

    for_each_root(layout, thresholds.max_len, tally, threads=threads)
    numbers = np.zeros(allowed.shape, np.int64)
    for _, counted in tallies.values():
        numbers += counted.numbers
    return numbers


def _new_tally(start: int, n_rows: int, allowed: Floats) -> tuple[Bounds, Tally]:
    """Start one thread's tally: counts below `start` are of no interest from the beginning."""
    max_len = len(allowed) - 1
    least = np.full((1, max_len + 1), start, np.int64)
    bounds = Bounds(least, least.copy(), start, 1.0, 0.0, np.array([n_rows], np.int64), n_rows, max_len)
    return bounds, Tally(np.zeros(allowed.shape, np.int64), np.zeros(max_len + 1, np.int64), allowed)
