"""How alike are what a sentence says and what a picture shows, by the vectors of words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kb.extract.evoked import Evoked, Float32s
    from kb.extract.mention import Mention

__all__ = ["Likeness"]

WORD = re.compile(r"[^\W\d_]+")
KEPT = 4096
"""Sentences, and sets of patterns, whose vectors are kept."""


class Likeness:
    """Compares mentions of texts with those of pictures.

    A picture has no words but those of the patterns that argue for it: their names and text items. Each of them is as near to a
    sentence as the nearest word of the sentence is; the mean over them is how alike both are.

    Args:
        evoked: Patterns of a run, and its vectors.
    """

    def __init__(self, evoked: Evoked) -> None:
        """Note the words of each pattern."""
        self._evoked = evoked
        self._words = {pattern.id: (*pattern.name_words, *pattern.item_words) for pattern in evoked.patterns}
        # every sentence of a document is compared with every picture
        self._said = lru_cache(KEPT)(self._vectors_of_sentence)
        self._shown = lru_cache(KEPT)(self._vectors_of_patterns)

    def __call__(self, text: Mention, image: Mention) -> float:
        """Return how alike two mentions are, 0 to 1; 0 where the words of either have no vectors."""
        one, other = self._shown(image.patterns), self._said(text.sentence.text if text.sentence else "")
        if not len(one) or not len(other):
            return 0.0
        return max(float((one @ other.T).max(axis=1).mean()), 0.0)

    def _vectors_of_sentence(self, sentence: str) -> Float32s:
        return self._evoked.vectors_of(dict.fromkeys(WORD.findall(sentence.casefold())))

    def _vectors_of_patterns(self, patterns: tuple[str, ...]) -> Float32s:
        return self._evoked.vectors_of(dict.fromkeys(word for each in patterns for word in self._words.get(each, ())))
