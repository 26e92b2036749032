"""Small gold files in the form of M2E2, for the tests of scorer and extractor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Event = tuple[str, tuple[int, int], Sequence[tuple[str, int, int]]]
FIRST = 100
"""Offsets of characters count from the beginning of the document."""


def sentence(
    identifier: str,
    text: str,
    *events: Event,
    images: Sequence[str] = (),
    entities: Sequence[tuple[str, int, int]] = (),
) -> dict[str, Any]:
    """Return a sentence whose words are separated by spaces; events are (type, words of trigger, (role, start, end)…)."""
    words = text.split()
    index, start = [], FIRST
    for word in words:
        index.append([str(start), str(start + len(word) - 1)])
        start += len(word) + 1
    return {
        "sentence_id": identifier,
        "sentence_start": FIRST,
        "sentence_end": start,
        "sentence": text,
        "words": words,
        "index": index,
        "image": list(images),
        "golden-entity-mentions": [
            {"entity-type": name, "text": " ".join(words[start:end]), "start": start, "end": end}
            for name, start, end in entities
        ],
        "golden-event-mentions": [_event(words, *event) for event in events],
    }


def _event(
    words: list[str], event_type: str, trigger: tuple[int, int], arguments: Sequence[tuple[str, int, int]]
) -> dict[str, Any]:
    def span(start: int, end: int) -> dict[str, Any]:
        return {"start": start, "end": end, "text": " ".join(words[start:end])}

    return {
        "event_type": event_type,
        "trigger": span(*trigger),
        "arguments": [{"role": role, **span(start, end)} for role, start, end in arguments],
    }


def write_sentences(path: Path, *sentences: dict[str, Any]) -> Path:
    path.write_text(json.dumps(list(sentences)), encoding="utf-8")
    return path


def write_images(path: Path, images: Mapping[str, tuple[str, Mapping[str, Sequence[Sequence[float]]]]]) -> Path:
    """Write pictures: id to type and the boxes of each role."""
    rows = {
        name: {
            "event_type": event_type,
            "role": {role: [["1", *box] for box in boxes] for role, boxes in roles.items()},
        }
        for name, (event_type, roles) in images.items()
    }
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def mention(
    record: str,
    event_type: str,
    trigger: tuple[int, int] | None,
    *arguments: tuple[str, Sequence[float]],
    image: str | None = None,
) -> dict[str, Any]:
    """Return a prediction; an argument of two numbers is a span, one of four a box."""
    return {
        "record": record,
        "document": record.rpartition("_")[0],
        "eventType": event_type,
        "trigger": {"start": trigger[0], "end": trigger[1], "text": ""} if trigger else None,
        "image": {"path": image, "box": None} if image else None,
        "score": 0.5,
        "arguments": [
            {"role": role, "start": where[0], "end": where[1]}
            if len(where) == 2
            else {"role": role, "box": list(where)}
            for role, where in arguments
        ],
        "patterns": [],
    }


def write_mentions(path: Path, *mentions: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in mentions), encoding="utf-8")
    return path
