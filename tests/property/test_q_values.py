"""The q-value of every rule against Benjamini-Hochberg written out over all itemsets that could have been proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from miner.rules.mine import mine_rules
from tests.oracle import itemsets, votes
from tests.property.test_verdict import TYPES, configs, corpora, counts, items_of, tail

if TYPE_CHECKING:
    from miner.config import MineConfig
    from miner.rules.transactions import Transactions

Claim = tuple[frozenset[tuple[str, int]], str]


def provable(corpus: Transactions, config: MineConfig, levels: dict[str, float]) -> dict[Claim, float]:
    """The p-value of every itemset and event type that could have reached the level of its length, rule or not."""
    rows = votes(corpus)
    sizes = [sum(own == label for _, own in rows) for label in range(len(TYPES))]
    tests = {}
    for items in itemsets(corpus, config.max_len):
        for label, size in enumerate(sizes):
            both, n_votes = counts(rows, items, label)
            most = min(n_votes, size)
            if n_votes >= config.min_support_count and tail(most, most, size, len(rows)) <= levels[str(len(items))]:
                tests[items, TYPES[label]] = tail(both, n_votes, size, len(rows))
    return tests


def step_up(p_values: dict[Claim, float], n_tests: dict[str, float]) -> dict[Claim, float]:
    """Benjamini-Hochberg by its definition: the least share of errors among those at least as small that includes a test.

    Each length has the same share, so a p-value counts as often as its length has tests, times the number of lengths.
    """
    n_lengths = sum(number > 0 for number in n_tests.values())
    weighted = {test: p * n_tests[str(len(test[0]))] * n_lengths for test, p in p_values.items()}
    shares = {limit: limit / sum(own <= limit for own in weighted.values()) for limit in set(weighted.values())}
    return {
        test: min(1.0, *(share for limit, share in shares.items() if limit >= own)) for test, own in weighted.items()
    }


@settings(max_examples=60, deadline=None)
@given(corpora(), configs)
def test_q_values_are_those_of_their_definition_and_never_too_small(corpus: Transactions, config: MineConfig) -> None:
    result = mine_rules(corpus, config)
    tests = provable(corpus, config, result.summary["level"])
    n_tests = {
        length: float(sum(len(items) == int(length) for items, _ in tests)) for length in result.summary["tests"]
    }
    assert all(n_tests[length] <= bound * (1 + 1e-9) for length, bound in result.summary["tests"].items())
    found = {(items_of(row), row["eventType"]): row["qValue"] for row in result.rules.to_pylist()}
    ranked = {test: tests[test] for test in found if test in tests}
    expected = step_up(ranked, result.summary["tests"])
    # With all tests, found or not, counted one by one: what is reported may only be larger.
    exact = step_up(tests, n_tests)
    for test, q_value in found.items():
        assert q_value == pytest.approx(expected.get(test, 1.0), rel=1e-6)
        assert q_value >= exact.get(test, 0.0) * (1 - 1e-6)
