"""Ranking measures, and the two rankings that a detector is held against."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from collections.abc import Sequence

Bools = npt.NDArray[np.bool_]
Float32s = npt.NDArray[np.float32]

MAX_SET = 3
"""Most items in a filter set."""

N_TRIED = 8
"""Items of a pattern that filter sets are made of: those that fire in most of its evidence."""

PROBE_C = 1e-3
"""Inverse strength of the probe's ridge, on standardised features."""


def r_precision(scores: Float32s, relevant: Bools) -> float:
    """Return the share of relevant pictures among as many best-scored ones as there are relevant.

    Args:
        scores: float32, (n_pictures,).
        relevant: bool, (n_pictures,), at least one of them true.

    Returns:
        0 to 1. Equal scores are ranked by position.

    Source:
        Manning, Raghavan and Schütze, "Introduction to Information Retrieval" (2008), section 8.4.
    """
    n_relevant = int(np.count_nonzero(relevant))
    return float(relevant[np.argsort(-scores, kind="stable")[:n_relevant]].mean())


def filter_set_scores(maxima: Float32s, thresholds: Float32s) -> Float32s:
    """Score pictures by how many items of a set fire; the mean excess over the thresholds breaks ties.

    Args:
        maxima: float32, (n_pictures, n_items).
        thresholds: float32, (n_items,).

    Returns:
        float32, (n_pictures,).
    """
    excess = maxima - thresholds
    spread = np.maximum(maxima.std(axis=0), 1e-6)
    return np.asarray((excess > 0).sum(axis=1) + 0.5 * np.tanh((excess / spread).mean(axis=1)), dtype=np.float32)


def best_filter_set(maxima: Float32s, thresholds: Float32s, relevant: Bools) -> tuple[int, ...]:
    """Choose the set of one to three items that finds the relevant training pictures best.

    Args:
        maxima: float32, (n_pictures, n_items), items in the order in which they are to be tried.
        thresholds: float32, (n_items,).
        relevant: bool, (n_pictures,), at least one of them true.

    Returns:
        Columns of `maxima`.
    """
    columns = range(min(N_TRIED, maxima.shape[1]))
    sets = [chosen for size in range(1, MAX_SET + 1) for chosen in combinations(columns, size)]
    worth = [
        r_precision(filter_set_scores(maxima[:, list(chosen)], thresholds[list(chosen)]), relevant) for chosen in sets
    ]
    return sets[int(np.argmax(worth))]


def probe_scores(training: Float32s, relevant: Bools, held_out: Float32s) -> Float32s:
    """Score held-out pictures by a logistic probe that was told which training pictures have the name.

    Args:
        training: float32, (n_training, n_features).
        relevant: bool, (n_training,), at least one of them true.
        held_out: float32, (n_held_out, n_features).

    Returns:
        float32, (n_held_out,); all equal where every training picture has the name, as there is nothing to tell apart.
    """
    if relevant.all():
        return np.zeros(len(held_out), dtype=np.float32)
    mean, spread = training.mean(axis=0), np.maximum(training.std(axis=0), 1e-6)
    probe = LogisticRegression(C=PROBE_C, class_weight="balanced", max_iter=300)
    probe.fit((training - mean) / spread, relevant)
    return np.asarray(probe.decision_function((held_out - mean) / spread), dtype=np.float32)


def bootstrap_interval(values: Sequence[float], *, seed: int, n_draws: int = 2000) -> tuple[float, float]:
    """Return the 2.5th and 97.5th percentile of the mean over resampled values; the percentile bootstrap.

    Source:
        Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3.
    """
    sample = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).integers(len(sample), size=(n_draws, len(sample)))
    low, high = np.quantile(sample[draws].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
