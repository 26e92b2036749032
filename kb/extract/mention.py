"""An extracted event mention, and its form in JSON Lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Argument", "Box", "Mention", "Picture", "TextSpan"]

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the original picture."""


class TextSpan(NamedTuple):
    """Characters `start` to `end` of the text of a record."""

    start: int
    end: int
    text: str


class Picture(NamedTuple):
    """Where in a picture an event shows; no box stands for all of it."""

    path: str
    box: Box | None = None


@dataclass(frozen=True)
class Argument:
    """Who or what plays a role: words, a box, or both.

    Attributes:
        role: Of the event type.
        score: Probability, 0 to 1.
        span: Words of the text.
        box: Part of the picture.
        patterns: Ids of the patterns that argue for it.
    """

    role: str
    score: float
    span: TextSpan | None = None
    box: Box | None = None
    patterns: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what is printed."""
        row: dict[str, Any] = {"role": self.role}
        if self.span is not None:
            row |= self.span._asdict()
        if self.box is not None:
            row["box"] = list(self.box)
        return row | {"score": round(self.score, 4)} | ({"patterns": list(self.patterns)} if self.patterns else {})


@dataclass(frozen=True)
class Mention:
    """One event in a text, in a picture or in both.

    Attributes:
        record: Id of what was read: a sentence, a text, a picture with its captions.
        document: Id of the document it belongs to.
        event_type: Id of the event type.
        score: Probability, 0 to 1.
        trigger: The word that tells of the event.
        image: Where it shows.
        arguments: Who or what takes part.
        patterns: Ids of the patterns that argue for it, strongest first.
        caption: Number of the caption of the record, from 0; None where the record is one text.
    """

    record: str
    document: str
    event_type: str
    score: float
    trigger: TextSpan | None = None
    image: Picture | None = None
    arguments: tuple[Argument, ...] = ()
    patterns: tuple[str, ...] = ()
    caption: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what is printed."""
        image = self.image
        caption = {} if self.caption is None else {"caption": self.caption}
        return {
            "record": self.record,
            "document": self.document,
            **caption,
            "eventType": self.event_type,
            "trigger": self.trigger._asdict() if self.trigger else None,
            "image": {"path": image.path, "box": list(image.box) if image.box else None} if image else None,
            "score": round(self.score, 4),
            "arguments": [argument.as_json() for argument in self.arguments],
            "patterns": list(self.patterns),
        }
