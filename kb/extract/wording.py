"""Which texts need parsing at all: those with a word that might be the form of a trigger."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from kb.extract.features import CONTENT_POS
from miner.text.stems import stem_word

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kb.extract.examples import Example

__all__ = ["TriggerWords", "idle_words", "odd_forms"]

WORD = re.compile(r"[^\W_]+")
MOST_REMEMBERED = 500_000
COMMON = 20
RARELY = 0.05


def odd_forms(examples: Iterable[Example], lemmas: frozenset[str]) -> frozenset[tuple[str, str]]:
    """Return the forms of some lemmas that their stems do not give away, each with its lemma, such as "shot" of "shoot"."""
    pairs = {
        (lower, lemma)
        for example in examples
        for lower, lemma in zip(example.parsed.lowers, example.parsed.lemmas, strict=True)
        if lemma in lemmas
    }
    return frozenset((lower, lemma) for lower, lemma in pairs if not _stems(lower) & _stems(lemma))


def idle_words(examples: Iterable[Example], lemmas: frozenset[str]) -> frozenset[str]:
    """Return common forms of some lemmas that hardly ever are content words, such as "in": no reason to parse a text."""
    seen: Counter[str] = Counter()
    content: Counter[str] = Counter()
    for example in examples:
        parsed = example.parsed
        for lower, lemma, pos in zip(parsed.lowers, parsed.lemmas, parsed.pos, strict=True):
            if lemma in lemmas:
                seen[lower] += 1
                content[lower] += pos in CONTENT_POS
    return frozenset(lower for lower, n in seen.items() if n >= COMMON and content[lower] < RARELY * n)


def _stems(word: str) -> set[str]:
    return {stem_word(part) for part in WORD.findall(word)}


class TriggerWords:
    """Knows the words that might be forms of some lemmas; it may take others for them, but hardly misses one.

    Args:
        lemmas: In lower case.
        forms: Forms that do not share the stem of their lemma, each with its lemma; those of other lemmas do not count.
        idle: Words that do not count.
    """

    def __init__(
        self, lemmas: Collection[str], forms: Iterable[tuple[str, str]], idle: frozenset[str] = frozenset()
    ) -> None:
        """Keep the stems."""
        self._idle = idle
        self._stems = set().union(
            *(_stems(word) for word in (*lemmas, *(form for form, lemma in forms if lemma in lemmas)))
        )
        self._known: dict[str, bool] = {}

    def occur_in(self, text: str) -> bool:
        """Tell whether a text has such a word."""
        return any(self._is_one(word) for word in WORD.findall(text.lower()))

    def _is_one(self, word: str) -> bool:
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            found = self._known[word] = word not in self._idle and stem_word(word) in self._stems
        return found
