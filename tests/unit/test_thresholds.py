"""Thresholds in whole numbers, ties included."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.config import MineConfig
from miner.errors import MiningError
from miner.rules.thresholds import Thresholds, least_whole


@given(st.integers(0, 60), st.integers(1, 60), st.integers(1, 100_000))
def test_least_whole_equals_exact_arithmetic(numerator: int, denominator: int, total: int) -> None:
    share = Fraction(min(numerator, denominator), denominator)
    exact = -(-share.numerator * total // share.denominator)
    assert least_whole(float(share), total) == exact


def test_least_counts_follow_the_definition() -> None:
    sizes = np.array([30, 70], np.int64)
    thresholds = Thresholds(min_support=0.07, min_class_count=2, min_confidence=0.5)
    assert thresholds.least_count(100) == 7
    assert thresholds.least_class_counts(sizes).tolist() == [4, 4]
    with_lift = Thresholds(min_support=0.07, min_class_count=2, min_confidence=0.5, min_lift=1.2)
    assert with_lift.least_class_counts(sizes).tolist() == [4, 6]  # 6 / 7 over 0.7 is 1.22, 5 / 7 over 0.7 is 1.02


def test_min_support_count_bounds_the_class_count() -> None:
    thresholds = Thresholds.of(MineConfig(min_support_count=5, min_support=0.0, min_lift=0.0))
    assert thresholds.least_count(100) == 1
    assert thresholds.least_class_counts(np.array([50, 50], np.int64)).tolist() == [5, 5]


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("min_support", 1.5, "0 to 1"),
        ("min_class_count", 0, "1 or more"),
        ("min_confidence", 0.0, "above 0, at most 1"),
        ("min_lift", float("inf"), "0 or more"),
        ("max_len", 1, "2 or more"),
    ],
)
def test_thresholds_out_of_range_are_named(name: str, value: float, allowed: str) -> None:
    with pytest.raises(MiningError, match=f"{name} = {value} is out of range: allowed is {allowed}"):
        Thresholds(**{name: value})  # type: ignore[arg-type]
