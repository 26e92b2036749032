"""Searching names and captions: every word of a query must occur, case ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reports.review.shelf import Shelf

MOST_WORDS = 8
MOST_HITS = 60
LONGEST_TEXT = 2_000
"""Characters of a caption that are searched and shown."""


@dataclass(frozen=True)
class CaptionHit:
    """A caption that has the words.

    Attributes:
        record: Its record.
        picture: Row of the record's picture, -1 without one.
        pieces: The caption in pieces, and of each whether it is one of the words.
        event_types: Of the record.
    """

    record: str
    picture: int
    pieces: tuple[tuple[str, bool], ...]
    event_types: tuple[str, ...]


def query_words(query: str) -> tuple[str, ...]:
    """Return the words of a query."""
    return tuple(dict.fromkeys(query.lower().split()))[:MOST_WORDS]


def has_all(texts: Iterable[str], words: Sequence[str]) -> bool:
    """Tell whether every word occurs in one of some texts."""
    joined = "\n".join(texts).lower()
    return all(word in joined for word in words)


def find_captions(shelf: Shelf, words: Sequence[str], n_most: int = MOST_HITS) -> tuple[list[CaptionHit], int]:
    """Return the first captions that have all words, and how many have them."""
    if not words:
        return [], 0
    captions = shelf.captions
    shown = pc.utf8_slice_codeunits(captions["text"], 0, LONGEST_TEXT)
    mask = pc.match_substring(shown, words[0], ignore_case=True)
    for word in words[1:]:
        mask = pc.and_(mask, pc.match_substring(shown, word, ignore_case=True))
    found = captions.filter(mask)
    rows = found.slice(0, n_most).select(["record", "text"]).to_pylist()
    pictures = shelf.pictures(found.slice(0, n_most)["record"]).tolist()
    hits = [
        CaptionHit(
            record=row["record"],
            picture=picture,
            pieces=mark_words(row["text"][:LONGEST_TEXT], words),
            event_types=tuple(shelf.images["eventTypes"][picture].as_py() or ()) if picture >= 0 else (),
        )
        for row, picture in zip(rows, pictures, strict=True)
    ]
    return hits, int(found.num_rows)


def mark_words(text: str, words: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """Split a text at words, wherever they stand in it."""
    lower = text.lower()
    if len(lower) != len(text):
        return ((text, False),)
    pieces: list[tuple[str, bool]] = []
    at = 0
    while at < len(text):
        nexts = [(place, -len(word)) for word in words if (place := lower.find(word, at)) >= 0]
        if not nexts:
            break
        start, length = min(nexts)
        if start > at:
            pieces.append((text[at:start], False))
        pieces.append((text[start : start - length], True))
        at = start - length
    if at < len(text):
        pieces.append((text[at:], False))
    return tuple(pieces)
