"""What is kept of the maps of a picture, and how cells are reduced to fewer dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

Float16 = npt.NDArray[np.float16]
Float32 = npt.NDArray[np.float32]
Sources = npt.NDArray[np.int64]
Unsigned = npt.NDArray[np.unsignedinteger[Any]]


class Maps(NamedTuple):
    """Where in n pictures a network sees what.

    Attributes:
        filters: float32, (n, n_filters, rows, columns), at least 0: the filters before their activation.
        classes: float32, (n, n_classes, rows, columns): the classifier applied to each cell, without its bias; of either
            sign. No classes where the network has no classifier.
    """

    filters: Float32
    classes: Float32

    def first(self, n: int) -> Maps:
        """Return the maps of the first n pictures."""
        return Maps(self.filters[:n], self.classes[:n])

    def stand_in(self, sources: Sources) -> Maps:
        """Return maps in which each cell has the values of the one that stands for it: int64, (n_cells,)."""
        return Maps(*(maps.reshape(*maps.shape[:2], -1)[:, :, sources].reshape(maps.shape) for maps in self))


@dataclass(frozen=True)
class Activations:
    """The stored summary of the maps of n pictures; n_items counts filters, then classes.

    Attributes:
        maxima: float16, (n, n_items): the largest value of each map; at least 0 for filters, of either sign for classes.
        cells: uint8, or uint16 above 256 cells, (n, n_items): where it is, row by row; the first of equals.
        pooled: float16, (n, n_filters): the mean of each filter's map.
        projected: float16, (n, n_cells, n_dims): each cell's filter values, projected.
    """

    maxima: Float16
    cells: Unsigned
    pooled: Float16
    projected: Float16

    def take(self, rows: Sequence[int] | slice) -> Activations:
        """Return some rows, in the order asked for."""
        return Activations(self.maxima[rows], self.cells[rows], self.pooled[rows], self.projected[rows])


def summarise(maps: Maps, projection: Float32, sources: Sources | None = None) -> Activations:
    """Reduce maps to what is stored.

    Args:
        maps: Of n pictures.
        projection: float32, (n_filters, n_dims).
        sources: Where the pictures do not fill the input, int64, (n_cells,): the cell that stands for each
            (`Geometry.nearest_seen`), the same in all n.
    """
    filters, classes = _by_cell(maps.filters), _by_cell(maps.classes)
    pooled = (filters if sources is None else filters[:, np.unique(sources)]).mean(axis=1)
    if sources is None:
        sources = np.arange(filters.shape[1])
    else:
        filters, classes = filters[:, sources], classes[:, sources]
    n, n_cells, n_filters = filters.shape
    projected = filters.reshape(n * n_cells, n_filters) @ projection
    both = (filters, classes)
    return store(
        np.concatenate([values.max(axis=1) for values in both], axis=1),
        sources[np.concatenate([values.argmax(axis=1) for values in both], axis=1)],
        pooled,
        projected.reshape(n, n_cells, -1),
    )


def store(maxima: Float32, cells: npt.NDArray[np.int64], pooled: Float32, projected: Float32) -> Activations:
    """Bring a summary to the types in which it is stored (see `Activations` for the shapes)."""
    return Activations(
        maxima=maxima.astype(np.float16),
        cells=cells.astype(cell_dtype(projected.shape[1])),
        pooled=pooled.astype(np.float16),
        projected=projected.astype(np.float16),
    )


def _by_cell(maps: Float32) -> Float32:
    """Put cells first: maxima and means then run along whole rows of items, ten times faster."""
    n, n_items, rows, columns = maps.shape
    return np.ascontiguousarray(maps.reshape(n, n_items, rows * columns).transpose(0, 2, 1))


def cell_dtype(n_cells: int) -> type[np.uint8 | np.uint16]:
    """Return the smallest type that holds the index of every cell."""
    return np.uint8 if n_cells <= 256 else np.uint16


def join_activations(parts: Sequence[Activations]) -> Activations:
    """Stack the activations of several batches or shards, in order.

    Args:
        parts: At least one; all of the same network and projection.
    """
    return Activations(
        maxima=np.concatenate([part.maxima for part in parts]),
        cells=np.concatenate([part.cells for part in parts]),
        pooled=np.concatenate([part.pooled for part in parts]),
        projected=np.concatenate([part.projected for part in parts]),
    )


def no_activations(n_filters: int, n_classes: int, n_cells: int, n_dims: int) -> Activations:
    """Return the activations of no pictures, to stack others on."""
    n_items = n_filters + n_classes
    return Activations(
        maxima=np.empty((0, n_items), np.float16),
        cells=np.empty((0, n_items), cell_dtype(n_cells)),
        pooled=np.empty((0, n_filters), np.float16),
        projected=np.empty((0, n_cells, n_dims), np.float16),
    )


def random_projection(n_filters: int, n_dims: int, seed: int) -> Float32:
    """Draw a projection that keeps angles and distances of cells approximately.

    Columns of the orthonormal cosine basis, chosen at random, with a random sign for each filter. Unlike the orthonormal
    factor of a random matrix it is written down in closed form, so its bytes do not depend on a linear-algebra library or
    its threads.

    Returns:
        float32, (n_filters, n_dims), orthonormal columns.

    Raises:
        ConfigError: More dimensions than filters.

    Source: Ailon and Chazelle, "The fast Johnson-Lindenstrauss transform and approximate nearest neighbors", SIAM J.
    Computing 39 (2009), with the cosine in place of the Hadamard basis.
    """
    if n_dims > n_filters:
        raise ConfigError(f"visual.n_dims is {n_dims}; this network has {n_filters} filters, so at most that many")
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1.0, 1.0]), size=n_filters)
    frequencies = rng.choice(n_filters, size=n_dims, replace=False)
    places = np.arange(n_filters)[:, None] + 0.5
    basis = np.cos(np.pi / n_filters * places * frequencies) * np.sqrt(2.0 / n_filters)
    basis[:, frequencies == 0] /= np.sqrt(2.0)
    projection: Float32 = (signs[:, None] * basis).astype(np.float32)
    return projection
