"""What of a mention tells whether another one is of the same event: its trigger, names, places, dates, words and picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kb.extract.days import Day, find_days, read_day
from kb.ontologies.nouns import noun_classes
from miner.text.stems import stem_word
from miner.text.words import stop_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

__all__ = ["PLACE_ROLES", "Clues", "read_clues"]

PLACE_ROLES = frozenset({"Place", "Destination", "Origin"})
NO_PICTURE = frozenset({0, 1 << 63})
"""Hashes of pictures with nothing in them."""

PLACE_WORDS = frozenset({
    "area", "avenue", "base", "border", "camp", "capital", "center", "central", "centre", "coast", "country",
    "county", "district", "downtown", "east", "eastern", "hospital", "hotel", "island", "isle", "lake",
    "mosque", "mount", "nation", "neighborhood", "neighbourhood", "new", "north", "northern", "outskirts",
    "place", "port", "prison", "province", "region", "republic", "saint", "scene", "south", "southern",
    "state", "suburb", "territory", "west", "western", "world",
})  # fmt: skip
"""Words of places that are no names by themselves, besides the nouns that denote one."""

_WORD = re.compile(r"\w+")
_UNITED_STATES = re.compile(r"\b(?:U\.\s?S\.(?:\s?A\b\.?)?|USA?\b|U\.S\b|United States(?: of America)?\b)")
_INITIALS = re.compile(r"\b[A-Z](?:\.[A-Z])+\b\.?")


@dataclass(frozen=True)
class Clues:
    """What is compared.

    Attributes:
        id: Of the mention.
        document: That it was found in; unlike that of any other source.
        event_type: What happens.
        lemma: Of the trigger; empty where only a picture shows it.
        places: Stems of each place that is said.
        place_names: Stems of the proper names among the words of the places.
        roles: Stems of each argument of the other roles, by role.
        days: Days that the sentence names.
        published: When the record was published.
        words: Stems of the content words of the sentence.
        phash: Perceptual hash of the picture, none where there is no picture or nothing in it.
        photo: What all prints of its photograph share, if a corpus has grouped them.
        patterns: Ids of the patterns that argue for it.
    """

    id: str
    document: str
    event_type: str
    lemma: str = ""
    places: tuple[frozenset[str], ...] = ()
    place_names: frozenset[str] = frozenset()
    roles: Mapping[str, tuple[frozenset[str], ...]] | None = None
    days: frozenset[Day] = frozenset()
    published: date | None = None
    words: frozenset[str] = frozenset()
    phash: int | None = None
    photo: str | None = None
    patterns: frozenset[str] = frozenset()


def read_clues(identifier: str, row: Mapping[str, Any], *, source: str = "", photo: str | None = None) -> Clues:
    """Read the clues of a mention.

    Args:
        identifier: What to call it.
        row: As `kb.extract.mention.Mention.as_json` gives it.
        source: What its document is of.
        photo: As of `Clues`.
    """
    trigger, image, sentence = (row.get(name) or {} for name in ("trigger", "image", "sentence"))
    text, published = str(sentence.get("text") or ""), read_day(row.get("time"))
    places, roles = list[str](), dict[str, list[frozenset[str]]]()
    for argument in row.get("arguments") or ():
        words = argument.get("text") or ""
        if stems := stems_of(words):
            if argument["role"] in PLACE_ROLES:
                places.append(words)
            else:
                roles.setdefault(argument["role"], []).append(stems)
    phash = int(image["phash"], 16) if image.get("phash") else 0
    return Clues(
        identifier,
        f"{source}\0{row['document']}",
        row["eventType"],
        str(row.get("lemma") or trigger.get("text") or "").lower(),
        tuple(stems_of(place) for place in places),
        frozenset(stem for place in places for stem in _names_in(place)),
        {role: tuple(own) for role, own in roles.items()},
        frozenset(find_days(text, published)),
        published,
        stems_of(text),
        phash if phash not in NO_PICTURE else None,
        photo,
        frozenset(row.get("patterns") or ()),
    )


def stems_of(text: str) -> frozenset[str]:
    """Return the stems of the words that mean something."""
    return frozenset(stem_word(word) for word in _words(_joined(text).lower()))


def _names_in(place: str) -> Iterator[str]:
    """Yield the stems of the words of a place that are proper names: capitalised, and not of a kind of place."""
    for word in _WORD.findall(_joined(place)):
        if word[0].isupper() and not _is_kind(word.lower()):
            yield from map(stem_word, _words(word.lower()))


def _is_kind(word: str) -> bool:
    singular = (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y")
    return any(form in PLACE_WORDS or "place" in noun_classes(form) for form in singular)


def _words(text: str) -> Iterator[str]:
    return (word for word in _WORD.findall(text) if word not in stop_words("en") and len(word) > 1)


def _joined(text: str) -> str:
    """Write initials as one word: "U.N." is no two letters, and "US" not the pronoun."""
    return _INITIALS.sub(lambda match: match[0].replace(".", ""), _UNITED_STATES.sub("USA", text))
