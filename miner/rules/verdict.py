"""Tests (b) and (c) on the rules that passed (a), and the verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from miner.rules.compiled import compiled
from miner.rules.hypergeom import Floats, log_tail, log_tails
from miner.rules.recount import collect
from miner.rules.significance import layered_q

if TYPE_CHECKING:
    from miner.config import MineConfig
    from miner.rules.chance import PairFamily
    from miner.rules.ruleset import Rules
    from miner.rules.transactions import Int32s, Int64s
    from miner.rules.walk import Bounds

Flags = npt.NDArray[np.bool_]

MARGIN_SHARE = 0.1
"""Share of the error of test (b) of the way by margins."""
CHANCE_SHARE = 0.7
"""Share of the error of test (b) of the way by what chance alone would link, where that was counted."""


class Votes(Protocol):
    """Counts the votes that hold itemsets, wherever they are."""

    @property
    def class_sizes(self) -> Int64s:
        """Labelled votes of each class; int64, (n_classes,)."""
        ...

    def count(self, antecedents: Int32s) -> Int64s:
        """Count the votes of each class that hold each itemset of `Rules.antecedents`' items; int64, (n, n_classes)."""
        ...


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


class Levels(NamedTuple):
    """What the tests with a family of their own are held to; natural logs of levels by antecedent length, float64, (max_len + 1,).

    Attributes:
        association: Of test (a).
        margins: Of the way of test (b) by margins.
        chance: The family of pairs of the way of test (b) by what chance would link; none where it is too large.
    """

    association: Floats
    margins: Floats
    chance: PairFamily | None = None


def judge(rules: Rules, votes: Votes, bounds: Bounds, levels: Levels, config: MineConfig) -> Verdict:
    """Test rules.

    Args:
        rules: All rules above the bounds.
        votes: Where the rules are counted.
        bounds: The thresholds they were found with.
        levels: Of tests (a) and (b).
        config: Error rates.
    """
    n = len(rules)
    q_link, p_item = np.full(n, np.nan), np.full(n, np.nan)
    sizes = rules.class_sizes[rules.labels]
    log_p = log_tails(rules.class_counts, rules.counts, sizes, np.full(n, rules.n_rows, np.int64))
    associated = log_p <= levels.association[rules.lengths]
    rows = np.flatnonzero(associated)
    q_link[rows] = link_q(rules.take(rows), votes, bounds, levels, config.link_fdr)
    linked = q_link <= config.link_fdr
    rows = np.flatnonzero(linked)
    p_item[rows] = np.exp(item_log_p(rules, rows, votes, math.log(config.item_alpha)))
    return Verdict(log_p, q_link, p_item, associated, linked, p_item <= config.item_alpha)


def link_q(rules: Rules, votes: Votes, bounds: Bounds, levels: Levels, link_fdr: float) -> Floats:
    """Test (b): q-value of picture and words meeting this often within the event type.

    With the counts of the visual and of the textual part inside the type and all other types fixed, the rule was chosen
    because they met at least a* times. Given that, the p-value is P(A >= a) / P(A >= a*) under independence within the type;
    these have a false discovery rate. Parts that meet far too often for any pair of parts are linked however the rule was
    chosen; this has a family-wise error. And of rules of two items, the most surprising ones of an event type are linked of which
    hardly any would be there by chance alone; this has an estimated false discovery rate. Together they have at most the sum of
    their errors.

    Args:
        rules: Rules that passed (a).
        votes: Where their parts are counted.
        bounds: The thresholds.
        levels: With the bounds, that of (a) determines a*.
        link_fdr: Error of all three ways.

    Returns:
        float64, (n,); at most `link_fdr` where one of the ways finds a link.
    """
    visual_counts, text_counts = count_parts(rules, votes)
    sizes = rules.class_sizes[rules.labels]
    chosen = least_chosen(rules.class_counts, rules.counts, rules.labels, rules.lengths, (bounds, levels.association))
    met = log_tails(rules.class_counts, visual_counts, text_counts, sizes)
    given = np.minimum(met - log_tails(chosen, visual_counts, text_counts, sizes), 0.0)
    unconditional = link_fdr * np.exp(np.minimum(met - levels.margins[rules.lengths], 700.0))
    share = 1.0 - MARGIN_SHARE
    if levels.chance is not None and len(levels.chance):
        pairs = np.flatnonzero(rules.lengths == 2)
        by_chance = levels.chance.q_values(met[pairs], rules.labels[pairs], link_fdr * CHANCE_SHARE)
        unconditional[pairs] = np.minimum(unconditional[pairs], by_chance / CHANCE_SHARE)
        # pairs weigh less where they have a way of their own; longer antecedents keep all of theirs
        given[pairs] += math.log(share / (share - CHANCE_SHARE))
    conditional = layered_q(given, rules.lengths) / share
    return np.minimum(np.minimum(conditional, unconditional), 1.0)


def count_parts(rules: Rules, votes: Votes) -> tuple[Int64s, Int64s]:
    """Count the votes of each rule's event type that hold its visual, and its textual items; int64, (n,) each."""
    textual = rules.antecedents >= rules.n_visual
    parts = np.concatenate([np.where(textual, -1, rules.antecedents), np.where(textual, rules.antecedents, -1)])
    distinct, inverse = collect(parts)
    visual_counts, text_counts = np.split(votes.count(distinct)[inverse, np.tile(rules.labels, 2)], 2)
    return visual_counts, text_counts


@compiled
def least_chosen(
    class_counts: Int64s, counts: Int64s, labels: Int32s, lengths: Int64s, chosen_by: tuple[Bounds, Floats]
) -> Int64s:
    """Give the least class count with which each rule, its votes of other types unchanged, would still pass (a)."""
    bounds, log_levels = chosen_by
    out = np.empty(len(class_counts), np.int64)
    for row in range(len(class_counts)):
        others, label, length = counts[row] - class_counts[row], labels[row], lengths[row]
        size, n_rows, log_level = bounds.class_sizes[label], bounds.n_rows, log_levels[length]
        share = max(bounds.confidence, bounds.lift * size / n_rows)
        chosen = max(1, bounds.least_class[label, length])
        if others and share < 1.0:
            chosen = max(chosen, int(share * others / (1.0 - share)) - 1)
        while chosen < class_counts[row] and not _is_rule(chosen, others, label, length, bounds):
            chosen += 1
        if not _is_associated(chosen, others, size, n_rows, log_level):
            below, chosen = chosen, class_counts[row]
            while chosen - below > 1:
                middle = (below + chosen) // 2
                if _is_associated(middle, others, size, n_rows, log_level):
                    chosen = middle
                else:
                    below = middle
        out[row] = chosen
    return out


@compiled
def _is_rule(class_count: int, others: int, label: int, length: int, bounds: Bounds) -> bool:
    """Tell whether an itemset with these counts reaches the thresholds."""
    count = class_count + others
    return bool(
        class_count >= bounds.least_class[label, length]
        and count >= bounds.least_count
        and class_count / count >= bounds.confidence
        and (class_count * bounds.n_rows) / (count * bounds.class_sizes[label]) >= bounds.lift
    )


@compiled
def _is_associated(class_count: int, others: int, class_size: int, n_rows: int, log_level: float) -> bool:
    """Tell whether an itemset with these counts passes (a)."""
    return log_tail(class_count, class_count + others, class_size, n_rows) <= log_level


def item_log_p(rules: Rules, rows: Int64s, votes: Votes, log_alpha: float) -> Floats:
    """Test (c): the largest log p over the items of each rule, among the votes of the antecedent without that item.

    Many antecedents without an item are rules themselves, whose counts are known: those come first, the most confident
    before the others, and a rule with an item that adds nothing, log p above `log_alpha`, is not tested further.

    Args:
        rules: All rules.
        rows: int64, (n,), the rules to test.
        votes: Where the others are counted.
        log_alpha: Natural log of the p-value below which an item adds something.

    Returns:
        float64, (n,), natural log; that of an item that adds nothing where there is one.
    """
    worst = np.full(len(rules), -np.inf)
    places = np.nonzero(rules.antecedents[rows] >= 0)
    owners = rows[places[0]]
    general = rules.antecedents[owners]
    general[np.arange(len(owners)), places[1]] = -1
    same = _find_rules(rules, general, rules.labels[owners])
    known = np.flatnonzero(same >= 0)
    confidence = np.full((len(rows), rules.antecedents.shape[1]), -1.0)
    confidence[places[0][known], places[1][known]] = rules.class_counts[same[known]] / rules.counts[same[known]]
    first = known[confidence.argmax(axis=1)[places[0][known]] == places[1][known]]
    _note_worst(worst, rules, owners[first], (rules.class_counts[same[first]], rules.counts[same[first]]))
    known = known[worst[owners[known]] <= log_alpha]
    _note_worst(worst, rules, owners[known], (rules.class_counts[same[known]], rules.counts[same[known]]))
    unknown = np.flatnonzero((same < 0) & (worst[owners] <= log_alpha))
    counts = votes.count(general[unknown])
    owners = owners[unknown]
    _note_worst(worst, rules, owners, (counts[np.arange(len(owners)), rules.labels[owners]], counts.sum(axis=1)))
    return worst[rows]


def _find_rules(rules: Rules, antecedents: Int32s, labels: Int32s) -> Int64s:
    """Find the rule with each antecedent and event type; int64, (n,), -1 where there is none."""
    marked = [np.column_stack([rules.antecedents, -2 - rules.labels]), np.column_stack([antecedents, -2 - labels])]
    same = collect(np.concatenate(marked).astype(np.int32))[1][len(rules) :]
    return np.where(same < len(rules), same, -1)


def _note_worst(worst: Floats, rules: Rules, rows: Int64s, general: tuple[Int64s, Int64s]) -> None:
    """Raise `worst` to the log p of rules among the votes of more general antecedents: of the class, and of all."""
    log_p = log_tails(rules.class_counts[rows], rules.counts[rows], general[0], general[1])
    np.maximum.at(worst, rows, log_p)
