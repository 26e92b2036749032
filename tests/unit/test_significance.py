"""Levels and q-values on tables small enough to check by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from miner.rules.significance import bounded_numbers, layer_level, layered_q, least_log_p, least_provable


def test_least_log_p_is_the_chance_that_all_matches_are_of_the_type() -> None:
    least = least_log_p(np.array([2, 8], np.int64), 5)
    assert np.exp(least[0, 1]) == pytest.approx(2 / 10)
    assert np.exp(least[0, 2]) == pytest.approx(1 / 45)
    assert least[0, 5] == least[0, 2]  # more matches than votes of the type: no smaller p than at its size
    assert np.exp(least[1, 2]) == pytest.approx(28 / 45)


def test_layer_level_shares_alpha_among_the_itemsets_that_could_pass() -> None:
    # one type; smallest p 0.5, 0.1, 0.01, 0.001 at counts 1 to 4
    least = np.log([[1.0, 0.5, 0.1, 0.01, 0.001, 0.0001]])
    # 1,000 itemsets with one match, 10 with two or three, 5 of those with three; none with more
    most = np.array([1_000.0, 1_000.0, 10.0, 5.0, 0.0, 0.0])
    # with 5 tests (count 3): 0.05 / 5 = 0.01 is attainable; with 10 tests (count 2): 0.005 < 0.1 is not
    assert math.exp(layer_level(most, least, 0.05)) == pytest.approx(0.01)


def test_layer_level_is_alpha_itself_where_there_is_nothing_to_test() -> None:
    least = np.log([[1.0, 0.5, 0.1]])
    assert layer_level(np.zeros(3), least, 0.05) == math.log(0.05)


@given(st.integers(0, 2**32 - 1))
def test_layer_level_is_allowed_and_a_larger_one_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cap = int(rng.integers(2, 12))
    least = -np.sort(rng.exponential(3.0, (int(rng.integers(1, 4)), cap + 1)).cumsum(axis=1))
    most = np.sort(rng.integers(0, 1_000, cap + 1))[::-1].astype(float)

    def error(level: float) -> float:
        # the last count stands for all larger ones, so it is always a test
        counts = [np.flatnonzero(np.append(row[:-1], -np.inf) <= level)[0] for row in least]
        return math.exp(level) * float(sum(most[count] for count in counts))

    level = layer_level(most, least, 0.05)
    if level > -math.inf:
        assert error(level) <= 0.05 * (1 + 1e-9)
        for larger in [math.log(0.05), *least.ravel(), level + 1e-6]:
            assert larger <= level + 1e-9 or larger > math.log(0.05) or error(larger) >= 0.05 * (1 - 1e-3)


def test_least_provable_is_beyond_the_type_where_nothing_can_be_proven() -> None:
    sizes = np.array([3, 7], np.int64)
    least = least_log_p(sizes, 10)
    levels = np.array([-math.inf, -math.inf, math.log(1 / 119), math.log(1e-9)])
    assert least_provable(least, levels, sizes)[:, 2:].tolist() == [[3, 4], [7, 8]]


def test_bounded_numbers_counts_what_rows_hold() -> None:
    # two rows with 2 visual and 1 text item: 2 pairs and 1 triple each; an itemset of count 2 uses up two of them
    most = bounded_numbers(np.array([[0, 0], [0, 0], [0, 2]]), 3, 1, 2)
    assert most[2].tolist() == [4.0, 4.0, 2.0]
    assert most[3].tolist() == [2.0, 2.0, 1.0]


@given(st.lists(st.floats(1e-12, 1.0), min_size=1, max_size=30))
def test_layered_q_of_one_layer_is_benjamini_hochberg(p_values: list[float]) -> None:
    ours = layered_q(np.log(p_values), np.full(len(p_values), 2, np.int64))
    np.testing.assert_allclose(ours, false_discovery_control(p_values), rtol=1e-9)


def test_layered_q_protects_few_tests_from_many() -> None:
    log_p = np.log(np.concatenate([[0.001], np.linspace(0.2, 1.0, 999)]))
    together = layered_q(log_p, np.full(1_000, 2, np.int64))
    apart = layered_q(log_p, np.array([2] + [3] * 999, np.int64))
    assert together[0] == pytest.approx(1.0, abs=0.01)
    assert apart[0] == pytest.approx(0.002)
