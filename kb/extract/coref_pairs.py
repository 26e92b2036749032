"""Which pairs of mentions are worth comparing, and which of those that agree are kept.

Mentions are compared if they share a block: a name, a word, a photograph, each with the event type. The work and what is kept of it
grow with the mentions, not with their square.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from kb.extract.clues import Clues

__all__ = ["LARGEST_BLOCK", "Found", "candidates", "neighbourhood", "one_to_one"]

LARGEST_BLOCK = 64
"""In larger blocks a mention is compared with so many that follow it in time only, or, where no time is known, in words."""

TELLING_WORDS = 6
BAND_BITS, N_BANDS = 16, 4


def neighbourhood(one: Clues, weights: Mapping[str, float]) -> tuple[bool, str, tuple[str, ...], str]:
    """Return what orders mentions: when the event was told of, else what is most telling, so that what is alike is close."""
    days = [f"{day.year:04}-{day.month:02}-{day.day:02}" for day in one.days if day.year is not None]
    when = str(one.published) if one.published else min(days, default="")
    return not when, when, () if when else _telling_words(one, weights), one.id


def candidates(
    ordered: Sequence[Clues], weights: Mapping[str, float], notes: Counter[str]
) -> Iterator[tuple[int, int]]:
    """Yield each pair worth comparing once; no more is kept than which mentions are in which block.

    Args:
        ordered: Mentions, in the order of `neighbourhood`.
        weights: How telling each word is.
        notes: Blocks that are too large to compare all of are added.
    """
    blocks: dict[tuple[str, ...], list[int]] = defaultdict(list)
    blocks_of: list[list[list[int]]] = []
    for place, one in enumerate(ordered):
        blocks_of.append([blocks[one.event_type, *key] for key in set(_keys(one, weights))])
        for block in blocks_of[-1]:
            block.append(place)
    notes["blocks too large to compare all"] += sum(len(block) > LARGEST_BLOCK for block in blocks.values())
    blocks.clear()
    for a, own in enumerate(blocks_of):
        for b in sorted({b for block in own for b in _followers(a, block)}):
            if ordered[a].document != ordered[b].document:
                yield a, b


def _followers(a: int, block: Sequence[int]) -> Sequence[int]:
    start = bisect_right(block, a)
    return block[start:] if len(block) <= LARGEST_BLOCK else block[start : start + LARGEST_BLOCK]


def _keys(one: Clues, weights: Mapping[str, float]) -> Iterator[tuple[str, ...]]:
    for stems in (*one.places, *(stems for own in (one.roles or {}).values() for stems in own)):
        for word in stems:
            yield "word", word
    for word in _telling_words(one, weights):
        yield "word", word
    if one.photo is not None:
        yield "photo", one.photo
    if one.phash is not None:
        for band in range(N_BANDS):
            yield f"band {band}", str((one.phash >> (band * BAND_BITS)) & ((1 << BAND_BITS) - 1))


def _telling_words(one: Clues, weights: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted(one.words, key=lambda word: (-weights[word], word))[:TELLING_WORDS])


class Found:
    """Pairs of places in a sequence of mentions, 24 bytes each: where much is alike there are many."""

    def __init__(self) -> None:
        """Begin with none."""
        self._places, self._scores = array("q"), array("d")

    def add(self, a: int, b: int, score: float) -> None:
        """Keep a pair."""
        self._places.extend((a, b))
        self._scores.append(score)

    def by_score(self, ranks: npt.NDArray[np.int64]) -> Iterator[tuple[int, int, float]]:
        """Yield the pairs, the surest first, equally sure ones by the ranks of their ends, int64, (n_mentions)."""
        places = np.frombuffer(self._places, np.int64).reshape(-1, 2) if self._places else np.empty((0, 2), np.int64)
        ends = np.sort(ranks[places], axis=1)
        scores = np.array(self._scores)
        for n in np.lexsort((ends[:, 1], ends[:, 0], -scores)):
            yield int(places[n, 0]), int(places[n, 1]), float(scores[n])


def one_to_one(found: Found, ordered: Sequence[Clues]) -> Iterator[tuple[int, int, float]]:
    """Keep of the pairs between two documents the surest, each mention once."""
    ranks = np.empty(len(ordered), np.int64)
    ranks[sorted(range(len(ordered)), key=lambda place: ordered[place].id)] = np.arange(len(ordered))
    taken: set[tuple[int, str]] = set()
    for a, b, score in found.by_score(ranks):
        ends = {(a, ordered[b].document), (b, ordered[a].document)}
        if not ends & taken:
            taken |= ends
            yield a, b, score
