"""Patterns as vectors: two that are made of much the same items point much the same way.

Each visual item and each word is a direction of +1 and -1 given by the bits of the hash of its name, so vectors of different
runs and corpora can be compared, and nothing is learned. The cosine of two vectors is, up to some 0.09 (1 / √128), the mean
of the cosine of their visual items and that of their words.

Source: random projection with signs, Achlioptas, "Database-friendly random projections", 2003.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from kb.schema import VECTOR_DIMENSIONS
from miner.store.fingerprint import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["pattern_vector"]

DIGITS = 6


def pattern_vector(visual: Mapping[str, float], words: Iterable[str]) -> list[float] | None:
    """Return the vector of a pattern, of length 1; None for one without items.

    Args:
        visual: Weight of each of its visual items, by a name that is the same in every run.
        words: Its words.
    """
    parts = [_project(visual), _project(dict.fromkeys(words, 1.0))]
    summed = _scaled([sum(values) for values in zip(*(part for part in parts if part), strict=True)])
    return [round(value, DIGITS) for value in summed] or None


def _project(weights: Mapping[str, float]) -> list[float]:
    """Return the weighted sum of the directions of some names, of length 1."""
    signs = {name: int(digest_bytes(name.encode()), 16) for name in weights}
    return _scaled(
        [
            sum(weight if signs[name] >> place & 1 else -weight for name, weight in weights.items())
            for place in range(VECTOR_DIMENSIONS if weights else 0)
        ]
    )


def _scaled(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(value * value for value in vector))
    return [value / length for value in vector] if length else []
