from __future__ import annotations

import numpy as np
import pytest

from miner.errors import ConfigError
from miner.visual.activations import Maps, join_activations, no_activations, random_projection, summarise


def maps_of(n: int, *, seed: int = 0, shape: tuple[int, int, int] = (6, 2, 3), n_classes: int = 0) -> Maps:
    rng = np.random.default_rng(seed)
    classes = rng.normal(size=(n, n_classes, *shape[1:])).astype(np.float32)
    return Maps(rng.random((n, *shape), dtype=np.float32), classes)


def filters_only(filters: np.ndarray) -> Maps:
    return Maps(filters, filters[:, :0])


def test_activations_keep_the_first_of_equal_maxima() -> None:
    maps = np.zeros((1, 2, 2, 2), np.float32)
    maps[0, 0] = [[1, 3], [3, 2]]
    found = summarise(filters_only(maps), np.zeros((2, 1), np.float32))
    assert found.maxima.tolist() == [[3, 0]]
    assert found.cells.tolist() == [[1, 0]]
    assert found.pooled.tolist() == [[2.25, 0]]


def test_activations_of_classes_follow_those_of_filters_and_keep_their_sign() -> None:
    filters, classes = np.zeros((1, 1, 2, 2), np.float32), np.zeros((1, 2, 2, 2), np.float32)
    filters[0, 0] = [[0, 3], [1, 0]]
    classes[0] = [[[-1, -2], [4, 0]], [[-3, -2], [-2, -9]]]
    found = summarise(Maps(filters, classes), np.ones((1, 1), np.float32))
    assert found.maxima.tolist() == [[3, 4, -2]]
    assert found.cells.tolist() == [[1, 2, 1]]
    assert found.pooled.tolist() == [[1]]
    assert found.projected.tolist() == [[[0], [3], [1], [0]]]


def test_activations_have_the_stored_types_and_shapes() -> None:
    found = summarise(maps_of(4, n_classes=5), random_projection(6, 3, seed=0))
    assert (found.maxima.dtype.name, found.maxima.shape) == ("float16", (4, 11))
    assert (found.cells.dtype.name, found.cells.shape) == ("uint8", (4, 11))
    assert (found.pooled.dtype.name, found.pooled.shape) == ("float16", (4, 6))
    assert (found.projected.dtype.name, found.projected.shape) == ("float16", (4, 6, 3))


def test_activations_count_many_cells_in_two_bytes() -> None:
    maps = np.zeros((1, 1, 17, 17), np.float32)
    maps[0, 0, 16, 16] = 1
    found = summarise(filters_only(maps), np.zeros((1, 1), np.float32))
    assert found.cells.dtype == np.uint16
    assert found.cells.tolist() == [[288]]


def test_activations_of_batches_join_to_those_of_all() -> None:
    maps, projection = maps_of(5, n_classes=4), random_projection(6, 3, seed=0)
    rest = Maps(maps.filters[2:], maps.classes[2:])
    whole = summarise(maps, projection)
    parts = [no_activations(6, 4, 6, 3), summarise(maps.first(2), projection), summarise(rest, projection)]
    joined = join_activations(parts)
    for name in ("maxima", "cells", "pooled", "projected"):
        assert getattr(joined, name).dtype == getattr(whole, name).dtype
        assert np.array_equal(getattr(joined, name), getattr(whole, name))


@pytest.mark.parametrize(("n_filters", "n_dims"), [(1280, 256), (64, 64), (5, 1)])
def test_activations_projection_has_orthonormal_columns(n_filters: int, n_dims: int) -> None:
    projection = random_projection(n_filters, n_dims, seed=3)
    assert projection.dtype == np.float32
    assert np.allclose(projection.T @ projection, np.eye(n_dims), atol=1e-5)


def test_activations_projection_keeps_angles_approximately() -> None:
    """Cosines of sparse non-negative vectors, as cells are, change by little: 1 / sqrt(256) and less."""
    rng = np.random.default_rng(1)
    cells = np.where(rng.random((60, 1280)) < 0.2, rng.exponential(size=(60, 1280)), 0)

    def cosines(rows: np.ndarray) -> np.ndarray:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(unit @ unit.T)

    change = cosines(cells) - cosines(cells @ random_projection(1280, 256, seed=0))
    assert np.abs(change).max() < 0.25
    assert np.sqrt((change**2).mean()) < 0.07


def test_activations_projection_follows_its_seed() -> None:
    assert np.array_equal(random_projection(64, 8, seed=1), random_projection(64, 8, seed=1))
    assert not np.array_equal(random_projection(64, 8, seed=1), random_projection(64, 8, seed=2))


def test_activations_projection_cannot_have_more_dimensions_than_filters() -> None:
    with pytest.raises(ConfigError, match=r"visual.n_dims is 9; .* 8 filters"):
        random_projection(8, 9, seed=0)
