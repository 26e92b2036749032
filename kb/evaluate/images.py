"""How well event types are read off pictures: whether probabilities mean what they say, and an upper reference."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from miner.patterns.f1 import f1_by_label, macro_f1

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Float32s = npt.NDArray[np.float32]
Int64s = npt.NDArray[np.int64]

N_BINS = 10
N_FOLDS = 3
PROBE_STRENGTHS = (1e-3, 1e-2, 1e-1)
"""Inverse penalties of the probe, on standardised features; the one with the best cross-validated macro-F1 is used."""

MAX_ITERATIONS = 300


class Bin(NamedTuple):
    """Pictures of about the same confidence.

    Attributes:
        share: Of all pictures.
        confidence: Their mean largest probability.
        accuracy: How many of them are what was thought most probable, as a share.
        n: How many they are; a picture of several event types counts for each.
    """

    share: float
    confidence: float
    accuracy: float
    n: int


def reliability(probabilities: Float32s, labels: Int64s, n_bins: int = N_BINS) -> list[Bin]:
    """Return the reliability curve: bins of equal width that hold pictures, by rising confidence.

    Args:
        probabilities: float32, (n, n_labels).
        labels: int64, (n,).
        n_bins: Between 0 and 1.

    Source:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * n_bins).astype(np.int64), n_bins - 1)
    inside = [place == each for each in range(n_bins)]
    return [
        Bin(float(m.mean()), float(confidence[m].mean()), float(right[m].mean()), int(m.sum()))
        for m in inside
        if m.any()
    ]


def pool_curves(curves: Iterable[Sequence[Bin]], n_bins: int = N_BINS) -> list[Bin]:
    """Return the reliability curve of all splits together: their bins, each picture with the same weight."""
    own: dict[int, list[Bin]] = defaultdict(list)
    for each in (each for curve in curves for each in curve):
        own[min(int(each.confidence * n_bins), n_bins - 1)].append(each)
    n_all = sum(each.n for bins in own.values() for each in bins)
    return [_joined(bins, n_all) for _, bins in sorted(own.items())]


def _joined(bins: Sequence[Bin], n_all: int) -> Bin:
    n = sum(each.n for each in bins)
    confidence, accuracy = (
        sum(getattr(each, name) * each.n for each in bins) / n for name in ("confidence", "accuracy")
    )
    return Bin(n / n_all, confidence, accuracy, n)


def calibration_error(bins: list[Bin]) -> float:
    """Return the expected calibration error, 0 to 1: the mean distance of confidence and accuracy.

    Source:
        Guo et al. 2017, equation 3.
    """
    return sum(each.share * abs(each.confidence - each.accuracy) for each in bins)


def probe_types(training: Float32s, labels: Int64s, held_out: Float32s, n_types: int, *, seed: int) -> Int64s:
    """Decide for the event type of held-out pictures by a logistic probe on their features.

    Args:
        training: float32, (n, n_features).
        labels: int64, (n,), at least two different ones.
        held_out: float32, (n_held_out, n_features).
        n_types: Labels from this on are of no event type.
        seed: Of the folds that choose its strength.

    Returns:
        int64, (n_held_out,).
    """
    mean, spread = training.mean(axis=0), np.maximum(training.std(axis=0), 1e-6)
    features = (training - mean) / spread
    folds = np.random.default_rng(seed).permutation(len(features)) % N_FOLDS

    def worth(strength: float) -> float:
        decided = np.empty(len(labels), dtype=np.int64)
        for fold in range(N_FOLDS):
            inside = folds == fold
            decided[inside] = _fit(features[~inside], labels[~inside], strength).predict(features[inside])
        return macro_f1(f1_by_label(decided, labels, n_types))

    probe = _fit(features, labels, max(PROBE_STRENGTHS, key=worth))
    return np.asarray(probe.predict((held_out - mean) / spread), dtype=np.int64)


def _fit(features: Float32s, labels: Int64s, strength: float) -> LogisticRegression:
    return LogisticRegression(C=strength, max_iter=MAX_ITERATIONS).fit(features, labels)
