"""Two-word phrases that are concepts of their own: "fire truck", "life vest", "grassy field".

A noun and the noun or adjective before it, where the two stand together far more often than their frequencies explain.

Source: Bouma, "Normalized (Pointwise) Mutual Information in Collocation Extraction", GSCL 2009, equation 7.
"""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from miner.text.words import Word

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    import pyarrow as pa

__all__ = ["find_phrases", "join_phrases", "with_phrases"]

MIN_PHRASE_RECORDS = 5
MODIFIERS = frozenset({"NOUN", "PROPN", "ADJ"})
NOUNS = frozenset({"NOUN", "PROPN"})


def find_phrases(captions: pa.Table, words: Sequence[Sequence[Word]], *, min_npmi: float = 0.3) -> frozenset[str]:
    """Find the phrases of a corpus.

    Args:
        captions: A `CAPTIONS` table with parts of speech and heads; without them there are no phrases.
        words: The content words of each caption.
        min_npmi: Least normalised pointwise mutual information over records, in (-1, 1].

    Returns:
        Pairs of lemmas joined by a space, each in at least five records.
    """
    records: dict[str, set[str]] = defaultdict(set)
    pairs: dict[tuple[str, str], set[str]] = defaultdict(set)
    columns = (captions[name].to_pylist() for name in ("record", "pos", "heads"))
    for row, record, pos, heads in zip(words, *columns, strict=True):
        for word in row:
            records[word.text].add(record)
        for left, right in _neighbours(row):
            if pos[left.first] in MODIFIERS and pos[right.first] in NOUNS and heads[left.first] == right.first:
                pairs[left.text, right.text].add(record)
    n_records = len(set(captions["record"].to_pylist()))
    return frozenset(
        f"{left} {right}"
        for (left, right), found in pairs.items()
        if len(found) >= MIN_PHRASE_RECORDS
        and npmi(len(found), len(records[left]), len(records[right]), n_records) >= min_npmi
    )


def npmi(n_both: int, n_left: int, n_right: int, n: int) -> float:
    """Return the normalised pointwise mutual information of two events counted over n records, in [-1, 1].

    Example:
        >>> npmi(10, 10, 10, 100)
        1.0
    """
    if n_both == n:
        return 1.0
    return math.log(n_both * n / (n_left * n_right)) / -math.log(n_both / n)


def join_phrases(words: Iterable[Word], phrases: Collection[str]) -> list[Word]:
    """Put phrases in the place of their words, the leftmost first."""
    joined: list[Word] = []
    for word in words:
        if joined and (phrase := _phrase(joined[-1], word)).text in phrases and _adjacent(joined[-1], word):
            joined[-1] = phrase
        else:
            joined.append(word)
    return joined


def with_phrases(words: Sequence[Word], phrases: Collection[str]) -> list[Word]:
    """Return the words of a caption and every phrase among them, in reading order."""
    found = (_phrase(left, right) for left, right in _neighbours(words))
    return sorted([*words, *(phrase for phrase in found if phrase.text in phrases)], key=lambda word: word.first)


def _neighbours(words: Sequence[Word]) -> Iterator[tuple[Word, Word]]:
    return ((left, right) for left, right in pairwise(words) if _adjacent(left, right))


def _adjacent(left: Word, right: Word) -> bool:
    return left.last + 1 == right.first


def _phrase(left: Word, right: Word) -> Word:
    return Word(f"{left.text} {right.text}", left.first, right.last)
