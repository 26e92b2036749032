"""The visual patterns that a word evokes.

A run's patterns were named from captions and carry text items, so a word leads to patterns in three ways: it is a word of
a pattern's name (1), a word of one of its text items (0.7), or its vector is close to the name's (half the cosine, from 0.4).
What a pattern indicates, and which filters and classes of the network it shows in, then speaks for the word in a new text.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    Float32s = npt.NDArray[np.float32]

__all__ = ["Evoked", "SeenPattern"]

BY_NAME = 1.0
BY_ITEM = 0.7
BY_VECTOR = 0.5
MIN_COSINE = 0.4
MOST_PATTERNS = 5
STRONG = 0.6
MOST_REMEMBERED = 200_000


class SeenPattern(NamedTuple):
    """What extraction uses of a pattern.

    Attributes:
        id: Of the pattern.
        event_type: What it indicates.
        confidence: Of the rule, 0 to 1.
        name_words: Lemmas of its name.
        item_words: Words of its text items.
        visual_items: Numbers of its visual items.
        role: The role its name fills, if any.
    """

    id: str
    event_type: str
    confidence: float
    name_words: tuple[str, ...]
    item_words: tuple[str, ...]
    visual_items: tuple[int, ...]
    role: str | None


class Evoked:
    """Looks up the patterns that words evoke.

    Args:
        patterns: Of a run.
        words: Words with a vector.
        vectors: float32, (n_words, n_dims), of unit length.
    """

    def __init__(
        self, patterns: Sequence[SeenPattern] = (), words: Sequence[str] = (), vectors: Float32s | None = None
    ) -> None:
        """Index the patterns by word."""
        self.patterns = patterns
        self._index: dict[str, dict[int, float]] = defaultdict(dict)
        for number, pattern in enumerate(patterns):
            for word in pattern.item_words:
                self._index[word][number] = BY_ITEM
            for word in pattern.name_words:
                self._index[word][number] = BY_NAME
        self._rows = {word: row for row, word in enumerate(words)}
        self._vectors = np.zeros((0, 1), np.float32) if vectors is None else vectors
        self._names = self._name_vectors()
        self._found: dict[str, dict[int, float]] = {}

    def find(self, word: str) -> Mapping[int, float]:
        """Return the patterns (by number) that a lemma evokes and how strongly, the strongest few."""
        found = self._found.get(word)
        if found is None:
            strengths = dict(self._index.get(word, {}))
            for number, strength in self._alike(word):
                strengths[number] = max(strength, strengths.get(number, 0.0))
            best = sorted(strengths.items(), key=lambda item: (-item[1], item[0]))[:MOST_PATTERNS]
            found = dict(best)
            if found or len(self._found) < MOST_REMEMBERED:
                self._found[word] = found
        return found

    def features(self, word: str, context: Iterable[str]) -> list[str]:
        """Describe what a candidate and the other words of its sentence evoke: event types, patterns, visual items."""
        found = []
        for number, strength in self.find(word).items():
            pattern = self.patterns[number]
            grade = "strong" if strength >= STRONG else "weak"
            found += [f"evokes.{grade}={pattern.event_type}", f"evokes.pattern={pattern.id}"]
            found += [f"evokes.item={item}" for item in pattern.visual_items]
        seen = {
            self.patterns[number].event_type
            for other in context
            for number, strength in self.find(other).items()
            if strength >= STRONG
        }
        return list(dict.fromkeys(found)) + [f"near.evokes={event_type}" for event_type in sorted(seen)]

    def argue(self, words: Iterable[str], event_type: str) -> tuple[str, ...]:
        """Return the ids of the patterns of an event type that some words evoke, strongest first."""
        strengths: dict[int, float] = {}
        for word in words:
            for number, strength in self.find(word).items():
                if self.patterns[number].event_type == event_type:
                    strengths[number] = max(strength, strengths.get(number, 0.0))
        ranked = sorted(strengths, key=lambda number: (-strengths[number] * self.patterns[number].confidence, number))
        return tuple(self.patterns[number].id for number in ranked)

    def vectors_of(self, words: Iterable[str]) -> Float32s:
        """Return the vectors of those words that have one, float32, (n, n_dims), of unit length."""
        return self._vectors[[self._rows[word] for word in words if word in self._rows]]

    def _alike(self, word: str) -> Iterable[tuple[int, float]]:
        row = self._rows.get(word)
        if row is None:
            return
        cosines = self._names @ self._vectors[row]
        for number in np.flatnonzero(cosines >= MIN_COSINE):
            yield int(number), BY_VECTOR * float(cosines[number])

    def _name_vectors(self) -> Float32s:
        names = np.zeros((len(self.patterns), self._vectors.shape[1]), np.float32)
        for number, pattern in enumerate(self.patterns):
            known = [self._rows[word] for word in pattern.name_words if word in self._rows]
            if known:
                mean = self._vectors[known].mean(axis=0)
                names[number] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return names
