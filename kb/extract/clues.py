"""What of a mention tells whether another one is of the same event: its trigger, names, places, dates, words and picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kb.extract.days import Day, find_days, read_day
from miner.text.stems import stem_word
from miner.text.words import stop_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = ["PLACE_ROLES", "Clues", "read_clues"]

PLACE_ROLES = frozenset({"Place", "Destination", "Origin"})
NO_PICTURE = frozenset({0, 1 << 63})
"""Hashes of pictures with nothing in them."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Clues:
    """What is compared.

    Attributes:
        id: Of the mention.
        document: That it was found in; unlike that of any other source.
        event_type: What happens.
        lemma: Of the trigger; empty where only a picture shows it.
        places: Stems of each place that is named.
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
    places, roles = list[frozenset[str]](), dict[str, list[frozenset[str]]]()
    for argument in row.get("arguments") or ():
        stems = stems_of(argument.get("text") or "")
        if stems:
            kept = places if argument["role"] in PLACE_ROLES else roles.setdefault(argument["role"], [])
            kept.append(stems)
    phash = int(image["phash"], 16) if image.get("phash") else 0
    return Clues(
        identifier,
        f"{source}\0{row['document']}",
        row["eventType"],
        str(row.get("lemma") or trigger.get("text") or "").lower(),
        tuple(places),
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
    return frozenset(stem_word(word) for word in _WORD.findall(text.lower()) if word not in _stops() and len(word) > 1)


def _stops() -> frozenset[str]:
    return stop_words("en")
