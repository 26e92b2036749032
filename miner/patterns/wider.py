"""Second thoughts about names: alternatives that mean the same, ties, and a wider word for what is too specific."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kb.ontologies.nouns import noun_classes
from miner.patterns.naming import Name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miner.patterns.naming import Phrases
    from miner.patterns.pictures import Float32s, Int64s

    Encode = Callable[[Sequence[str]], Float32s]

__all__ = ["join_synonyms", "widen"]

SAME_MEANING = 0.8
"""Cosine of two phrases from which the later one is a synonym: sofa and couch 0.85, dog and cat 0.66, street and road 0.76."""

TIE = 0.25
"""Standard deviations by which two names may differ to be a tie."""

TOO_SPECIFIC = 0.5
"""Share of the evidence that a name, and twice of which its wider word, must be said of for the name to be wide enough."""

WIDER = {"person": "person", "group": "group of people", "animal": "animal", "vehicle": "vehicle", "weapon": "weapon",
         "food": "food", "document": "document"}  # fmt: skip
"""What a class of nouns is called; places and objects are too wide to say anything."""


def join_synonyms(names: Sequence[Name], encode: Encode) -> list[Name]:
    """Leave out names that mean the same as a better one, and order ties by how close they are to the others.

    Args:
        names: Best first.
        encode: Gives unit vectors of phrases.

    Returns:
        Some of the names, best first.
    """
    if len(names) < 2:
        return list(names)
    vectors = encode([name.text for name in names])
    alike = vectors @ vectors.T
    kept: list[int] = []
    for place in range(len(names)):
        if all(alike[place, other] < SAME_MEANING for other in kept):
            kept.append(place)
    weights = np.maximum([name.score for name in names], 0.0) + 1e-6
    central = alike @ weights / weights.sum()
    for i in range(len(kept) - 1):
        first, second = kept[i], kept[i + 1]
        is_tie = abs(names[first].score - names[second].score) < TIE
        if is_tie and central[second] > central[first]:
            kept[i], kept[i + 1] = second, first
    return [names[place] for place in kept]


def widen(names: Sequence[Name], phrases: Phrases, evidence: Int64s) -> list[Name]:
    """Add a wider word, as the last alternative, to a name that is said of few of the pictures it should name.

    The wider word is the class of nouns that the head of the name belongs to, if captions of at least half of the evidence
    have a noun of that class, and of at least twice as much as have the name.

    Args:
        names: Best first.
        phrases: Candidates.
        evidence: Pictures that support the pattern.
    """
    if not names or not len(evidence):
        return list(names)
    head = names[0].head
    share = _share(phrases, evidence, [key[-1] == head for key in phrases.keys])
    for kind in noun_classes(head) if share < TOO_SPECIFIC else ():
        of_kind = [kind in noun_classes(key[-1]) for key in phrases.keys]
        known = WIDER.get(kind, head) in {name.text for name in names}
        if kind in WIDER and not known and _share(phrases, evidence, of_kind) >= max(TOO_SPECIFIC, 2 * share):
            return [*names, Name(WIDER[kind], WIDER[kind].split()[0], 0.0, is_trigger=False)]
    return list(names)


def _share(phrases: Phrases, evidence: Int64s, chosen: Sequence[bool]) -> float:
    """Return the share of the evidence of which some of the chosen phrases are said."""
    counts = np.asarray(phrases.counts[evidence][:, np.flatnonzero(chosen)].sum(axis=1)).ravel()
    return float((counts > 0).mean())
