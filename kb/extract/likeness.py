"""How alike are what a sentence says and what a picture shows, by the vectors of words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kb.extract.evoked import Evoked
    from kb.extract.mention import Mention

__all__ = ["Likeness"]

WORD = re.compile(r"[^\W\d_]+")


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

    def __call__(self, text: Mention, image: Mention) -> float:
        """Return how alike two mentions are, 0 to 1; 0 where the words of either have no vectors."""
        said = WORD.findall(text.sentence.text.casefold()) if text.sentence else []
        shown = dict.fromkeys(word for pattern in image.patterns for word in self._words.get(pattern, ()))
        one, other = self._evoked.vectors_of(shown), self._evoked.vectors_of(dict.fromkeys(said))
        if not len(one) or not len(other):
            return 0.0
        return max(float((one @ other.T).max(axis=1).mean()), 0.0)
