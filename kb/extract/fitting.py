"""Fitting the regressions of an extractor to examples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kb.extract.arguments import label_of_pairs
from kb.extract.model import gold_pairs
from kb.extract.softmax import fit_softmax
from kb.extract.triggers import class_of_tokens, gold_candidates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.extract.arguments import Pairs
    from kb.extract.examples import Example
    from kb.extract.model import TextModel, View
    from kb.extract.softmax import Softmax
    from kb.extract.triggers import Candidates

__all__ = ["Known", "fit_gold_arguments", "fit_silver_arguments", "fit_triggers", "known_pairs"]

SILVER_STRENGTH = 20.0
GOLD_STRENGTH = 10.0
MAX_ITERATIONS = 50

Known = list[tuple["Example", "Pairs", tuple[tuple[int, int, str], ...]]]


def fit_triggers(
    model: TextModel, examples: Sequence[Example], candidates: Sequence[Candidates], *, silver: bool
) -> TextModel:
    """Return a model with a regression of triggers, fitted to examples and their candidates."""
    labels = [class_of_tokens(e, one.tokens, model.types) for e, one in zip(examples, candidates, strict=True)]
    features, dense = gold_candidates(candidates)
    fitted = fit_softmax(
        features,
        np.array([label for row in labels for label in row], np.int64),
        1 + len(model.types),
        dense=dense,
        strength=SILVER_STRENGTH if silver else GOLD_STRENGTH,
        max_iterations=MAX_ITERATIONS,
    )
    return replace(model, silver_triggers=fitted) if silver else replace(model, gold_triggers=fitted)


def known_pairs(model: TextModel, examples: Sequence[Example], views: Sequence[View], *, silver: bool) -> Known:
    """Return the pairs of known triggers; of silver ones those with arguments, since the others may just not have been found."""
    return [
        (example, model.pair(example.parsed, event.trigger, event.event_type, view), event.arguments)
        for example, view in zip(examples, views, strict=True)
        for event in example.events
        if event.event_type and (event.arguments or not silver)
    ]


def _labels_of(model: TextModel, known: Known) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([label for e, pairs, a in known for label in label_of_pairs(e, pairs, a, model.roles)], np.int64)


def fit_silver_arguments(model: TextModel, known: Known) -> Softmax | None:
    """Return a regression of roles fitted to pairs of silver captions; None where no role is known."""
    labels = _labels_of(model, known)
    if not labels.any():
        return None
    features = [names for _, pairs, _ in known for names in pairs.features]
    n_classes = 1 + len(model.roles.names)
    return fit_softmax(features, labels, n_classes, strength=SILVER_STRENGTH, max_iterations=MAX_ITERATIONS)


def fit_gold_arguments(model: TextModel, known: Known) -> Softmax | None:
    """Return a regression of roles fitted to pairs of gold sentences; None where no role is known."""
    labels = _labels_of(model, known)
    if not labels.any():
        return None
    logs = model.silver_role_logs([names for _, pairs, _ in known for names in pairs.features])
    features, dense = gold_pairs([pairs for _, pairs, _ in known], logs)
    return fit_softmax(
        features,
        labels,
        1 + len(model.roles.names),
        dense=dense,
        strength=GOLD_STRENGTH,
        max_iterations=MAX_ITERATIONS,
    )
