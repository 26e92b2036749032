"""Whether the patterns of two disjoint halves of a corpus are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.evaluate.retrieval import Bools, Float32s

MIN_CORRELATION = 0.5
"""Correlation of the scores of two detectors over all pictures from which they see the same thing."""


def matched_share(same: Bools) -> list[float]:
    """Match patterns of two halves one to one, as many as possible.

    Args:
        same: bool, (n_a, n_b), which patterns can be matched.

    Returns:
        For each pattern of either half 1 where it is matched, else 0.
    """
    n_a, n_b = same.shape
    if not n_a or not n_b:
        return [0.0] * (n_a + n_b)
    rows, columns = linear_sum_assignment(~same)
    n_matched = int(np.count_nonzero(same[rows, columns]))
    return [1.0] * (2 * n_matched) + [0.0] * (n_a + n_b - 2 * n_matched)


def same_names(a: Sequence[tuple[str, str]], b: Sequence[tuple[str, str]]) -> Bools:
    """Tell which patterns have the same event type and name: pairs of the two for each half; bool, (n_a, n_b)."""
    return np.array([[one == other for other in b] for one in a], dtype=bool).reshape(len(a), len(b))


def same_sights(scores_a: Float32s, types_a: Sequence[str], scores_b: Float32s, types_b: Sequence[str]) -> Bools:
    """Tell which patterns of one event type see the same.

    Args:
        scores_a: float32, (n_pictures, n_a), scores of the detectors of one half on all pictures.
        types_a: Event type of each.
        scores_b: float32, (n_pictures, n_b), of the other half.
        types_b: Event type of each.

    Returns:
        bool, (n_a, n_b).
    """
    a, b = (_standardise(scores) for scores in (scores_a, scores_b))
    correlation = a.T @ b / max(1, len(a))
    alike = np.array([[one == other for other in types_b] for one in types_a], dtype=bool)
    return np.asarray((correlation >= MIN_CORRELATION) & alike.reshape(correlation.shape))


def _standardise(scores: Float32s) -> Float32s:
    return np.asarray((scores - scores.mean(axis=0)) / np.maximum(scores.std(axis=0), 1e-6), dtype=np.float32)
