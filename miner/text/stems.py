"""Word families: a word, its inflections and its derivations (Snowball stems)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import snowballstemmer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["stem_word", "word_family"]

STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nb": "norwegian", "ne": "nepali", "nl": "dutch", "no": "norwegian",
    "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho",
    "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
AGENT_SUFFIXES = ("er", "or", "ist")
MIN_BASE_CHARS = 3


def stem_word(word: str, language: str = "en") -> str:
    """Return the Snowball stem of a lower-case word, or the word itself where its language has no stemmer.

    Source: Porter, "Snowball: A language for stemming algorithms", 2001.
    """
    return _stem(language)(word)


@lru_cache(maxsize=1 << 16)
def word_family(word: str, language: str = "en") -> frozenset[str]:
    """Return the stems that a word shares with its inflections and derivations.

    Two words are of one family where these sets meet. English agent nouns, which the stemmer leaves alone, also carry
    the stem of their verb: swimmer and swim, biker and bike, rider and ride.

    Args:
        word: A lower-case word.
        language: ISO 639-1 code.
    """
    stem = stem_word(word, language)
    suffix = next((suffix for suffix in AGENT_SUFFIXES if stem.endswith(suffix)), "")
    base = stem.removesuffix(suffix)
    if language != "en" or not suffix or len(base) < MIN_BASE_CHARS:
        return frozenset({stem})
    bases = {base, base + "e"}
    if base[-1] == base[-2]:
        bases.add(base[:-1])
    return frozenset({stem, *(stem_word(form, language) for form in bases)})


@lru_cache(maxsize=8)
def _stem(language: str) -> Callable[[str], str]:
    algorithm = STEMMERS.get(language)
    if algorithm not in snowballstemmer.algorithms():
        return str
    stem: Callable[[str], str] = snowballstemmer.stemmer(algorithm).stemWord
    return lru_cache(maxsize=1 << 16)(stem)
