"""Measures: hand-computed values, ranges, monotony, and mlxtend's own numbers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlxtend.frequent_patterns import association_rules, fpgrowth

from miner.rules.measures import MEASURES

# 20 votes; 8 match the antecedent, 5 have the event type, 4 have both.
HAND = {
    "support": 4 / 20,
    "confidence": 4 / 8,
    "lift": (4 / 8) / (5 / 20),
    "leverage": 4 / 20 - (8 / 20) * (5 / 20),
    "conviction": (1 - 5 / 20) / (1 - 4 / 8),
    "zhang": 0.1 / max(0.2 * 0.6, 0.4 * 0.05),
    "jaccard": 4 / 9,
    "kulczynski": (4 / 8 + 4 / 5) / 2,
    "odds_ratio": (4 * 11) / (4 * 1),
    "growth_rate": (4 / 5) / (4 / 15),
    "wracc": (8 / 20) * (4 / 8 - 5 / 20),
}

RANGES = {
    "support": (0, 1),
    "confidence": (0, 1),
    "lift": (0, math.inf),
    "leverage": (-0.25, 0.25),
    "conviction": (0, math.inf),
    "zhang": (-1, 1),
    "jaccard": (0, 1),
    "kulczynski": (0, 1),
    "odds_ratio": (0, math.inf),
    "growth_rate": (0, math.inf),
    "wracc": (-0.25, 0.25),
}

MLXTEND = {
    "support": "support",
    "confidence": "confidence",
    "lift": "lift",
    "leverage": "leverage",
    "conviction": "conviction",
    "zhang": "zhangs_metric",
    "jaccard": "jaccard",
    "kulczynski": "kulczynski",
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    total = draw(st.integers(2, 60))
    consequent = draw(st.integers(1, total - 1))
    both = draw(st.integers(0, consequent))
    antecedent = draw(st.integers(max(both, 1), total - consequent + both))
    return both, antecedent, consequent, total


def test_measures_all_have_hand_computed_values_and_ranges() -> None:
    assert set(MEASURES) == set(HAND) == set(RANGES)


@pytest.mark.parametrize("name", MEASURES)
def test_measures_match_hand_computed_values(name: str) -> None:
    assert float(MEASURES[name](4, 8, 5, 20)) == pytest.approx(HAND[name])


@pytest.mark.parametrize("name", MEASURES)
@given(tables())
def test_measures_stay_in_their_range(name: str, table: tuple[int, int, int, int]) -> None:
    low, high = RANGES[name]
    assert low - 1e-12 <= float(MEASURES[name](*table)) <= high + 1e-12


@pytest.mark.parametrize("name", MEASURES)
@given(tables())
def test_measures_never_rise_with_votes_of_other_types(name: str, table: tuple[int, int, int, int]) -> None:
    both, antecedent, consequent, total = table
    if both == 0:
        return
    bound = float(MEASURES[name](both, both, consequent, total))
    assert float(MEASURES[name](both, antecedent, consequent, total)) <= bound + 1e-12


@pytest.mark.parametrize("name", MLXTEND)
def test_measures_equal_those_of_mlxtend(name: str) -> None:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.random((80, 6)) < 0.5, columns=[*"abcdey"])
    frame["y"] = frame["a"] & frame["b"] | (rng.random(80) < 0.2)
    frequent = fpgrowth(frame, min_support=1e-9, use_colnames=True)
    rules = association_rules(frequent, metric="support", min_threshold=0.0)
    rules = rules[rules["consequents"].map(lambda items: items == frozenset("y"))]
    both = (rules["support"] * 80).round()
    antecedent = (rules["antecedent support"] * 80).round()
    ours = MEASURES[name](both, antecedent, int(frame["y"].sum()), 80)
    assert len(rules) > 20
    np.testing.assert_allclose(ours, rules[MLXTEND[name]].to_numpy(float), atol=1e-12)
