from __future__ import annotations

import numpy as np
import pytest

from kb.evaluate.consistency import margin, mean_cosine


def test_mean_cosine_is_over_pairs_of_different_patches() -> None:
    # cosines 1 (the first two), 0 and 0
    features = np.array([[2, 0], [5, 0], [0, 1]], dtype=np.float32)
    assert mean_cosine(features) == pytest.approx(1 / 3)


def test_margin_is_what_patches_have_in_common_beyond_random_ones() -> None:
    alike, unlike = np.array([[1, 0], [1, 0]], np.float32), np.array([[1, 0], [0, 1]], np.float32)
    assert margin(alike, unlike) == pytest.approx(1)
    assert margin(unlike, alike) == pytest.approx(-1)
    assert margin(alike, alike) == pytest.approx(0)
