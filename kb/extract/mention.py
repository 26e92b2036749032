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
    """Where in a picture an event shows; no box stands for all of it.

    Attributes:
        path: How the corpus names the picture.
        box: Where in it.
        phash: Its perceptual hash, 16 hexadecimal digits; copies of a photograph have close ones.
        record: Id of its record, where that is not the record of the mention.
    """

    path: str
    box: Box | None = None
    phash: str | None = None
    record: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what is printed."""
        more = {name: value for name, value in (("phash", self.phash), ("record", self.record)) if value is not None}
        return {"path": self.path, "box": list(self.box) if self.box else None, **more}


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
        lemma: Basic form of the trigger.
        sentence: The sentence, or the piece of the text, that the trigger stands in.
        time: When the record was published, as its corpus says.
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
    lemma: str | None = None
    sentence: TextSpan | None = None
    time: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what is printed."""
        caption = {} if self.caption is None else {"caption": self.caption}
        more = {"lemma": self.lemma, "sentence": self.sentence and self.sentence._asdict(), "time": self.time}
        return {
            "record": self.record,
            "document": self.document,
            **caption,
            "eventType": self.event_type,
            "trigger": self.trigger._asdict() if self.trigger else None,
            "image": self.image.as_json() if self.image else None,
            "score": round(self.score, 4),
            "arguments": [argument.as_json() for argument in self.arguments],
            "patterns": list(self.patterns),
            **{name: value for name, value in more.items() if value},
        }
