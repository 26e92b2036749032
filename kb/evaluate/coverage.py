"""Whether patterns are discriminative, representative and different from one another, on pictures that mining did not see.

Sources: what a mid-level pattern should be is from Li, Liu, Shen and van den Hengel, "Mid-level Deep Pattern Mining" (CVPR
2015), section 1: discriminative, it is seen in one class, and representative, it is seen in many of its pictures; so also Li,
Ellis, Ji and Chang, "Event Specific Multimodal Pattern Mining for Knowledge Base Construction" (ACM MM 2016). How both are
measured is the purity and coverage of Doersch, Gupta and Efros, "Mid-level Visual Element Discovery as Discriminative Mode
Seeking" (NIPS 2013), section 4.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kb.evaluate.patterns import Part
    from kb.evaluate.retrieval import Bools

TOP = 10
"""How many patterns of an event type somebody looks at first."""


def discrimination(rows: Sequence[dict[str, Any]], fires: Bools, held_out: Part) -> list[float]:
    """Return for each pattern the share of the labelled pictures it is seen in that have its event type; purity.

    Args:
        rows: The patterns.
        fires: bool, (n_patterns, n_held_out), where each is seen.
        held_out: The pictures.

    Returns:
        0 for a pattern that is seen in none.
    """
    found = []
    for row, own in zip(rows, fires, strict=True):
        seen = own & held_out.labelled
        n_seen = int(np.count_nonzero(seen))
        found.append(int(np.count_nonzero(seen & held_out.of_type(row["eventType"]))) / max(1, n_seen))
    return found


def representation(rows: Sequence[dict[str, Any]], fires: Bools, held_out: Part) -> list[float]:
    """Return for each event type with held-out pictures the share of them in which a pattern of it is seen; coverage.

    Args:
        rows: The patterns; a type without any is covered by none.
        fires: bool, (n_patterns, n_held_out), where each is seen.
        held_out: The pictures.
    """
    found = []
    for event_type in held_out.types:
        of_type = held_out.of_type(event_type)
        own = [place for place, row in enumerate(rows) if row["eventType"] == event_type]
        seen = fires[own].any(axis=0) if own else np.zeros(len(of_type), dtype=bool)
        found.append(float((seen & of_type).sum() / of_type.sum()))
    return found


def redundancy(rows: Sequence[dict[str, Any]], fires: Bools) -> list[float]:
    """Return for each pattern that is seen the largest Jaccard overlap, of the pictures it is seen in, with another of its type.

    Args:
        rows: The patterns; those that are seen nowhere are left out, as they overlap with nothing whatever they are.
        fires: bool, (n_patterns, n_held_out), where each is seen.

    Returns:
        0 for the only pattern of a type that is seen.
    """
    shown = np.flatnonzero(fires.any(axis=1)).tolist()
    rows, seen = [rows[place] for place in shown], fires[shown].astype(np.float32)
    n_both = seen @ seen.T
    sizes = seen.sum(axis=1)
    overlap = n_both / np.maximum(sizes[:, None] + sizes[None, :] - n_both, 1)
    types = np.array([row["eventType"] for row in rows], dtype=object)
    others = (types[:, None] == types[None, :]) & ~np.eye(len(rows), dtype=bool)
    return [float(own[is_other].max(initial=0.0)) for own, is_other in zip(overlap, others, strict=True)]


def silent(fires: Bools) -> list[float]:
    """Return 1 for each pattern that is seen in no picture, else 0; `fires` is bool, (n_patterns, n_held_out)."""
    return [float(not own.any()) for own in fires]


def distinct_heads(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return for each event type how many different nouns its first patterns are called by, divided by their number.

    Args:
        rows: Every pattern of a method; the first `TOP` of each type by rank are looked at.

    Returns:
        By event type, sorted; 1 where the first ten patterns are ten different things.
    """
    heads: dict[str, list[str]] = defaultdict(list)
    for row in _top(rows):
        heads[row["eventType"]].append(row["nameHead"])
    return [len(set(heads[name])) / len(heads[name]) for name in sorted(heads)]


def of_one_photograph(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return for each of the first `TOP` patterns of every event type 1 where its evidence is one photo group, else 0."""
    return [float(row["nPhotoGroups"] < 2) for row in _top(rows)]


def _top(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["rank"] <= TOP]
