"""Brute force: every itemset tried against every vote, thresholds compared as fractions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from miner.rules.ruleset import Rules
    from miner.rules.transactions import Transactions

Found = tuple[str, tuple[int, ...], tuple[int, ...], int, int]


@dataclass(frozen=True)
class ExactThresholds:
    """Thresholds as fractions, so that a tie is a tie."""

    min_support: Fraction
    min_class_count: int
    min_confidence: Fraction
    min_lift: Fraction
    max_len: int


def votes(transactions: Transactions) -> list[tuple[frozenset[tuple[str, int]], int]]:
    """Items (kind, number) and label of every labelled vote."""
    out = []
    for row, label in enumerate(transactions.labels):
        visual = transactions.visual_indices[transactions.visual_indptr[row] : transactions.visual_indptr[row + 1]]
        text = transactions.text_indices[transactions.text_indptr[row] : transactions.text_indptr[row + 1]]
        items = {("v", int(item)) for item in visual} | {("x", int(item)) for item in text}
        if label >= 0:
            out.append((frozenset(items), int(label)))
    return out


def itemsets(transactions: Transactions, max_len: int) -> Iterator[frozenset[tuple[str, int]]]:
    """Every set of at least one visual and one text item that exists."""
    items = [("v", item) for item in range(transactions.n_visual)] + [
        ("x", item) for item in range(transactions.n_text)
    ]
    for length in range(2, max_len + 1):
        for chosen in combinations(items, length):
            if {kind for kind, _ in chosen} == {"v", "x"}:
                yield frozenset(chosen)


def brute_force(transactions: Transactions, thresholds: ExactThresholds) -> set[Found]:
    """All rules: event type, visual items, text items, class count, count."""
    rows = votes(transactions)
    sizes = [sum(label == own for _, own in rows) for label in range(len(transactions.event_types))]
    found = set()
    for chosen in itemsets(transactions, thresholds.max_len):
        matching = [label for items, label in rows if chosen <= items]
        if not matching or Fraction(len(matching), len(rows)) < thresholds.min_support:
            continue
        for label, name in enumerate(transactions.event_types):
            both = matching.count(label)
            if both < max(1, thresholds.min_class_count) or Fraction(both, len(matching)) < thresholds.min_confidence:
                continue
            if Fraction(both * len(rows), len(matching) * sizes[label]) >= thresholds.min_lift:
                visual = tuple(sorted(item for kind, item in chosen if kind == "v"))
                text = tuple(sorted(item for kind, item in chosen if kind == "x"))
                found.add((name, visual, text, both, len(matching)))
    return found


def as_found(rules: Rules, event_types: tuple[str, ...]) -> list[Found]:
    """Rules of an engine in the oracle's form, in the engine's order."""
    visual, text = (column.to_pylist() for column in rules.item_lists())
    return [
        (event_types[label], tuple(v), tuple(x), int(both), int(count))
        for label, v, x, both, count in zip(rules.labels, visual, text, rules.class_counts, rules.counts, strict=True)
    ]
