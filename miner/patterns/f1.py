"""F1 of event types, which decisions are both tuned and measured by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miner.patterns.pictures import Int64s


def f1_by_label(decided: Int64s, labels: Int64s, n_types: int) -> dict[int, float]:
    """Return the F1 of each event type that occurs.

    Args:
        decided: int64, (n,).
        labels: int64, (n,), of the same pictures.
        n_types: Labels from this on are of no event type; they have no F1, but what is wrongly decided counts.
    """
    scores = {}
    for label in np.unique(labels[labels < n_types]).tolist():
        hits = int(((decided == label) & (labels == label)).sum())
        scores[label] = 2 * hits / (int((decided == label).sum()) + int((labels == label).sum()))
    return scores


def macro_f1(scores: Mapping[int, float]) -> float:
    """Return the mean over event types, 0 where none occurs."""
    return float(np.mean(list(scores.values()))) if scores else 0.0
