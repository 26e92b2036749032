from __future__ import annotations

import numpy as np
import pytest

from kb.evaluate.intervals import estimate, estimate_quotient


def test_mean_is_that_of_the_splits_not_of_all_values() -> None:
    found = estimate([[1.0], [0.0, 0.0, 0.0]], seed=0)
    assert (found.value, found.n) == (0.5, 4)


def test_sums_are_averaged_over_splits_and_empty_splits_count() -> None:
    assert estimate([[1, 0, 1, 1], []], "sum", seed=0).value == 1.5
    assert estimate([[1.0], []], seed=0).value == 1.0


def test_nothing_to_estimate_from_is_none_and_not_zero() -> None:
    assert estimate([[], []], seed=0) == (None, None, None, 0)
    assert estimate([[]], "sum", seed=0)[:3] == (0.0, 0.0, 0.0)


def test_interval_of_fair_coins_is_the_textbook_one() -> None:
    found = estimate([[0.0, 1.0] * 50], seed=0)
    assert found.low == pytest.approx(0.402, abs=0.02)
    assert found.high == pytest.approx(0.598, abs=0.02)


def test_interval_holds_what_splits_differ_in() -> None:
    alike = estimate([[0.4, 0.6]] * 5, seed=0)
    apart = estimate([[0.0, 0.0], [0.25, 0.25], [0.5, 0.5], [0.75, 0.75], [1.0, 1.0]], seed=0)
    assert alike.value == apart.value == 0.5
    assert alike.low is not None
    assert apart.low is not None
    assert apart.low < alike.low


def test_estimates_repeat_with_their_seed() -> None:
    values = [[0.01 * place**1.5 for place in range(40)], [0.3, 0.2]]
    assert estimate(values, seed=1) == estimate(values, seed=1)
    assert estimate(values, seed=1) != estimate(values, seed=2)


def test_quotient_of_the_same_patterns_compares_each_with_itself() -> None:
    below = [[0.1, 0.5, 0.9], [0.2, 0.8]]
    found = estimate_quotient([[2 * value for value in split] for split in below], below, seed=0)
    assert found[:3] == pytest.approx((2.0, 2.0, 2.0))
    assert found.n == 5


def test_quotient_of_sums_and_of_different_numbers_of_patterns() -> None:
    found = estimate_quotient([[1, 1, 1], [1, 1, 1]], [[1, 0], [1, 0, 0]], "sum", seed=0)
    assert found.value == 3.0
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 3.0 <= found.high


def test_quotient_of_different_things_draws_the_same_splits_and_different_values() -> None:
    # one value a split: all that is drawn is splits, the same above and below
    assert estimate_quotient([[1.0], [2.0]], [[1.0], [2.0]], seed=0, paired=False)[:3] == (1.0, 1.0, 1.0)
    values = [[0.1 * place for place in range(1, 10)]]
    alike = estimate_quotient(values, values, seed=0)
    apart = estimate_quotient(values, values, seed=0, paired=False)
    assert alike[:3] == (1.0, 1.0, 1.0)
    assert apart.value == 1.0
    assert apart.low is not None
    assert apart.high is not None
    # the mean of 1 to 9 has a standard error of 0.17 of itself, the quotient of two such means of 0.24
    assert apart.low == pytest.approx(np.exp(-1.96 * 0.24), abs=0.06)
    assert apart.high == pytest.approx(np.exp(1.96 * 0.24), abs=0.15)


def test_quotient_by_nothing_is_none() -> None:
    assert estimate_quotient([[1.0]], [[0.0]], seed=0) == (None, None, None, 0)
    assert estimate_quotient([[]], [[1.0]], seed=0) == (None, None, None, 0)
