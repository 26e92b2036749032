"""The compiled engine against mlxtend used as its own documentation says: all itemsets, then rules, then the constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from mlxtend.frequent_patterns import apriori, association_rules, fpgrowth

from miner.rules.search import BitmapMiner
from miner.rules.thresholds import Thresholds
from miner.rules.transactions import Transactions
from tests.oracle import as_found

if TYPE_CHECKING:
    from tests.oracle import Found

TYPES = ("A.One", "B.Two", "C.Three")
N_VISUAL, N_TEXT, MAX_LEN = 3, 3, 4


def corpus(seed: int) -> tuple[Transactions, pd.DataFrame]:
    """One corpus as transactions and as mlxtend's table, the event type being a column like any item."""
    rng = np.random.default_rng(seed)
    n_rows = int(rng.choice([20, 50, 100, 200]))
    holds = rng.random((n_rows, N_VISUAL + N_TEXT)) < rng.choice([0.3, 0.5])
    labels = rng.integers(0, len(TYPES), n_rows)
    transactions = Transactions.from_rows(
        [np.flatnonzero(row[:N_VISUAL]).tolist() for row in holds],
        [np.flatnonzero(row[N_VISUAL:]).tolist() for row in holds],
        labels.tolist(),
        event_types=TYPES,
    )
    names = [f"v{item}" for item in range(N_VISUAL)] + [f"x{item}" for item in range(N_TEXT)]
    return transactions, pd.DataFrame(
        np.hstack([holds, labels[:, None] == np.arange(len(TYPES))]), columns=[*names, *TYPES]
    )


def by_mlxtend(table: pd.DataFrame, *, growth: bool) -> list[Found]:
    """Rules of mlxtend with one event type on the right and both kinds on the left.

    Supports come back as floats of floats, so counts are recovered before any threshold is applied.
    """
    n_rows = len(table)
    miner = fpgrowth if growth else apriori
    frequent = miner(table, min_support=0.5 / n_rows, use_colnames=True, max_len=MAX_LEN + 1)
    rules = association_rules(frequent, metric="support", min_threshold=0.0)
    found = []
    for left, right, antecedent_support, support in zip(
        rules["antecedents"], rules["consequents"], rules["antecedent support"], rules["support"], strict=True
    ):
        if len(right) == 1 and right <= set(TYPES) and {name[0] for name in left} == {"v", "x"}:
            visual = tuple(sorted(int(name[1:]) for name in left if name[0] == "v"))
            text = tuple(sorted(int(name[1:]) for name in left if name[0] == "x"))
            both, count = round(support * n_rows), round(antecedent_support * n_rows)
            found.append((next(iter(right)), visual, text, both, count))
    return found


def reaches(rule: Found, thresholds: Thresholds, n_rows: int) -> bool:
    _, visual, text, both, count = rule
    return (
        len(visual) + len(text) <= thresholds.max_len
        and count / n_rows >= thresholds.min_support
        and both / count >= thresholds.min_confidence
    )


@pytest.mark.parametrize("seed", range(25))
def test_bitmap_miner_equals_mlxtend(seed: int) -> None:
    rng = np.random.default_rng(1_000 + seed)
    transactions, table = corpus(seed)
    reference = by_mlxtend(table, growth=seed % 2 == 0)
    for _ in range(10):
        thresholds = Thresholds(
            min_support=float(rng.integers(1, 10)) / len(table),
            min_confidence=float(rng.choice([0.25, 1 / 3, 0.4, 0.5, 0.6, 2 / 3, 0.8, 1.0])),
            max_len=int(rng.integers(2, MAX_LEN + 1)),
        )
        found = as_found(BitmapMiner().mine(transactions, thresholds), TYPES)
        assert set(found) == {rule for rule in reference if reaches(rule, thresholds, len(table))}
