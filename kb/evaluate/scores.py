"""Precision, recall and F1 with bootstrap intervals by document."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from kb.evaluate.matching import Counts
    from kb.evaluate.mentions import Tally

    Ints = npt.NDArray[np.int64]

__all__ = ["ALL_TYPES", "Score", "compare_f1", "f1_of", "score_tally"]

ALL_TYPES = "all"
N_RESAMPLES = 1_000
INTERVAL = (2.5, 97.5)


class Score(NamedTuple):
    """One measure of one event type, or of all.

    Attributes:
        measure: What was measured.
        event_type: `all` for the sum over types.
        precision: Share of what was predicted; 0 where nothing was.
        recall: Share of what is right; 0 where there is nothing.
        f1: Their harmonic mean.
        low: Lower end of the interval of F1 (95 %, documents drawn with replacement).
        high: Upper end.
        n_correct: How many were found rightly.
        n_gold: How many there are.
        n_predicted: How many were predicted.
    """

    measure: str
    event_type: str
    precision: float
    recall: float
    f1: float
    low: float
    high: float
    n_correct: int
    n_gold: int
    n_predicted: int


def score_tally(tally: Tally, documents: Sequence[str], *, seed: int = 0) -> list[Score]:
    """Score every measure, over all types and for each.

    Args:
        tally: What was counted.
        documents: All documents that were scored, those without anything to count too: they are what is resampled.
        seed: Of the bootstrap.
    """
    draws = _draws(len(documents), seed)
    return [
        _score(measure, name, count_matrix(counts, documents, name), draws)
        for measure, counts in tally.counts.items()
        for name in [ALL_TYPES, *sorted({name for name, _ in counts if name})]
    ]


def count_matrix(counts: Mapping[tuple[str, str], Counts], documents: Sequence[str], name: str = ALL_TYPES) -> Ints:
    """Return the counts of each document.

    Args:
        counts: Of one measure.
        documents: The rows.
        name: Event type, or `all` for the sum.

    Returns:
        int64, (n_documents, 3): correct, predicted, gold.
    """
    rows = {document: row for row, document in enumerate(documents)}
    matrix = np.zeros((len(documents), 3), np.int64)
    for (event_type, document), found in counts.items():
        if name in (ALL_TYPES, event_type):
            matrix[rows[document]] += found
    return matrix


def f1_of(sums: Ints) -> npt.NDArray[np.float64]:
    """Return 2·correct / (predicted + gold), 0 where both are 0.

    Args:
        sums: (…, 3): correct, predicted, gold.
    """
    total = sums[..., 1] + sums[..., 2]
    return np.where(total > 0, 2.0 * sums[..., 0] / np.maximum(total, 1), 0.0)


def compare_f1(one: Ints, other: Ints, *, seed: int = 0) -> tuple[float, float, float, float]:
    """Compare two systems on the same documents by a paired bootstrap.

    Args:
        one: Count matrix of the first system.
        other: Of the second, rows parallel.
        seed: Of the bootstrap.

    Returns:
        F1 of the first less that of the second, the ends of its 95 % interval, and the share of resamples in which the first is
        not the better one.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 16.
    """
    draws = _draws(len(one), seed)
    differences = f1_of(draws @ one) - f1_of(draws @ other)
    low, high = np.percentile(differences, INTERVAL)
    return float(f1_of(one.sum(0)) - f1_of(other.sum(0))), float(low), float(high), float((differences <= 0).mean())


def _draws(n_documents: int, seed: int) -> Ints:
    """Return how often each document is drawn in each resample: int64, (N_RESAMPLES, n_documents)."""
    generator = np.random.default_rng(seed)
    return generator.multinomial(n_documents, np.full(n_documents, 1 / n_documents), N_RESAMPLES)


def _score(measure: str, name: str, matrix: Ints, draws: Ints) -> Score:
    correct, predicted, gold = (int(value) for value in matrix.sum(0))
    low, high = np.percentile(f1_of(draws @ matrix), INTERVAL)
    return Score(
        measure,
        name,
        correct / predicted if predicted else 0.0,
        correct / gold if gold else 0.0,
        float(f1_of(matrix.sum(0))),
        float(low),
        float(high),
        correct,
        gold,
        predicted,
    )
