"""Thresholds of an extractor of texts, chosen on predictions for documents that it has not learnt from."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from kb.extract.arguments import argument_spans
from kb.extract.model import Thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kb.extract.examples import Example
    from kb.extract.model import Candidate, TextModel
    from kb.extract.triggers import Candidates

__all__ = ["GRID", "best_role_threshold", "best_trigger_threshold", "never_likely"]

GRID = tuple(round(0.05 * step, 2) for step in range(1, 19))
ROLE_GRID = tuple(round(0.02 * step, 2) for step in range(1, 46))
OFTEN = 2
"""For a word that was a candidate so often and never reached the least probability, nothing is parsed."""


def best_trigger_threshold(
    model: TextModel,
    examples: Sequence[Example],
    candidates: Sequence[Candidates],
    rows: Sequence[np.ndarray],
    *,
    beta: float,
) -> float:
    """Return the threshold with the best F measure, itself and its neighbours taken together."""
    scores = []
    n_gold = sum(bool(event.event_type) for example in examples for event in example.events)
    for least in GRID:
        limits = Thresholds(least, 1.1 if model.gold_types else least, 0.0)
        right = predicted = 0
        for example, one, row in zip(examples, candidates, rows, strict=True):
            known = Counter((event.trigger, event.event_type) for event in example.events)
            found = Counter((hit.token, hit.event_type) for hit in model.decide(one, row, limits))
            right += (known & found).total()
            predicted += found.total()
        scores.append((1 + beta**2) * right / max(1, beta**2 * n_gold + predicted))
    return _most_moderate(scores)


def never_likely(model: TextModel, rows: Iterable[tuple[Candidates, np.ndarray]]) -> frozenset[str]:
    """Return lemmas that were candidates more than once and never reached a threshold: texts with no others need no parsing."""
    seen: Counter[str] = Counter()
    likely: set[str] = set()
    least = model.least()
    for candidates, probabilities in rows:
        seen.update(candidates.lemmas)
        reached = np.flatnonzero(np.any(probabilities[:, 1:] >= least, axis=1))
        likely.update(candidates.lemmas[number] for number in reached)
    return frozenset(lemma for lemma, n in seen.items() if n >= OFTEN and lemma not in likely)


def _most_moderate(scores: Sequence[float], grid: Sequence[float] = GRID) -> float:
    """Return the threshold around which scores are best, of equal ones the nearest to a half.

    A single score owes much to chance, so each counts with those of the thresholds beside it.
    """
    near = [scores[max(0, number - 1) : number + 2] for number in range(len(grid))]
    means = [sum(some) / len(some) for some in near]
    best = max(means)
    return min((least for least, mean in zip(grid, means, strict=True) if mean == best), key=lambda t: abs(t - 0.5))


def best_role_threshold(
    model: TextModel, examples: Sequence[Example], rows: Sequence[list[Candidate]], trigger: float
) -> float:
    """Return the threshold with the best F1 of arguments, itself and its neighbours taken together, of predicted triggers."""
    known = [
        Counter(
            (event.event_type, role, span)
            for event in example.events
            for span, role in argument_spans(example, event.arguments)
        )
        for example in examples
    ]
    predicted = [[one for one in found if one[0].score >= trigger] for found in rows]
    n_gold = sum(one.total() for one in known)
    scores = []
    for least in ROLE_GRID:
        right = n_predicted = 0
        for one, candidates in zip(known, predicted, strict=True):
            hits = Counter(
                (hit.event_type, filled.role, (filled.filler.start, filled.filler.end))
                for hit in model.fill(candidates, least)
                for filled in hit.roles
            )
            right += (one & hits).total()
            n_predicted += hits.total()
        scores.append(2 * right / max(1, n_gold + n_predicted))
    return _most_moderate(scores, ROLE_GRID)
