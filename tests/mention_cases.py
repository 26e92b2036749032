"""Mentions as `eventminer extract` prints them, about the records of `tests.kb_run`."""

from __future__ import annotations

from typing import Any

from kb.extract.graph_rows import Provenance

FIRST, SECOND = "Paaaaaaaaaaaa", "Pbbbbbbbbbbbb"


def said(record: str = "c1", word: str = "climbs", start: int = 6, **changes: object) -> dict[str, Any]:
    """Return a mention of a caption of the small run: `a man climbs on a rock face`."""
    row: dict[str, Any] = {
        "record": record,
        "document": record,
        "caption": 0,
        "eventType": "Sport.Climbing",
        "trigger": {"start": start, "end": start + len(word), "text": word},
        "image": None,
        "score": 0.75,
        "arguments": [{"role": "Climber", "start": 2, "end": 5, "text": "man", "score": 0.5, "patterns": [FIRST]}],
        "patterns": [FIRST, SECOND],
        "lemma": "climb",
        "sentence": {"start": 0, "end": 27, "text": "a man climbs on a rock face"},
    }
    return row | changes


def shown(record: str = "c2", **changes: object) -> dict[str, Any]:
    """Return a mention of a picture of the small run."""
    row: dict[str, Any] = {
        "record": record,
        "document": record,
        "eventType": "Sport.Climbing",
        "trigger": None,
        "image": {"path": f"images/{record}.jpg", "box": [1, 2, 30, 40], "phash": "00000000000000ff"},
        "score": 0.5,
        "arguments": [{"role": "Place", "box": [1, 2, 30, 40], "score": 0.25, "patterns": [FIRST]}],
        "patterns": [FIRST],
        "time": "2023-07-04",
    }
    return row | changes


def provenance(source: str = "beach", **changes: object) -> Provenance:
    values: dict[str, Any] = {
        "source": source,
        "corpus": "beach",
        "run": "k" * 32,
        "text_model": "rules",
        "image_model": None,
        "decisions": 0,
        "versions": {"spacy": "3.8", "absent": ""},
    }
    return Provenance(**(values | changes))
