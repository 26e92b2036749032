"""Test (a): how many itemsets could be proven, and the level each antecedent length is tested at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from miner.rules.significance import (
    allowed_numbers,
    bounded_numbers,
    count_cap,
    layer_level,
    layered_q,
    least_log_p,
    least_provable,
)

if TYPE_CHECKING:
    from miner.rules.census import Census
    from miner.rules.hypergeom import Floats
    from miner.rules.ruleset import Rules
    from miner.rules.thresholds import Thresholds
    from miner.rules.transactions import Int64s


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

    def q_values(self, rules: Rules, log_p: Floats) -> Floats:
        """Give Benjamini-Hochberg q-values of rules over all testable itemsets, every length with the same share.

        Itemsets below the thresholds count as tests too, as if they had larger p-values, which can only raise a q-value; a
        rule that could not have been proven whatever its event types has 1.

        Args:
            rules: Rules.
            log_p: float64, (n,), natural logs of their p-values.

        Source:
            P. B. Gilbert, "A modified false discovery rate multiple-comparisons procedure for discrete data" (2005).
        """
        out = np.ones(len(rules))
        last = self.least_log_p.shape[1] - 1
        reachable = self.least_log_p[rules.labels, np.minimum(rules.counts, last)]
        # What is as frequent as the table goes, or more, is always a test.
        tests = np.flatnonzero((reachable <= self.log_levels[rules.lengths]) | (rules.counts >= last))
        n_tests = np.where(np.isfinite(self.log_levels), self.n_tests, 0.0)
        out[tests] = layered_q(log_p[tests], rules.lengths[tests], n_tests)
        return out


def associate(census: Census, thresholds: Thresholds, *, alpha: float) -> Association:
    """Count the testable itemsets and find the levels.

    Which itemsets are tests depends on how many votes hold them and on the sizes of the event types, never on which votes
    have which type, so choosing them costs no error. They are counted one by one, unless a bound on their number already
    lets every count above the thresholds be tested.

    Args:
        census: Of the votes.
        thresholds: Give the least count and the most items.
        alpha: Family-wise error over all lengths.
    """
    max_len, sizes = thresholds.max_len, census.class_sizes
    n_rows = int(sizes.sum())
    least = least_log_p(sizes, count_cap(n_rows))
    start = max(thresholds.least_count(n_rows), thresholds.min_class_count)
    most = bounded_numbers(census.row_shapes(), max_len, start, least.shape[1] - 1)
    log_levels = _levels(most, least, alpha)
    present = sizes > 0
    if np.any(least[present, min(start, least.shape[1] - 1)] > log_levels[2:].min()):
        most = np.minimum(most, census.tally(start, allowed_numbers(least, alpha, max_len)))
        log_levels = _levels(most, least, alpha)
    n_tests = np.exp(math.log(alpha / (max_len - 1)) - np.maximum(log_levels, -700.0))
    return Association(log_levels, n_tests, least, least_provable(least, log_levels, sizes))


def _levels(most: Floats, least: Floats, alpha: float) -> Floats:
    """Find the level of each length, sharing alpha evenly."""
    max_len = len(most) - 1
    shared = [layer_level(most[length], least, alpha / (max_len - 1)) for length in range(2, max_len + 1)]
    return np.array([-math.inf, -math.inf, *shared])
