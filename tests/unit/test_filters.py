from __future__ import annotations

import numpy as np
import pytest

from miner.config import VisualConfig
from miner.errors import ConfigError
from miner.visual.filters import fired, fired_top_k, firing_share, fit_thresholds


def test_filters_fire_in_the_asked_share_by_hand() -> None:
    """Of 10 pictures 20 % are 2: those above the third largest value."""
    maxima = np.array([[0, 9], [1, 8], [2, 7], [3, 6], [4, 5], [5, 4], [6, 3], [7, 2], [8, 1], [9, 0]], np.float16)
    thresholds = fit_thresholds(maxima, fires_top=0.2)
    assert thresholds.tolist() == [7, 7]
    found = fired(maxima, thresholds)
    assert found.indptr.tolist() == [0, 1, 2, 2, 2, 2, 2, 2, 2, 3, 4]
    assert found.indices.tolist() == [1, 1, 0, 0]


def test_filters_that_never_rise_are_dead() -> None:
    maxima = np.array([[0, 1], [0, 2]], np.float16)
    thresholds = fit_thresholds(maxima, fires_top=0.5)
    assert thresholds.tolist() == [np.inf, 1]
    # dead on the pictures it was fitted to, so it has no say on others either
    assert fired(np.array([[50, 50]], np.float16), thresholds).indices.tolist() == [1]


def test_filters_of_equal_values_fire_less_rather_than_more() -> None:
    maxima = np.array([[3, 3], [3, 2], [3, 1], [1, 0]], np.float16)
    found = fired(maxima, fit_thresholds(maxima, fires_top=0.5))
    assert found.indices.tolist() == [1, 1]


def test_filters_of_a_small_corpus_fire_once() -> None:
    maxima = np.arange(8, dtype=np.float16)[:, None]
    assert fit_thresholds(maxima, fires_top=0.02).tolist() == [6]


def test_filters_of_one_picture_and_of_none() -> None:
    assert fit_thresholds(np.array([[2.0]], np.float16), fires_top=0.5).tolist() == [2]
    assert fit_thresholds(np.empty((0, 3), np.float16), fires_top=0.5).tolist() == [np.inf] * 3
    assert fired(np.empty((0, 3), np.float16), np.zeros(3, np.float32)).indptr.tolist() == [0]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_filters_refuse_a_share_out_of_range(share: float) -> None:
    with pytest.raises(ConfigError, match="fires_top is"):
        fit_thresholds(np.ones((2, 1), np.float16), fires_top=share)


def test_filters_top_k_takes_the_first_of_equals_and_nothing_at_zero() -> None:
    maxima = np.array([[1, 5, 5, 2], [0, 0, 3, 0], [4, 4, 4, 4]], np.float16)
    found = fired_top_k(maxima, 2)
    assert found.indptr.tolist() == [0, 2, 3, 5]
    assert found.indices.tolist() == [1, 2, 2, 0, 1]


def test_filters_share_follows_the_number_of_groups() -> None:
    assert firing_share(VisualConfig(), 9_999) == 0.05
    assert firing_share(VisualConfig(), 10_000) == 0.02
    assert firing_share(VisualConfig(fires_top=0.11), 10_000) == 0.11


def test_filters_work_in_pieces_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    maxima = np.random.default_rng(0).random((50, 7)).astype(np.float16)
    thresholds = fit_thresholds(maxima, fires_top=0.1)
    whole, top = fired(maxima, thresholds), fired_top_k(maxima, 3)
    monkeypatch.setattr("miner.visual.filters.MAX_CHUNK", 60)
    assert np.array_equal(fit_thresholds(maxima, fires_top=0.1), thresholds)
    for found, expected in ((fired(maxima, thresholds), whole), (fired_top_k(maxima, 3), top)):
        assert np.array_equal(found.indptr, expected.indptr)
        assert np.array_equal(found.indices, expected.indices)
