"""From transactions to the table of rules: search, three tests, one verdict per rule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from miner.errors import MiningError
from miner.rules.counting import Tally, class_bitmaps, count_itemsets, new_tally, tally_items, tally_root
from miner.rules.hypergeom import Floats, log_tails
from miner.rules.layout import Layout, build_layout
from miner.rules.search import Rules, bounds_of, require_votes, search
from miner.rules.significance import (
    adjusted,
    allowed_numbers,
    count_cap,
    layer_level,
    least_log_p,
    least_provable,
)
from miner.rules.thresholds import Thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.config import MineConfig
    from miner.rules.transactions import Int32s, Int64s, Transactions

RULES = pa.schema(
    [
        pa.field("visual", pa.list_(pa.int32()), nullable=False),
        pa.field("text", pa.list_(pa.int32()), nullable=False),
        pa.field("eventType", pa.string(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
        pa.field("classCount", pa.int64(), nullable=False),
        pa.field("support", pa.float64(), nullable=False),
        pa.field("antecedentSupport", pa.float64(), nullable=False),
        pa.field("confidence", pa.float64(), nullable=False),
        pa.field("lift", pa.float64(), nullable=False),
        pa.field("pValue", pa.float64(), nullable=False),
        pa.field("logP", pa.float64(), nullable=False),
        pa.field("qLink", pa.float64(), nullable=False),
        pa.field("pItem", pa.float64(), nullable=False),
        pa.field("proven", pa.bool_(), nullable=False),
    ]
)


@dataclass(frozen=True)
class MiningResult:
    """Rules and what was tested to find them.

    Attributes:
        rules: Table of schema `RULES`, sorted by event type and antecedent.
        summary: JSON-ready numbers: votes, levels per length, counts per event type.
    """

    rules: pa.Table
    summary: dict[str, Any]


def mine_rules(transactions: Transactions, config: MineConfig, *, threads: int = 1) -> MiningResult:
    """Find the rules of a corpus and test them.

    Args:
        transactions: Votes; unlabelled ones are ignored, or are background where `config.background` says so.
        config: Thresholds and error rates.
        threads: Threads that share the search; never changes the result.

    Returns:
        Proven rules; with `config.exploratory`, all rules above the thresholds, marked.

    Raises:
        MiningError: Fewer than two event types have votes, or the rules would not fit.
    """
    votes = _with_background(transactions) if config.background else transactions
    sizes = require_votes(votes)
    _require_contrast(votes, sizes)
    thresholds = Thresholds.of(config)
    least = least_log_p(sizes, count_cap(int(sizes.sum())))
    levels, tests = association_levels(votes, thresholds, least, alpha=config.family_wise)
    provable = least_provable(least, levels, sizes)
    bounds = bounds_of(thresholds, sizes, None if config.exploratory else provable)
    bounds.least_class[len(transactions.event_types) :] = _NEVER
    bounds.still_class[len(transactions.event_types) :] = _NEVER
    layout = build_layout(votes, bounds.still_class[:, 2])
    found = search(layout, bounds, threads=threads, max_rules=config.max_rules, n_visual=votes.n_visual)
    judged = judge(found, layout, levels, np.maximum(bounds.least_class, provable), config)
    rules = judged.table(transactions.event_types, config)
    return MiningResult(rules, _summary(transactions, sizes, thresholds, levels, tests, least, judged))


_NEVER = 2**62


def _with_background(transactions: Transactions) -> Transactions:
    """Turn unlabelled votes into votes of one more type, which no rule may lead to."""
    labels = np.where(transactions.labels < 0, len(transactions.event_types), transactions.labels).astype(np.int32)
    return replace(transactions, labels=labels, event_types=(*transactions.event_types, "background"))


def _require_contrast(transactions: Transactions, sizes: Int64s) -> None:
    """Refuse votes of a single type: their rules all have confidence 1 and lift 1."""
    present = np.flatnonzero(sizes)
    if len(present) < 2:
        raise MiningError(
            f"all {int(sizes.sum())} labelled votes are of one event type, {transactions.event_types[present[0]]}: "
            "a rule needs votes of another type to differ from",
            hint="label a second event type, or let unlabelled records count: -o mine.background=true",
        )


def association_levels(
    transactions: Transactions, thresholds: Thresholds, least: Floats, *, alpha: float
) -> tuple[Floats, Int64s]:
    """Find the level of test (a) for every antecedent length.

    Args:
        transactions: Votes; only which items they hold counts, not their event types.
        thresholds: Give the least count and the most items.
        least: `least_log_p` of the event types.
        alpha: Family-wise error over all lengths.

    Returns:
        Natural log of the level, float64, (max_len + 1,), and the number of itemsets tested, int64, (max_len + 1,).
    """
    n_rows = transactions.n_labelled
    max_len = thresholds.max_len
    pooled = replace(
        transactions, labels=np.where(transactions.labels >= 0, 0, -1).astype(np.int32), event_types=("any",)
    )
    start = max(thresholds.least_count(n_rows), thresholds.min_class_count)
    tally = new_tally(np.full(max_len + 1, start, np.int64), allowed_numbers(least, alpha, max_len))
    layout = build_layout(pooled, np.array([start], np.int64))
    _tally_all(layout, tally, max_len)
    levels = np.full(max_len + 1, -np.inf)
    tests = np.zeros(max_len + 1, np.int64)
    for length in range(2, max_len + 1):
        levels[length] = layer_level(tally.numbers[length], least, alpha / (max_len - 1))
        reachable = (least <= levels[length]).any(axis=0)
        reachable[-1] = True
        tests[length] = tally.numbers[length][reachable].sum()
    return levels, tests


def _tally_all(layout: Layout, tally: Tally, max_len: int) -> None:
    """Count the multimodal itemsets of every root."""
    sizes = np.diff(layout.list_ptr)
    if not len(sizes):
        return
    n_items = len(layout.visual_ids) + len(layout.text_ids)
    stride = int(sizes.max()) // 64 + 1
    bits = np.empty(n_items * stride, np.uint64)
    levels = np.empty((max_len - 1) * n_items * stride, np.uint64)
    for root in np.argsort(-sizes, kind="stable"):
        tally_root(layout, int(root), bits, levels, tally)


@dataclass(frozen=True, eq=False)
class Judged:
    """Rules with their tests.

    Attributes:
        rules: The rules.
        log_p: float64, (n,), test (a), natural log.
        q_link: float64, (n,), test (b); NaN where (a) failed.
        p_item: float64, (n,), test (c), the largest over the items; NaN where (a) or (b) failed.
        associated: bool, (n,), passed (a).
        proven: bool, (n,), passed all.
    """

    rules: Rules
    log_p: Floats
    q_link: Floats
    p_item: Floats
    associated: npt.NDArray[np.bool_]
    linked: npt.NDArray[np.bool_]
    proven: npt.NDArray[np.bool_]

    def table(self, event_types: Sequence[str], config: MineConfig) -> pa.Table:
        """Give the table of schema `RULES`: proven rules, or all of them when exploring."""
        rows = np.arange(len(self.rules)) if config.exploratory else np.flatnonzero(self.proven)
        rules = self.rules.take(rows)
        sizes = rules.class_sizes[rules.labels]
        visual, text = split_items(rules)
        columns = [
            visual,
            text,
            pa.array(list(event_types), pa.string()).take(pa.array(rules.labels)),
            pa.array(rules.counts),
            pa.array(rules.class_counts),
            pa.array(rules.class_counts / rules.n_rows),
            pa.array(rules.counts / rules.n_rows),
            pa.array(rules.class_counts / rules.counts),
            pa.array((rules.class_counts * rules.n_rows) / (rules.counts * sizes)),
            pa.array(np.exp(self.log_p[rows])),
            pa.array(self.log_p[rows]),
            pa.array(self.q_link[rows]),
            pa.array(self.p_item[rows]),
            pa.array(self.proven[rows]),
        ]
        return pa.Table.from_arrays(columns, schema=RULES)


def split_items(rules: Rules) -> tuple[pa.Array, pa.Array]:
    """Give the visual and the text items of each antecedent as list columns."""
    items = rules.antecedents
    textual = items >= rules.n_visual
    visual = (items >= 0) & ~textual
    columns = []
    for mask, offset in ((visual, 0), (textual, rules.n_visual)):
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask.sum(axis=1))])
        columns.append(pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(items[mask] - offset, pa.int32())))
    return columns[0], columns[1]


def judge(rules: Rules, layout: Layout, levels: Floats, least_class: Int64s, config: MineConfig) -> Judged:
    """Test rules.

    Args:
        rules: Rules above the thresholds.
        layout: The transactions they were found in.
        levels: Log levels of test (a) by length.
        least_class: int64, (n_classes, max_len + 1), least class count of a rule that can be proven.
        config: Error rates.
    """
    n = len(rules)
    log_p = log_tails(
        rules.class_counts, rules.counts, rules.class_sizes[rules.labels], np.full(n, rules.n_rows, np.int64)
    )
    associated = log_p <= levels[rules.lengths()]
    q_link = np.full(n, np.nan)
    p_item = np.full(n, np.nan)
    rows = np.flatnonzero(associated)
    local = _local_items(rules.take(rows), layout)
    q_link[rows] = link_q(rules.take(rows), local, layout, least_class)
    linked = np.zeros(n, np.bool_)
    linked[rows] = q_link[rows] <= config.link_fdr
    rows = np.flatnonzero(linked)
    p_item[rows] = np.exp(item_log_p(rules.take(rows), _local_items(rules.take(rows), layout), layout))
    proven = linked.copy()
    proven[rows] = p_item[rows] <= config.item_alpha
    return Judged(rules, log_p, q_link, p_item, associated, linked, proven)


def _local_items(rules: Rules, layout: Layout) -> Int32s:
    """Translate antecedents to the layout's items."""
    names = np.concatenate([layout.visual_ids, layout.text_ids + rules.n_visual])
    lookup = np.full(int(names.max(initial=-1)) + 2, -1, np.int32)
    lookup[names] = np.arange(len(names), dtype=np.int32)
    return lookup[rules.antecedents]


def _count_unique(layout: Layout, itemsets: Int32s) -> Int64s:
    """Count itemsets that repeat: each distinct one once; int64, (n, n_classes)."""
    if not len(itemsets):
        return np.zeros((0, len(layout.class_start) - 1), np.int64)
    distinct, inverse = np.unique(itemsets, axis=0, return_inverse=True)
    return count_itemsets(layout, distinct)[inverse.ravel()]


def link_q(rules: Rules, local: Int32s, layout: Layout, least_class: Int64s) -> Floats:
    """Test (b): q-value of the link between picture and words within the event type."""
    n = len(rules)
    n_visual = len(layout.visual_ids)
    is_visual = (local >= 0) & (local < n_visual)
    is_text = local >= n_visual
    at = np.arange(n)
    visual_counts = _count_unique(layout, np.where(is_visual, local, -1).astype(np.int32))[at, rules.labels]
    text_counts = _count_unique(layout, np.where(is_text, local, -1).astype(np.int32))[at, rules.labels]
    log_p = log_tails(rules.class_counts, visual_counts, text_counts, rules.class_sizes[rules.labels])
    family = link_family(layout, least_class, rules.class_sizes)
    return adjusted(log_p, family[is_visual.sum(axis=1), is_text.sum(axis=1)])


def link_family(layout: Layout, least_class: Int64s, sizes: Int64s) -> Floats:
    """Count the pairs of a visual and a textual itemset that test (b) could have met, weighted by layers.

    Returns:
        float64, (max_len, max_len): pairs by number of visual and of text items, times the number of such layers.
    """
    max_len = least_class.shape[1] - 1
    pairs = np.zeros((max_len, max_len))
    n_visual = len(layout.visual_ids)
    for label in np.flatnonzero(least_class.min(axis=1) <= sizes):
        bits = class_bitmaps(layout, int(label))
        counted = [
            _tally_kind(part, least_class[label], int(sizes[label])) for part in (bits[:n_visual], bits[n_visual:])
        ]
        for visual in range(1, max_len):
            for text in range(1, max_len - visual + 1):
                bound = least_class[label, visual + text]
                pairs[visual, text] += float(counted[0][visual, bound:].sum()) * float(counted[1][text, bound:].sum())
    return pairs * (max_len * (max_len - 1) // 2)


def _tally_kind(bits: Any, least: Int64s, size: int) -> Int64s:
    """Count the itemsets of one kind within a class, by length and count."""
    max_len = len(least) - 1
    bounds = np.full(max_len, size + 1, np.int64)
    for length in range(1, max_len):
        bounds[length] = least[length + 1 :].min()
    tally = new_tally(bounds, np.full((max_len, size + 1), np.inf))
    tally_items(np.ascontiguousarray(bits), tally)
    return tally.numbers


def item_log_p(rules: Rules, local: Int32s, layout: Layout) -> Floats:
    """Test (c): the largest log p over the items of each rule, against the antecedent without that item."""
    worst = np.full(len(rules), -np.inf)
    at = np.arange(len(rules))
    for slot in range(local.shape[1]):
        rows = at[local[:, slot] >= 0]
        general = local[rows].copy()
        general[:, slot] = -1
        counts = _count_unique(layout, np.sort(general, axis=1))
        of_class = counts[np.arange(len(rows)), rules.labels[rows]]
        log_p = log_tails(rules.class_counts[rows], rules.counts[rows], of_class, counts.sum(axis=1))
        worst[rows] = np.maximum(worst[rows], log_p)
    return worst


def _summary(
    transactions: Transactions,
    sizes: Int64s,
    thresholds: Thresholds,
    levels: Floats,
    tests: Int64s,
    least: Floats,
    judged: Judged,
) -> dict[str, Any]:
    """Give what was tested and found, ready for JSON."""
    labels = judged.rules.labels
    provable = least_provable(least, levels, sizes)
    by_type = {}
    for label, name in enumerate(transactions.event_types):
        mine = labels == label
        by_type[name] = {
            "votes": int(sizes[label]),
            "rules": int(mine.sum()),
            "associated": int((mine & judged.associated).sum()),
            "linked": int((mine & judged.linked).sum()),
            "proven": int((mine & judged.proven).sum()),
            "leastProvableCount": int(provable[label, 2:].min()),
        }
    return {
        "votes": int(sizes.sum()),
        "itemsetsTested": {str(k): int(tests[k]) for k in range(2, thresholds.max_len + 1)},
        "log10Level": {str(k): float(levels[k] / np.log(10)) for k in range(2, thresholds.max_len + 1)},
        "eventTypes": by_type,
    }
