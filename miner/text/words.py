"""Which words of a caption carry its content.

Nouns, verbs and adjectives by lemma; no stop words, numbers, masked trigger words or named entities (a pattern named after
one politician is rarely a concept). Where a pipeline tags no parts of speech, every word that is no stop word counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from miner.text.lean import spacy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

__all__ = ["Word", "content_words", "stop_words"]

CONTENT_POS = frozenset({"NOUN", "PROPN", "VERB", "ADJ", ""})
NAME_TYPES = frozenset(
    {"PERSON", "PER", "NORP", "FAC", "ORG", "GPE", "LOC", "PRODUCT", "EVENT", "WORK_OF_ART", "LAW", "LANGUAGE", "MISC"}
)
"""Entity types that are names. Dates, times and quantities are not: "winter" is a concept."""

LIGHT_VERBS = frozenset({"be", "do", "get", "go", "have", "let"})
MIN_WORD_CHARS = 2
BATCH = 4096
MAX_WORD_CHARS = 40


@dataclass(frozen=True, slots=True)
class Word:
    """One content word of a caption.

    Attributes:
        text: Its lemma in lower case, or for a phrase two of them with a space.
        first: Offset of its first token.
        last: Offset of its last token.
    """

    text: str
    first: int
    last: int


class Tokens(NamedTuple):
    """The columns of a parsed caption that decide which of its words count."""

    text: str
    starts: list[int]
    lowers: list[str]
    lemmas: list[str]
    pos: list[str]
    entities: list[str]


def content_words(captions: pa.Table, masks: Iterable[Sequence[bool]], *, language: str = "en") -> Iterator[list[Word]]:
    """Yield the content words of each caption, in reading order.

    Args:
        captions: A `CAPTIONS` table.
        masks: For each caption, whether each token is masked (`miner.text.masking.token_masks`).
        language: Whose stop words are left out.
    """
    stops = stop_words(language) | LIGHT_VERBS
    for tokens, mask in zip(_rows(captions), masks, strict=True):
        yield [
            Word(lemma, offset, offset)
            for offset, (lemma, hidden) in enumerate(zip(tokens.lemmas, mask, strict=True))
            if not hidden
            and tokens.pos[offset] in CONTENT_POS
            and tokens.lowers[offset] not in stops
            and lemma not in stops
            and is_word(lemma)
            and not _is_name(tokens, offset)
        ]


def is_word(text: str) -> bool:
    """Tell whether a lemma is made of letters, hyphens and apostrophes, and neither too short nor too long."""
    return MIN_WORD_CHARS <= len(text) <= MAX_WORD_CHARS and text.replace("-", "").replace("'", "").isalpha()


@lru_cache(maxsize=8)
def stop_words(language: str) -> frozenset[str]:
    """Return the stop words spaCy knows for a language, none for a language it does not know."""
    try:
        return frozenset(spacy.util.get_lang_class(language).Defaults.stop_words)
    except ImportError:
        return frozenset()


def _is_name(tokens: Tokens, offset: int) -> bool:
    """Tell whether a token is part of a name: so marked, and written like one (recognisers err on short captions)."""
    if tokens.entities[offset] not in NAME_TYPES:
        return False
    return tokens.pos[offset] == "PROPN" or not tokens.text[tokens.starts[offset]].islower()


def _rows(captions: pa.Table) -> Iterator[Tokens]:
    for batch in captions.select(list(Tokens._fields)).to_batches(max_chunksize=BATCH):
        yield from map(Tokens._make, zip(*(column.to_pylist() for column in batch.columns), strict=True))
