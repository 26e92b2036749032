"""What common nouns denote: a person, a vehicle, a place."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

__all__ = ["noun_classes"]


def noun_classes(lemma: str) -> tuple[str, ...]:
    """Return the classes a noun can have, none for a noun that is not in the list.

    Args:
        lemma: In lower case, singular (a few plurals such as "men" are known as groups).
    """
    return _lexicon().get(lemma, ())


@cache
def _lexicon() -> dict[str, tuple[str, ...]]:
    text = resources.files("kb").joinpath("mappings", "noun_classes.toml").read_text(encoding="utf-8")
    classes: dict[str, tuple[str, ...]] = {}
    for kind, words in tomllib.loads(text).items():
        for word in dict.fromkeys(words.split()):
            classes[word] = (*classes.get(word, ()), kind)
    return classes
