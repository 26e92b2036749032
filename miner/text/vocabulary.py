"""Which words get a vector, and where they occur."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Occurrences", "Vocabulary", "count_words", "find_occurrences"]


@dataclass(frozen=True)
class Vocabulary:
    """The words of a corpus that are frequent enough, the most frequent first.

    Attributes:
        words: Lemmas and phrases, by falling count, then alphabetically.
        counts: int64, (n_words,), records that have each word.
    """

    words: tuple[str, ...]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Occurrences:
    """Which captions and which records have which words.

    Attributes:
        captions: bool, CSC, (n_captions, n_words).
        records: bool, CSC, (n_records, n_words).
    """

    captions: sparse.csc_array
    records: sparse.csc_array


def count_words(sentences: Sequence[Sequence[str]], records: Sequence[str], *, min_count: int = 3) -> Vocabulary:
    """Count in how many records each word is said, and keep those said in at least `min_count`.

    Args:
        sentences: The words of each caption.
        records: The record of each caption, parallel to `sentences`.
        min_count: Least number of records.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for sentence, record in zip(sentences, records, strict=True):
        for word in sentence:
            found[word].add(record)
    counts = {word: len(said) for word, said in found.items() if len(said) >= min_count}
    words = sorted(counts, key=lambda word: (-counts[word], word))
    return Vocabulary(tuple(words), np.array([counts[word] for word in words], np.int64))


def find_occurrences(sentences: Sequence[Sequence[str]], records: Sequence[str], vocabulary: Vocabulary) -> Occurrences:
    """Find the captions and the records of each word of a vocabulary (arguments as in `count_words`)."""
    column = {word: number for number, word in enumerate(vocabulary.words)}
    row_of = {record: row for row, record in enumerate(dict.fromkeys(records))}
    pairs = [
        (caption, row_of[record], column[word])
        for caption, (sentence, record) in enumerate(zip(sentences, records, strict=True))
        for word in sentence
        if word in column
    ]
    captions, rows, columns = np.array(pairs, np.int64).reshape(-1, 3).T
    n_words = len(vocabulary.words)
    return Occurrences(
        captions=_incidence(captions, columns, (len(sentences), n_words)),
        records=_incidence(rows, columns, (len(row_of), n_words)),
    )


def _incidence(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> sparse.csc_array:
    ones = np.ones(len(rows), np.int64)
    matrix = sparse.csc_array((ones, (rows, columns)), shape=shape)
    matrix.data[:] = 1
    return matrix
