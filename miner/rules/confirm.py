"""Confirmation: rules found and proven on one half of the photo groups are tested again on the other half.

Photo groups are dealt out by a seeded hash of their number, so all votes of a group lie in one half, and a group stays in its
half when others are added. A rule is confirmed if both its association with the event type (a) and its link between picture
and words (b) show in votes that had no part in finding it. Each claim must hold, so the larger of the two p-values is the
p-value of both together (intersection-union test), and Holm's procedure keeps the probability of one wrong confirmation
among all proven rules at most alpha. There are few of them, and their tests are not selected, so nothing is conditioned on.

Sources: R. L. Berger, "Multiparameter hypothesis testing and acceptance sampling" (Technometrics, 1982); S. Holm, "A simple
sequentially rejective multiple test procedure" (Scandinavian Journal of Statistics, 1979); G. I. Webb, "Discovering
significant patterns" (Machine Learning, 2007), section 4, for holdout evaluation of rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from miner.rules.hypergeom import Floats, log_tails
from miner.rules.verdict import count_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    from miner.rules.ruleset import Rules
    from miner.rules.transactions import Int64s, Transactions
    from miner.rules.verdict import Flags, Votes


@dataclass(frozen=True, eq=False)
class Confirmation:
    """What the other half said; both arrays have one entry per rule.

    Attributes:
        p_value: float64, of association and link together; NaN where the rule was not proven.
        confirmed: Holm's verdict.
    """

    p_value: Floats
    confirmed: Flags


def halves(transactions: Transactions, seed: int) -> tuple[Transactions, Transactions]:
    """Split votes by photo group: those to search, those to confirm on."""
    first = in_first_half(transactions.groups, seed)
    searched, kept = np.flatnonzero(first).astype(np.int64), np.flatnonzero(~first).astype(np.int64)
    return transactions.select(searched), transactions.select(kept)


def in_first_half(groups: Int64s, seed: int) -> npt.NDArray[np.bool_]:
    """Deal photo groups out; a bit of the SplitMix64 hash of number and seed.

    Source:
        G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014), figure 17.
    """
    mixed = groups.astype(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    first: npt.NDArray[np.bool_] = ((mixed ^ (mixed >> np.uint64(31))) & np.uint64(1)) == 0
    return first


def confirm(rules: Rules, proven: Flags, votes: Votes, alpha: float) -> Confirmation:
    """Test the proven rules on other votes.

    Args:
        rules: All rules.
        proven: bool, (n,), the ones to test.
        votes: Votes of photo groups that had no part in finding them.
        alpha: Most probability that any rule is confirmed wrongly.
    """
    p_value = np.full(len(rules), np.nan)
    rows = np.flatnonzero(proven)
    p_value[rows] = np.exp(confirm_log_p(rules.take(rows), votes))
    confirmed = np.zeros(len(rules), np.bool_)
    confirmed[rows] = holm(p_value[rows]) <= alpha
    return Confirmation(p_value, confirmed)


def confirm_log_p(rules: Rules, votes: Votes) -> Floats:
    """Give the larger log p of association and link of each rule; float64, (n,)."""
    if not len(rules):
        return np.empty(0)
    counts = votes.count(rules.antecedents)
    own, totals = counts[np.arange(len(rules)), rules.labels], counts.sum(axis=1)
    sizes = votes.class_sizes
    n_rows = np.full(len(rules), sizes.sum(), np.int64)
    associated = log_tails(own, totals, sizes[rules.labels], n_rows)
    visual, text = count_parts(rules, votes)
    return np.maximum(associated, log_tails(own, visual, text, sizes[rules.labels]))


def holm(p_values: Floats) -> Floats:
    """Give Holm's adjusted p-values: the k-th smallest of n times n - k + 1, never falling, at most 1."""
    order = np.argsort(p_values, kind="stable")
    stepped = p_values[order] * np.arange(len(order), 0, -1)
    out = np.empty(len(order))
    out[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return out
