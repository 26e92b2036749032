"""Tests (b) and (c) on the rules that passed (a), and the verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled
from miner.rules.hypergeom import Floats, log_tail, log_tails
from miner.rules.recount import count_itemsets, local_items
from miner.rules.significance import layered_q

if TYPE_CHECKING:
    from miner.config import MineConfig
    from miner.rules.layout import Layout
    from miner.rules.ruleset import Rules
    from miner.rules.transactions import Int32s, Int64s
    from miner.rules.walk import Bounds

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the tests said of each rule; all arrays have one entry per rule.

    Attributes:
        log_p: float64, test (a), natural log.
        q_link: float64, test (b); NaN where (a) failed.
        p_item: float64, test (c), the largest over the items, or the first that failed; NaN where (a) or (b) failed.
        associated: Passed (a).
        linked: Passed (a) and (b).
        proven: Passed all.
    """

    log_p: Floats
    q_link: Floats
    p_item: Floats
    associated: Flags
    linked: Flags
    proven: Flags


def judge(rules: Rules, layout: Layout, bounds: Bounds, log_levels: Floats, config: MineConfig) -> Verdict:
    """Test rules.

    Args:
        rules: All rules above the bounds.
        layout: The transactions they were found in.
        bounds: The thresholds they were found with.
        log_levels: Natural log of the level of test (a), by antecedent length.
        config: Error rates.
    """
    n = len(rules)
    q_link, p_item = np.full(n, np.nan), np.full(n, np.nan)
    sizes = rules.class_sizes[rules.labels]
    log_p = log_tails(rules.class_counts, rules.counts, sizes, np.full(n, rules.n_rows, np.int64))
    associated = log_p <= log_levels[rules.lengths]
    rows = np.flatnonzero(associated)
    q_link[rows] = layered_q(link_log_p(rules.take(rows), layout, bounds, log_levels), rules.lengths[rows])
    linked = q_link <= config.link_fdr
    rows = np.flatnonzero(linked)
    p_item[rows] = np.exp(item_log_p(rules.take(rows), layout, math.log(config.item_alpha)))
    return Verdict(log_p, q_link, p_item, associated, linked, p_item <= config.item_alpha)


def link_log_p(rules: Rules, layout: Layout, bounds: Bounds, log_levels: Floats) -> Floats:
    """Test (b): log p of picture and words meeting this often within the event type, given that they met often enough.

    With the counts of the visual and of the textual part inside the type and all other types fixed, the rule was chosen
    because they met at least a* times. The p-value is P(A >= a) / P(A >= a*) under independence within the type.

    Args:
        rules: Rules that passed (a).
        layout: The transactions.
        bounds: The thresholds.
        log_levels: The levels of (a); with the bounds they determine a*.

    Returns:
        float64, (n,), natural log.
    """
    local = local_items(rules, layout)
    textual = local >= len(layout.visual_ids)
    parts = np.concatenate([np.where(textual, -1, local), np.where(textual, local, -1)])
    of_class = count_itemsets(layout, parts)[np.arange(len(parts)), np.tile(rules.labels, 2)]
    visual_counts, text_counts = np.split(of_class, 2)
    sizes = rules.class_sizes[rules.labels]
    chosen = least_chosen(rules.class_counts, rules.counts, rules.labels, rules.lengths, (bounds, log_levels))
    met = log_tails(rules.class_counts, visual_counts, text_counts, sizes)
    return np.minimum(met - log_tails(chosen, visual_counts, text_counts, sizes), 0.0)


@compiled
def least_chosen(
    class_counts: Int64s, counts: Int64s, labels: Int32s, lengths: Int64s, chosen_by: tuple[Bounds, Floats]
) -> Int64s:
    """Give the least class count with which each rule, its votes of other types unchanged, would still pass (a)."""
    bounds, log_levels = chosen_by
    out = np.empty(len(class_counts), np.int64)
    for row in range(len(class_counts)):
        others = counts[row] - class_counts[row]
        below, passes = 0, class_counts[row]
        while passes - below > 1:
            middle = (below + passes) // 2
            if _is_chosen(middle, others, labels[row], lengths[row], (bounds, log_levels[lengths[row]])):
                passes = middle
            else:
                below = middle
        out[row] = passes
    return out


@compiled
def _is_chosen(class_count: int, others: int, label: int, length: int, chosen_by: tuple[Bounds, float]) -> bool:
    """Tell whether an itemset with these counts is a rule that passes (a)."""
    bounds, log_level = chosen_by
    count = class_count + others
    size = bounds.class_sizes[label]
    return bool(
        class_count >= bounds.least_class[label, length]
        and count >= bounds.least_count
        and class_count / count >= bounds.confidence
        and (class_count * bounds.n_rows) / (count * size) >= bounds.lift
        and log_tail(class_count, count, size, bounds.n_rows) <= log_level
    )


def item_log_p(rules: Rules, layout: Layout, log_alpha: float) -> Floats:
    """Test (c): the largest log p over the items of each rule, among the votes of the antecedent without that item.

    A rule whose first item adds nothing, log p above `log_alpha`, is not tested further: that p is returned.
    """
    local = local_items(rules, layout)
    worst = np.full(len(rules), -np.inf)
    for slots in (np.arange(1), np.arange(1, local.shape[1])):
        rows, dropped = np.nonzero((local[:, slots] >= 0) & (worst <= log_alpha)[:, None])
        general = local[rows]
        general[np.arange(len(rows)), slots[dropped]] = -1
        counts = count_itemsets(layout, general)
        of_class = counts[np.arange(len(rows)), rules.labels[rows]]
        log_p = log_tails(rules.class_counts[rows], rules.counts[rows], of_class, counts.sum(axis=1))
        np.maximum.at(worst, rows, log_p)
    return worst
