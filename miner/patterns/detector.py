"""Linear detectors of patterns: whether a picture shows a pattern, and where.

Source: the closed form w = Σ⁻¹(μ_evidence - μ_all) of linear discriminant analysis as Li, Liu, Shen and van den Hengel use it
for mid-level patterns ("Mid-level Deep Pattern Mining", CVPR 2015, section 3.3, after Hariharan, Malik and Ramanan, ECCV
2012). Σ is shrunk towards a multiple of the identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import linalg

from miner.patterns.pictures import cell_distances, in_chunks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.patterns.pictures import Bools, Cells, Float16s, Float32s, Int64s, Rows

Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Background:
    """What features look like over a whole corpus.

    Attributes:
        mean: float64, (n_features,).
        factor: Lower Cholesky factor of the shrunk covariance, float64, (n_features, n_features).
    """

    mean: Float64s
    factor: Float64s

    def discriminants(self, means: Float64s) -> Float32s:
        """Return Σ⁻¹(μ - μ_all) for each row of means.

        Args:
            means: float64, (n_patterns, n_features), mean features of the evidence.

        Returns:
            float32, (n_patterns, n_features).
        """
        weights = linalg.cho_solve((self.factor, True), (means - self.mean).T)
        return np.ascontiguousarray(weights.T, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of features over a whole corpus.

    Attributes:
        mean: float64, (n_features,).
        covariance: float64, (n_features, n_features).
    """

    mean: Float64s
    covariance: Float64s

    @classmethod
    def of(cls, features: Rows) -> Moments:
        """Estimate them from float32, (n, n_features), one row per picture or cell."""
        rows = np.arange(len(features))
        mean = evidence_means(features, [rows])[0]
        covariance = np.zeros((len(mean), len(mean)))
        for chunk in in_chunks(rows):
            centred = features[chunk] - mean.astype(np.float32)
            covariance += centred.T @ centred
        covariance /= max(1, len(features) - 1)
        return cls(mean, covariance)

    def correlations(self, weights: Float32s) -> Float64s:
        """Return how alike linear detectors score: the correlation over the corpus of each one's scores with each one's.

        Args:
            weights: float32, (n_patterns, n_features).

        Returns:
            float64, (n_patterns, n_patterns), -1 to 1; 0 where a detector scores everything the same.
        """
        alike = weights @ self.covariance @ weights.T
        deviations = np.sqrt(np.maximum(np.diag(alike), 0))
        inverse = np.divide(1, deviations, out=np.zeros_like(deviations), where=deviations > 0)
        alike *= inverse[:, None]
        alike *= inverse
        return np.asarray(np.clip(alike, -1, 1, out=alike))

    def background(self, *, shrinkage: float) -> Background:
        """Shrink the covariance to Σ + shrinkage · tr(Σ)/C · I.

        Args:
            shrinkage: Share of the mean variance added to every variance, > 0.
        """
        ridge = shrinkage * np.trace(self.covariance) / len(self.covariance)
        shrunk = self.covariance.copy()
        shrunk[np.diag_indices_from(shrunk)] += max(ridge, np.finfo(np.float32).tiny)
        return Background(self.mean, linalg.cholesky(shrunk, lower=True))


def fit_background(features: Rows, *, shrinkage: float) -> Background:
    """Fit mean and shrunk covariance (see `Moments`) to float32, (n, n_features), one row per picture or cell."""
    return Moments.of(features).background(shrinkage=shrinkage)


def pooled_features(pooled: Float16s) -> Float32s:
    """Return the square root of the pooled maps, float32, same shape: it evens out the long tail of strong filters."""
    return np.sqrt(np.maximum(pooled, 0).astype(np.float32))


@dataclass(frozen=True, eq=False)
class PooledFeatures:
    """The pooled features of many pictures, made when they are asked for.

    Attributes:
        pooled: float16, (n, n_filters).
    """

    pooled: Rows

    @property
    def shape(self) -> tuple[int, ...]:
        """Pictures and filters."""
        return self.pooled.shape

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.pooled)

    def __getitem__(self, rows: Int64s, /) -> Float32s:
        """Return `pooled_features` of some pictures."""
        return pooled_features(self.pooled[rows])

    def dot(self, weights: Float32s) -> Float32s:
        """Return the products with linear detectors.

        Args:
            weights: float32, (n_patterns, n_filters).

        Returns:
            float32, (n, n_patterns).
        """
        products = np.empty((len(self), len(weights)), dtype=np.float32)
        for chunk in in_chunks(np.arange(len(self))):
            products[chunk] = self[chunk] @ weights.T
        return products


@dataclass(frozen=True, eq=False)
class Scale:
    """Where the scores of each detector lie over a corpus, so that they can be compared.

    Attributes:
        mean: float32, (n_patterns,).
        deviation: float32, (n_patterns,), > 0.
    """

    mean: Float32s
    deviation: Float32s

    @classmethod
    def of(cls, scores: Float32s) -> Scale:
        """Fit to scores, float32, (n_pictures, n_patterns)."""
        deviation = np.maximum(scores.std(axis=0), 1e-6).astype(np.float32)
        return cls(scores.mean(axis=0).astype(np.float32), deviation)

    def __call__(self, scores: Float32s) -> Float32s:
        """Return the scores in standard deviations above the corpus mean."""
        return np.asarray((scores - self.mean) / self.deviation, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Detectors:
    """The detectors of a list of patterns.

    Attributes:
        pooled: float32, (n_patterns, n_filters), on `pooled_features`: whether.
        scale: Of the pooled scores over the photo groups they were fitted on.
        cells: float32, (n_patterns, n_dims), on projected cells: where.
        cell_bias: float32, (n_patterns,), the score of the mean cell, subtracted.
    """

    pooled: Float32s
    scale: Scale
    cells: Float32s
    cell_bias: Float32s

    def __len__(self) -> int:
        """Number of patterns."""
        return len(self.pooled)

    def scores(self, pooled: Float16s) -> Float32s:
        """Score pictures: float32, (n_pictures, n_patterns), in standard deviations above the corpus mean."""
        return self.scale(pooled_features(pooled) @ self.pooled.T)

    def heat(self, projected: Float16s, pattern: int) -> Float32s:
        """Score the cells of pictures for one pattern: float32, (n_pictures, n_cells), 0 for the mean cell."""
        scores = projected.astype(np.float32) @ self.cells[pattern] - self.cell_bias[pattern]
        return np.asarray(scores, dtype=np.float32)

    def tensors(self) -> dict[str, Float32s]:
        """Return the arrays by name, for storing."""
        return {
            "pooled": self.pooled,
            "scaleMean": self.scale.mean,
            "scaleDeviation": self.scale.deviation,
            "cells": self.cells,
            "cellBias": self.cell_bias,
        }

    @classmethod
    def from_tensors(cls, tensors: dict[str, Float32s]) -> Detectors:
        """Rebuild from `tensors`."""
        scale = Scale(tensors["scaleMean"], tensors["scaleDeviation"])
        return cls(tensors["pooled"], scale, tensors["cells"], tensors["cellBias"])

    def select(self, patterns: Sequence[int]) -> Detectors:
        """Keep the given patterns, in the given order."""
        return Detectors.from_tensors({name: tensor[list(patterns)] for name, tensor in self.tensors().items()})


def evidence_means(features: Rows, evidence: Sequence[Int64s]) -> Float64s:
    """Return the mean features over the rows of each pattern's evidence, float64, (n_patterns, n_features)."""
    means = np.zeros((len(evidence), features.shape[1]))
    for place, rows in enumerate(evidence):
        for chunk in in_chunks(rows):
            means[place] += features[chunk].sum(axis=0, dtype=np.float64)
        means[place] /= len(rows)
    return means


def peak_cells(cells: Cells, fires: Bools, *, n_cells: int) -> Int64s:
    """Choose for each picture the cell around which its firing filters peak.

    Every firing filter of the pattern votes for the cell of its maximum, and half for the neighbours of that cell; the cell
    with the most votes wins, the first on a tie.

    Args:
        cells: (n_pictures, n_items), peak cell of each of the pattern's filters.
        fires: bool, (n_pictures, n_items), which of them fire.
        n_cells: Cells in a map, a square number.

    Returns:
        int64, (n_pictures,).
    """
    distance = cell_distances(n_cells)
    spread = np.where(distance == 0, 1.0, np.where(distance == 1, 0.5, 0.0)).astype(np.float32)
    votes = np.zeros((len(cells), n_cells), dtype=np.float32)
    picture, item = np.nonzero(fires)
    np.add.at(votes, (picture, cells[picture, item].astype(np.int64)), 1.0)
    return np.asarray((votes @ spread).argmax(axis=1), dtype=np.int64)
