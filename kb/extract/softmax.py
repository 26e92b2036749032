"""Softmax regression over sparse binary features and a few dense ones.

Features are strings, hashed into a fixed number of buckets, so a model is one matrix and needs no dictionary. It is fitted
by L-BFGS without any state of chance: equal examples give equal weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, hstack

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Float32s = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

__all__ = ["N_BUCKETS", "Softmax", "bucket", "fit_softmax"]

N_BUCKETS = 1 << 20
NEVER = -30.0
"""Score of a class that no example has."""

MIN_COUNT = 2
"""A feature that fewer examples have is left out: it could only be learnt by heart."""


@lru_cache(maxsize=1 << 18)
def bucket(feature: str) -> int:
    """Return the bucket of a feature, the same in every process."""
    return crc32(feature.encode()) & (N_BUCKETS - 1)


@dataclass(frozen=True)
class Softmax:
    """A fitted regression.

    Attributes:
        buckets: int32, (n_features,), sorted: the buckets that have weights.
        weights: float32, (n_features + n_dense + 1, n_classes): of the buckets, the dense features and the constant.
        n_dense: Dense features of each example.
    """

    buckets: npt.NDArray[np.int32]
    weights: Float32s
    n_dense: int

    def log_probabilities(self, features: Sequence[Sequence[str]], dense: Float32s | None = None) -> Float32s:
        """Return the logarithm of the probability of each class.

        Args:
            features: Of each example.
            dense: float32, (n_examples, n_dense), needed where the regression has dense features.

        Returns:
            float32, (n_examples, n_classes).
        """
        matrix = _design(features, self.buckets, dense if self.n_dense else None)
        return _log_softmax(np.asarray(matrix @ self.weights, dtype=np.float32))


def fit_softmax(
    features: Sequence[Sequence[str]],
    classes: Ints,
    n_classes: int,
    *,
    dense: Float32s | None = None,
    weights: Float32s | None = None,
    strength: float = 10.0,
    max_iterations: int = 150,
) -> Softmax:
    """Fit a regression by maximum likelihood with a quadratic penalty.

    Args:
        features: Of each example.
        classes: Of each example.
        n_classes: How many there are; those without an example are never predicted.
        dense: float32, (n_examples, n_dense).
        weights: How much each example counts; 1 by default.
        strength: Of the penalty, in examples: half of it times the sum of squared weights is added to the loss.
        max_iterations: Of L-BFGS.

    Source: Nocedal and Wright, "Numerical Optimization", 2006, chapter 7 (L-BFGS).
    """
    buckets = _frequent(features)
    matrix = _design(features, buckets, dense)
    transposed = matrix.T.tocsr()
    present, columns = np.unique(classes, return_inverse=True)
    target = np.zeros((len(features), len(present)), np.float32)
    target[np.arange(len(features)), columns] = 1
    importance = np.ones(len(features), np.float32) if weights is None else weights
    shape = (matrix.shape[1], len(present))

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        current = flat.reshape(shape).astype(np.float32)
        logs = _log_softmax(matrix @ current)
        gradient = transposed @ ((np.exp(logs) - target) * importance[:, None]) + strength * _without_constant(current)
        value = -float((logs * target).sum(1) @ importance) + 0.5 * strength * float(
            (_without_constant(current) ** 2).sum()
        )
        return value, gradient.astype(np.float64).ravel()

    start = np.zeros(shape[0] * shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": max_iterations})
    fitted = np.zeros((shape[0], n_classes), np.float32)
    fitted[-1] = NEVER
    fitted[:, present] = found.x.reshape(shape)
    return Softmax(buckets, fitted, 0 if dense is None else dense.shape[1])


def _without_constant(weights: Float32s) -> Float32s:
    free = weights.copy()
    free[-1] = 0
    return free


def _frequent(features: Sequence[Sequence[str]]) -> npt.NDArray[np.int32]:
    """Return the sorted buckets that at least `MIN_COUNT` examples have."""
    rows = [np.unique([bucket(name) for name in names]) for names in features if names]
    if not rows:
        return np.empty(0, np.int32)
    found, counts = np.unique(np.concatenate(rows), return_counts=True)
    return found[counts >= MIN_COUNT].astype(np.int32)


def _design(features: Sequence[Sequence[str]], buckets: npt.NDArray[np.int32], dense: Float32s | None) -> csr_matrix:
    """Return the examples as a matrix: known buckets, dense features, and a constant."""
    n_names = [len(names) for names in features]
    found = np.fromiter(map(bucket, chain.from_iterable(features)), np.int64, sum(n_names))
    columns = np.searchsorted(buckets, found)
    known = np.append(buckets, -1)[columns] == found
    rows = np.repeat(np.arange(len(features)), n_names)[known]
    sparse = csr_matrix(
        (np.ones(len(rows), np.float32), (rows, columns[known])), shape=(len(features), len(buckets)), dtype=np.float32
    )
    # Two names of one example may share a bucket, which it has once.
    sparse.sum_duplicates()
    sparse.data[:] = 1
    blocks = [
        sparse,
        *([] if dense is None else [csr_matrix(dense)]),
        csr_matrix(np.ones((len(features), 1), np.float32)),
    ]
    matrix: csr_matrix = hstack(blocks, format="csr", dtype=np.float32)
    return matrix


def _log_softmax(scores: Float32s) -> Float32s:
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs: Float32s = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs
