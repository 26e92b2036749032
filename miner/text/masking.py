r"""Trigger words are hidden from the text items of every record.

Weak labels come from words. If such a word could become a text item, rules would restate the label ("protest" means
Demonstrate) beside an arbitrary filter. So whatever *any* type's trigger matches *anywhere* is masked in *all* records:

- a single word (`surf\w*`), with its inflections and derivations, wherever it stands;
- the words of a phrase ("ice cream", "rock face") inside that phrase only, wherever it stands, also inflected: ice
  elsewhere is just ice. A phrase with one content word ("meets with") masks that word everywhere;
- of a pattern that skips over text (`(dogs?)\b.*\b(run\w*)`) the words its groups captured, not what lies between; every
  alternative on the way counts, not only the last one. Without groups, its first and last word.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from miner.errors import TextError
from miner.text.stems import stem_word, word_family
from miner.text.words import is_word, stop_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["MaskedWords", "masked_words", "token_masks"]

GAP = re.compile(r"(?<!\\)\.[*+{]|\[\^[^\]]*\][*+{]|(?:^|[\s:(]|\\[Ws][*+?]?)\\[wS][*+]")
"""What lets a pattern skip whole words: a repeated wildcard or negated class, or a wildcard word standing alone."""


class Tokens(NamedTuple):
    """The columns of a parsed caption that masking reads."""

    text: str
    starts: list[int]
    ends: list[int]
    lowers: list[str]
    lemmas: list[str]


@dataclass(frozen=True)
class MaskedWords:
    """What triggers matched in a corpus.

    Attributes:
        language: Language whose stems are compared.
        words: Trigger words as they were found, in lower case.
        stems: Stems of their families; a word whose own family meets them is masked.
        phrases: Stems of the words of the phrases found.
    """

    language: str
    words: frozenset[str]
    stems: frozenset[str]
    phrases: frozenset[tuple[str, ...]]

    def hides(self, lower: str, lemma: str) -> bool:
        """Tell whether a word is masked wherever it stands.

        Args:
            lower: The word in lower case.
            lemma: Its lemma.
        """
        family = word_family(lower, self.language) | word_family(lemma, self.language)
        return not self.stems.isdisjoint(family)


def masked_words(captions: pa.Table, mask_patterns: Iterable[str], *, language: str = "en") -> MaskedWords:
    """Find every word that a trigger matches in a corpus.

    Args:
        captions: A `CAPTIONS` table.
        mask_patterns: Regular expressions (case ignored), of all event types.
        language: Language of the captions.

    Raises:
        TextError: A pattern is no regular expression.
    """
    patterns = [_compiled(pattern) for pattern in sorted(set(mask_patterns))]
    stops = stop_words(language)
    found: dict[str, Counter[str]] = {}
    phrases: set[tuple[str, ...]] = set()
    for tokens in _rows(captions):
        for offsets in (unit for pattern in patterns for unit in trigger_units(pattern, tokens)):
            content = [i for i in offsets if tokens.lowers[i] not in stops and is_word(tokens.lowers[i])]
            if len(content) == 1 or len(offsets) == 1:
                for i in content or offsets:
                    found.setdefault(tokens.lowers[i], Counter())[tokens.lemmas[i]] += 1
            else:
                phrases.add(tuple(stem_word(tokens.lowers[i], language) for i in offsets))
    # The commonest lemma alone: one wrong lemma ("skis" as a form of "sky") would hide a word that is no trigger.
    lemmas = (max(sorted(counts), key=counts.__getitem__) for counts in found.values())
    families = (word_family(form, language) for form in chain(found, lemmas))
    return MaskedWords(language, frozenset(found), frozenset().union(*families), frozenset(phrases))


def token_masks(captions: pa.Table, masked: MaskedWords) -> pa.ListArray:
    """Mark the masked tokens of every caption.

    Returns:
        list<bool>, parallel to the rows of `captions` and their tokens.
    """
    phrases: dict[str, list[tuple[str, ...]]] = {}
    for phrase in sorted(masked.phrases):
        phrases.setdefault(phrase[0], []).append(phrase)
    hides = lru_cache(maxsize=None)(masked.hides)
    rows = []
    for tokens in _rows(captions):
        row = list(map(hides, tokens.lowers, tokens.lemmas))
        if phrases:
            for offset in _phrase_offsets([stem_word(lower, masked.language) for lower in tokens.lowers], phrases):
                row[offset] = True
        rows.append(row)
    return pa.array(rows, pa.list_(pa.bool_()))


def trigger_units(pattern: re.Pattern[str], tokens: Tokens) -> Iterator[list[int]]:
    """Yield the triggers a pattern finds in a caption, each as the offsets of its tokens.

    A unit is one word or one phrase: the whole match, or of a pattern that skips text each captured group.
    """
    if skips_text(pattern.pattern):
        yield from _skipping_units(pattern, tokens)
        return
    for match in pattern.finditer(tokens.text):
        if unit := _covered(tokens, match.span()):
            yield unit


@lru_cache(maxsize=1024)
def skips_text(pattern: str) -> bool:
    """Tell whether a pattern can match whole words that are no triggers."""
    return GAP.search(pattern) is not None


def outer_spans(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Drop empty spans and those inside another.

    Example:
        >>> outer_spans([(0, 4), (3, 4), (-1, -1), (9, 12)])
        [(0, 4), (9, 12)]
    """
    kept: list[tuple[int, int]] = []
    for start, end in sorted({span for span in spans if span[0] < span[1]}, key=lambda span: (span[0], -span[1])):
        if not kept or end > kept[-1][1]:
            kept.append((start, end))
    return kept


def _skipping_units(pattern: re.Pattern[str], tokens: Tokens) -> Iterator[list[int]]:
    """Yield the units of a pattern with a gap.

    A greedy wildcard finds only the last alternative ("a dog leaps and *runs*"), so the text is cut before it and searched
    again, and then from behind the first.
    """
    start = 0
    while match := pattern.search(tokens.text, start):
        units = _ends_of_gap(match, tokens)
        start = max(tokens.ends[units[0][0]] if units else 0, match.start() + 1)
        while units:
            yield from units
            end = tokens.starts[units[-1][0]]
            shorter = pattern.match(tokens.text, match.start(), end) if end > match.start() else None
            units = _ends_of_gap(shorter, tokens) if shorter else []


def _ends_of_gap(match: re.Match[str], tokens: Tokens) -> list[list[int]]:
    groups = (match.span(number) for number in range(1, match.re.groups + 1))
    spans = outer_spans(span for span in groups if span != match.span())
    units = [unit for span in spans if (unit := _covered(tokens, span))]
    if units:
        return units
    covered = _covered(tokens, match.span())
    return [[offset] for offset in sorted({covered[0], covered[-1]})] if covered else []


def _covered(tokens: Tokens, span: tuple[int, int]) -> list[int]:
    """Return the offsets of the tokens that a character span touches."""
    pairs = zip(tokens.starts, tokens.ends, strict=True)
    return [offset for offset, (start, end) in enumerate(pairs) if start < span[1] and end > span[0]]


def _phrase_offsets(stems: Sequence[str], phrases: dict[str, list[tuple[str, ...]]]) -> Iterator[int]:
    for offset, stem in enumerate(stems):
        for phrase in phrases.get(stem, ()):
            if tuple(stems[offset : offset + len(phrase)]) == phrase:
                yield from range(offset, offset + len(phrase))


def _rows(captions: pa.Table) -> Iterator[Tokens]:
    for batch in captions.select(list(Tokens._fields)).to_batches():
        yield from map(Tokens._make, zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise TextError(
            f"The trigger pattern {pattern!r} is no regular expression: {error}.",
            hint="Correct it in the ontology or in triggers.toml; 'eventminer corpus check' finds all of them.",
        ) from error
