"""Fisher tails: exact fractions, far tails, identities."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.rules.hypergeom import log_pmf, log_tail, log_tails


def exact_tail(n_hit: int, n_drawn: int, n_good: int, n_all: int) -> Fraction:
    ways = sum(
        math.comb(n_good, hit) * math.comb(n_all - n_good, n_drawn - hit)
        for hit in range(max(n_hit, 0), min(n_drawn, n_good) + 1)
    )
    return Fraction(ways, math.comb(n_all, n_drawn))


def log_of(fraction: Fraction) -> float:
    return math.log(fraction.numerator) - math.log(fraction.denominator)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    n_all = draw(st.integers(1, 400))
    n_good = draw(st.integers(0, n_all))
    n_drawn = draw(st.integers(0, n_all))
    low, high = max(0, n_drawn + n_good - n_all), min(n_drawn, n_good)
    return draw(st.integers(low, high)), n_drawn, n_good, n_all


@given(tables())
def test_tail_equals_the_sum_of_binomials(table: tuple[int, int, int, int]) -> None:
    assert log_tail(*table) == pytest.approx(log_of(exact_tail(*table)), rel=1e-12, abs=1e-12)


@given(tables())
def test_tail_is_symmetric_in_what_is_drawn_and_what_is_good(table: tuple[int, int, int, int]) -> None:
    n_hit, n_drawn, n_good, n_all = table
    assert log_tail(n_hit, n_drawn, n_good, n_all) == pytest.approx(
        log_tail(n_hit, n_good, n_drawn, n_all), rel=1e-12, abs=1e-12
    )


def test_tail_is_accurate_far_below_the_smallest_float() -> None:
    table = (900, 1_000, 1_000, 100_000)
    exact = log_of(exact_tail(*table))
    assert exact < -3_000
    assert log_tail(*table) == pytest.approx(exact, rel=1e-13)


def test_tail_keeps_its_digits_at_ten_million_votes() -> None:
    # sum of exact binomials, computed with 60 digits
    assert log_tail(2_169_059, 4_196_331, 5_163_169, 10_000_000) == pytest.approx(-6.9592442354664055, rel=1e-12)
    assert log_tail(3_169_408, 5_488_064, 5_764_202, 10_000_000) == pytest.approx(-32.51352863522399, rel=1e-12)


def test_tail_handles_the_edges() -> None:
    assert log_tail(0, 5, 5, 10) == 0.0
    assert log_tail(6, 5, 5, 10) == -math.inf
    assert log_tail(5, 5, 5, 5) == 0.0
    assert log_pmf(3, 2, 5, 10) == -math.inf
    assert log_tail(2, 2, 2, 4) == pytest.approx(math.log(1 / 6))


def test_tails_are_elementwise() -> None:
    columns = [np.array(column, np.int64) for column in ((4, 2), (8, 3), (5, 4), (20, 9))]
    assert log_tails(*columns).tolist() == [log_tail(4, 8, 5, 20), log_tail(2, 3, 4, 9)]
