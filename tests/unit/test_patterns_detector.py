from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from miner.patterns.detector import (
    Detectors,
    Moments,
    Scale,
    evidence_means,
    fit_background,
    peak_cells,
    pooled_features,
)
from miner.store.formats import read_tensors, write_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from miner.patterns.pictures import Float32s

SQUARE = np.array([[0, 0], [2, 0], [0, 2], [2, 2]], dtype=np.float32)
DIAGONAL = np.array([[0, 0], [2, 2], [0, 0], [2, 2]], dtype=np.float32)

TWO = Detectors(
    pooled=np.array([[1, 0], [0, 2]], dtype=np.float32),
    scale=Scale(np.array([2, 4], dtype=np.float32), np.array([1, 2], dtype=np.float32)),
    cells=np.array([[1, -1], [3, 0]], dtype=np.float32),
    cell_bias=np.array([1, 0], dtype=np.float32),
)


@pytest.mark.parametrize(
    ("features", "shrinkage", "mean", "weights"),
    [
        # variances 4/3, plus 0.5 * 4/3: w = (1, 0) / 2
        pytest.param(SQUARE, 0.5, [2, 1], [0.5, 0], id="independent"),
        # covariance 4/3 [[1, 1], [1, 1]], plus 4/3 I; its inverse is [[0.5, -0.25], [-0.25, 0.5]]
        pytest.param(DIAGONAL, 1.0, [2, 1], [0.5, -0.25], id="correlated"),
        pytest.param(DIAGONAL, 1.0, [1, 1], [0, 0], id="like everything else"),
    ],
)
def test_discriminant_is_the_closed_form(
    features: Float32s, shrinkage: float, mean: list[float], weights: list[float]
) -> None:
    background = fit_background(features, shrinkage=shrinkage)
    assert background.mean.tolist() == [1, 1]
    np.testing.assert_allclose(background.discriminants(np.array([mean], dtype=float)), [weights], atol=1e-6)


def test_detector_that_says_nothing_is_like_no_other() -> None:
    alike = Moments.of(SQUARE).correlations(np.array([[1, 0], [-2, 0], [1, 1], [0, 0]], dtype=np.float32))
    root = 0.5**0.5
    np.testing.assert_allclose(
        alike, [[1, -1, root, 0], [-1, 1, -root, 0], [root, -root, 1, 0], [0, 0, 0, 0]], atol=1e-6
    )


def test_background_of_features_that_never_vary_can_be_fitted() -> None:
    background = fit_background(np.ones((5, 2), dtype=np.float32), shrinkage=0.3)
    assert background.discriminants(np.ones((1, 2))).tolist() == [[0, 0]]


def test_evidence_means_are_over_the_rows_of_each_pattern() -> None:
    assert evidence_means(SQUARE, [np.array([1, 3]), np.array([2])]).tolist() == [[2, 1], [0, 2]]


def test_pooled_features_are_square_roots() -> None:
    features = pooled_features(np.array([[0, 4, 2.25]], dtype=np.float16))
    assert features.tolist() == [[0, 2, 1.5]]
    assert features.dtype == np.float32


def test_scale_gives_standard_deviations_above_the_mean() -> None:
    scores = np.array([[1, 5], [3, 5]], dtype=np.float32)
    assert Scale.of(scores)(scores).tolist() == [[-1, 0], [1, 0]]


def test_detectors_score_pictures_and_cells() -> None:
    # square roots (3, 1) and (1, 2), times the weights, in deviations above the means
    assert TWO.scores(np.array([[9, 1], [1, 4]], dtype=np.float16)).tolist() == [[1, -1], [-1, 0]]
    cells = np.array([[[1, 0], [2, 3]]], dtype=np.float16)
    assert TWO.heat(cells, 0).tolist() == [[0, -2]]
    assert TWO.heat(cells, 1).tolist() == [[3, 6]]


def test_detectors_come_back_from_a_file(tmp_path: Path) -> None:
    write_tensors(tmp_path / "detectors.safetensors", TWO.tensors())
    back = Detectors.from_tensors(read_tensors(tmp_path / "detectors.safetensors"))
    assert len(back) == 2
    for name, tensor in TWO.tensors().items():
        np.testing.assert_array_equal(back.tensors()[name], tensor)


def test_detectors_selected_score_as_before_in_the_new_order() -> None:
    pooled = np.array([[9, 1], [1, 4]], dtype=np.float16)
    np.testing.assert_array_equal(TWO.select([1, 0, 1]).scores(pooled), TWO.scores(pooled)[:, [1, 0, 1]])
    assert len(TWO.select([1])) == 1


@pytest.mark.parametrize(
    ("cells", "fires", "peak"),
    [
        pytest.param([5, 0, 0], [True, False, False], 5, id="one filter, the others silent"),
        pytest.param([0, 8, 8], [True, True, True], 8, id="most votes"),
        pytest.param([0, 2, 7], [True, True, True], 4, id="between three filters"),
        pytest.param([6, 2, 0], [True, True, False], 2, id="the first of equals"),
        pytest.param([5, 6, 0], [True, True, False], 4, id="no neighbours across the edge of the map"),
    ],
)
def test_peak_cell_is_where_firing_filters_gather(cells: list[int], fires: list[bool], peak: int) -> None:
    found = peak_cells(np.array([cells], dtype=np.uint8), np.array([fires]), n_cells=9)
    assert found.tolist() == [peak]


def test_peak_cells_of_pictures_are_apart() -> None:
    cells = np.array([[0, 1], [8, 8]], dtype=np.uint16)
    assert peak_cells(cells, np.ones((2, 2), dtype=bool), n_cells=9).tolist() == [0, 8]
