from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from kb.evaluate.retrieval import (
    N_TRIED,
    best_filter_set,
    bootstrap_interval,
    filter_set_scores,
    probe_scores,
    r_precision,
)


def floats(*values: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, dtype=np.float32)


def bools(*values: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.array(values, dtype=bool)


@pytest.mark.parametrize(
    ("scores", "relevant", "precision"),
    [
        pytest.param([0.9, 0.8, 0.7, 0.1], [1, 0, 1, 1], 2 / 3, id="two of the best three"),
        pytest.param([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], 1, id="all"),
        pytest.param([0.4, 0.3, 0.2, 0.1], [0, 0, 1, 1], 0, id="none"),
        pytest.param([0.5, 0.5, 0.5], [0, 1, 0], 0, id="the first of equals"),
        pytest.param([0.2, 0.1], [1, 1], 1, id="everything is relevant"),
    ],
)
def test_r_precision_by_hand(scores: list[float], relevant: list[int], precision: float) -> None:
    assert r_precision(floats(*scores), bools(*relevant)) == pytest.approx(precision)


def test_filter_set_ranks_by_how_many_fire_and_then_by_how_strongly() -> None:
    maxima = floats([9, 0], [2, 2], [1.5, 1.5], [1, 1], [0.2, 0], [0, 0])
    scores = filter_set_scores(maxima, floats(1, 1))
    # two fire (strictly), strongly and less so; one fires, by far; none
    assert all(a > b for a, b in pairwise(scores[[1, 2, 0, 3, 4, 5]].tolist()))
    assert np.floor(scores + 0.5).tolist()[1:3] == [2, 2]


def test_filter_set_of_a_dead_filter_finds_nothing() -> None:
    assert np.ptp(filter_set_scores(floats([1, 0], [0, 0]), floats(np.inf, np.inf))) == 0


def test_best_filter_set_takes_one_item_where_one_is_enough() -> None:
    maxima = floats([0, 1, 1], [0, 1, 1], [1, 0, 1], [1, 0, 0])
    assert best_filter_set(maxima, floats(0.5, 0.5, 0.5), bools(1, 1, 0, 0)) == (1,)


def test_best_filter_set_joins_items_that_only_together_tell() -> None:
    both, first, second = [1, 1, 0], [1, 0, 0], [0, 1, 0]
    maxima = floats(first, first, second, second, both, both)
    assert best_filter_set(maxima, floats(0.5, 0.5, 0.5), bools(0, 0, 0, 0, 1, 1)) == (0, 1)


def test_best_filter_set_tries_the_first_items_only() -> None:
    maxima = np.zeros((4, N_TRIED + 1), dtype=np.float32)
    maxima[2:, N_TRIED] = 1
    assert N_TRIED not in best_filter_set(maxima, np.full(N_TRIED + 1, 0.5, np.float32), bools(0, 0, 1, 1))
    assert best_filter_set(maxima[:, 1:], np.full(N_TRIED, 0.5, np.float32), bools(0, 0, 1, 1)) == (N_TRIED - 1,)


def test_probe_finds_a_planted_feature() -> None:
    rng = np.random.default_rng(0)
    training, held_out = (rng.normal(size=(n, 5)).astype(np.float32) for n in (80, 40))
    known, relevant = training[:, 2] > 0.8, held_out[:, 2] > 0.8
    assert r_precision(probe_scores(training, known, held_out), relevant) > 0.8


def test_probe_told_that_everything_has_the_name_scores_all_alike() -> None:
    assert np.ptp(probe_scores(floats([0], [1]), bools(1, 1), floats([0], [5], [9]))) == 0


def test_bootstrap_interval_holds_the_mean_and_narrows_with_more_values() -> None:
    low, high = bootstrap_interval([0, 1] * 50, seed=0)
    # the mean of 100 fair coins: 0.5 ± 1.96 * 0.05
    assert [low, high] == pytest.approx([0.402, 0.598], abs=0.02)
    wide = bootstrap_interval([0, 1] * 5, seed=0)
    assert wide[0] < low < high < wide[1]


def test_bootstrap_interval_repeats_with_its_seed_and_of_equal_values_is_a_point() -> None:
    assert bootstrap_interval([0.1, 0.4, 0.9], seed=1) == bootstrap_interval([0.1, 0.4, 0.9], seed=1)
    assert bootstrap_interval([0.25] * 7, seed=3) == (0.25, 0.25)
