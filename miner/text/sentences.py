"""What skip-gram reads: each caption for what a word does, each record for what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from miner.text.words import Word

__all__ = ["MASK", "caption_sentences", "record_sentences"]

MASK = "_"
"""Stands for every masked token, so that no trigger word is a context of its own."""

SILENT_POS = frozenset({"PUNCT", "SPACE"})


def caption_sentences(
    captions: pa.Table, masks: Iterable[Sequence[bool]], words: Iterable[Sequence[Word]]
) -> list[list[str]]:
    """Return every word of each caption, function words too, phrases as one word, masked words as `MASK`.

    Prepositions and articles are what makes "on the bench" and "on the sofa" alike.

    Args:
        captions: A `CAPTIONS` table.
        masks: For each caption, whether each token is masked.
        words: The content words of each caption, phrases in the place of their words.
    """
    columns = (captions[name].to_pylist() for name in ("lemmas", "pos"))
    return [
        _sentence(lemmas, pos, mask, {word.first: word for word in row})
        for lemmas, pos, mask, row in zip(*columns, masks, words, strict=True)
    ]


def record_sentences(records: Sequence[str], words: Iterable[Sequence[Word]]) -> list[list[str]]:
    """Return the content words of each record, caption after caption.

    Args:
        records: The record of each caption.
        words: The content words of each caption, parallel to `records`.
    """
    sentences: dict[str, list[str]] = {}
    for record, row in zip(records, words, strict=True):
        sentences.setdefault(record, []).extend(word.text for word in row)
    return list(sentences.values())


def _sentence(lemmas: Sequence[str], pos: Sequence[str], mask: Sequence[bool], starts: dict[int, Word]) -> list[str]:
    sentence: list[str] = []
    skipped_to = -1
    for offset, (lemma, tag, hidden) in enumerate(zip(lemmas, pos, mask, strict=True)):
        if offset <= skipped_to or tag in SILENT_POS:
            continue
        if word := starts.get(offset):
            sentence.append(word.text)
            skipped_to = word.last
        else:
            sentence.append(MASK if hidden else lemma)
    return sentence
