"""What of a mention tells whether another one is of the same event: its trigger, names, places, dates, words and picture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from miner.text.stems import stem_word
from miner.text.words import stop_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["PLACE_ROLES", "Clues", "Day", "find_days", "read_clues", "read_day"]

PLACE_ROLES = frozenset({"Place", "Destination", "Origin"})
NO_PICTURE = frozenset({0, 1 << 63})
"""Hashes of pictures with nothing in them."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTH = (
    r"(jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|june?|july?|aug(?:ust|\.)?|sept?(?:ember|\.)?"
    r"|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)"
)
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})")
_MONTH_FIRST = re.compile(rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(\d{{4}})\b)?", re.IGNORECASE)
_DAY_FIRST = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}\b(?:,?\s+(\d{{4}})\b)?", re.IGNORECASE)
_WEEKDAY = re.compile(rf"\b({'|'.join(WEEKDAYS)})\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")


class Day(NamedTuple):
    """A day of some year; no year where none is said."""

    year: int | None
    month: int
    day: int

    def may_be(self, other: Day) -> bool:
        """Tell whether both can be the same day."""
        same_year = self.year is None or other.year is None or self.year == other.year
        return same_year and self[1:] == other[1:]


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


def read_day(time: object) -> date | None:
    """Return the day of a time that a corpus gives, none where it is written in another way than ISO 8601 begins."""
    match = _ISO.match(str(time or "").strip())
    if match is None:
        return None
    try:
        return date(*map(int, match.groups()))
    except ValueError:
        return None


def find_days(text: str, published: date | None) -> Iterable[Day]:
    """Yield the days that a text names; a weekday is the last one up to the day of publication, where that is known.

    Example:
        >>> list(find_days("On July 4, 2023 and on 5 May", None))
        [Day(year=2023, month=7, day=4), Day(year=None, month=5, day=5)]
    """
    for year, month, day in _ISO.findall(text):
        yield Day(int(year), int(month), int(day))
    for month, day, year in _MONTH_FIRST.findall(text):
        yield Day(int(year) if year else None, _month(month), int(day))
    for day, month, year in _DAY_FIRST.findall(text):
        yield Day(int(year) if year else None, _month(month), int(day))
    if published is None:
        return
    for weekday in _WEEKDAY.findall(text):
        then = published - timedelta(days=(published.weekday() - WEEKDAYS.index(weekday.lower())) % 7)
        yield Day(then.year, then.month, then.day)


def _month(name: str) -> int:
    return MONTHS.index(name[:3].lower()) + 1
