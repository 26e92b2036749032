"""The reference engine: mlxtend's FP-growth below each text item. Slow, for small data and for checking the fast one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from mlxtend.frequent_patterns import fpgrowth

from miner.rules.condense import ALL_RULES, Condensing, condense
from miner.rules.ruleset import Rules
from miner.rules.search import bounds_of, require_votes
from miner.rules.walk import Bounds, most_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from miner.rules.thresholds import ItemChoice, Thresholds
    from miner.rules.transactions import Int32s, Int64s, Transactions

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MlxtendMiner:
    """mlxtend, made feasible by projection: only votes of one text item and one event type are mined at a time.

    Attributes:
        condensing: Which of the rules are wanted.
    """

    condensing: Condensing = ALL_RULES

    def mine(self, transactions: Transactions, thresholds: Thresholds, *, threads: int = 1) -> Rules:
        """Give the wanted rules; `threads` is ignored.

        Raises:
            MiningError: No labelled votes, or wanted items that no antecedent can hold.
        """
        del threads
        sizes = require_votes(transactions)
        n_visual = transactions.n_visual
        thresholds.items.require_possible(n_visual, transactions.n_text, thresholds.max_len)
        bounds = bounds_of(thresholds, sizes)
        labelled = transactions.labels >= 0
        holds = np.hstack(
            [
                _dense(transactions.visual_indptr, transactions.visual_indices, transactions.n_visual),
                _dense(transactions.text_indptr, transactions.text_indices, transactions.n_text),
            ]
        )[labelled]
        labels = transactions.labels[labelled]
        wanted, unwanted = _named(thresholds.items, n_visual)
        holds[:, list(unwanted)] = False
        found = [
            (items, numbers)
            for root in range(n_visual, holds.shape[1])
            for items, numbers in _mine_root(holds, labels, n_visual, root, bounds)
            if wanted <= set(items)
        ]
        antecedents = np.full((len(found), bounds.max_len), -1, np.int32)
        for row, (items, _) in enumerate(found):
            antecedents[row, : len(items)] = items
        numbers = np.array([numbers for _, numbers in found], np.int64).reshape(-1, 3)
        rules = Rules.sorted(antecedents, numbers, n_visual=n_visual, class_sizes=sizes)
        return rules.take(condense(rules, self.condensing))


def _named(items: ItemChoice, n_visual: int) -> tuple[set[int], set[int]]:
    """Give the items that antecedents must and must not hold, text items after visual ones."""
    return (
        {*items.must_have_visual, *(item + n_visual for item in items.must_have_text)},
        {*items.must_not_have_visual, *(item + n_visual for item in items.must_not_have_text)},
    )


def _dense(indptr: Int64s, indices: Int32s, n_items: int) -> Flags:
    """Give a CSR matrix of items as bool, (n, n_items)."""
    holds = np.zeros((len(indptr) - 1, n_items), np.bool_)
    holds[np.repeat(np.arange(len(indptr) - 1), np.diff(indptr)), indices] = True
    return holds


def _mine_root(
    holds: Flags, labels: Int32s, n_visual: int, root: int, bounds: Bounds
) -> Iterator[tuple[list[int], tuple[int, int, int]]]:
    """Give the rules whose last text item is the root, with event type, class count and count."""
    with_root = holds[:, root]
    below, labels = holds[with_root, :root], labels[with_root]
    for label, size in enumerate(bounds.class_sizes):
        of_class = below[labels == label]
        least = int(bounds.least_class[label, 2])
        if len(of_class) < least:
            continue
        frequent = fpgrowth(
            pd.DataFrame(of_class), min_support=(least - 0.5) / len(of_class), max_len=bounds.max_len - 1
        )
        for share, items in zip(frequent["support"], frequent["itemsets"], strict=True):
            class_count = round(share * len(of_class))
            count = int(np.count_nonzero(below[:, list(items)].all(axis=1)))
            if min(items) < n_visual and bounds.least_count <= count <= most_count(class_count, size, bounds):
                yield [*items, root], (label, class_count, count)
