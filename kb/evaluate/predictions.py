"""Predicted mentions, as `eventminer extract` writes them (JSON Lines) or in the format of M2E2's own files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from corpora.m2e2 import image_id, read_gold
from kb.ontology import normalise_value
from miner.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from corpora.m2e2 import Box, Gold, GoldArgument

__all__ = ["Predicted", "PredictedArgument", "as_predicted", "read_predictions"]

Offsets = tuple[int, int]


class PredictedArgument(NamedTuple):
    """Who or what plays a role: characters of the text, a box of the picture, or both."""

    role: str
    span: Offsets | None
    box: Box | None


class Predicted(NamedTuple):
    """One predicted mention.

    Attributes:
        record: Id of the sentence.
        image: Id of the picture, None for a mention of text alone.
        event_type: Normalised (`kb.ontology.normalise_value`).
        trigger: Characters of the sentence, None for a mention of a picture alone.
        arguments: Its arguments.
    """

    record: str
    image: str | None
    event_type: str
    trigger: Offsets | None
    arguments: tuple[PredictedArgument, ...]


def read_predictions(path: Path) -> list[Predicted]:
    """Read a file of predictions.

    Raises:
        CorpusError: The file cannot be read, or a line is no mention; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"Cannot read {path}: {error}.", hint="Give what 'eventminer extract' wrote.") from error
    if text.lstrip().startswith("[") or (path.suffix == ".json" and '"event_type"' in text):
        return list(as_predicted(read_gold([path])))
    return list(_parse_lines(text.splitlines(), path))


def as_predicted(gold: Gold) -> Iterator[Predicted]:
    """Turn annotations in the format of M2E2 into predictions."""
    for sentence in gold.sentences.values():
        for mention in sentence.mentions:
            trigger = (mention.trigger.start, mention.trigger.end)
            arguments = _gold_arguments(mention.arguments)
            yield Predicted(sentence.id, None, normalise_value(mention.event_type), trigger, arguments)
    for image in gold.images.values():
        yield Predicted(image.id, image.id, normalise_value(image.event_type), None, _gold_arguments(image.arguments))


def _gold_arguments(arguments: Iterable[GoldArgument]) -> tuple[PredictedArgument, ...]:
    return tuple(PredictedArgument(a.role, (a.span.start, a.span.end) if a.span else None, a.box) for a in arguments)


def _parse_lines(lines: Iterable[str], path: Path) -> Iterator[Predicted]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _parse(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorpusError(
                f"Line {number} of {path} is no mention: {type(error).__name__} {error}.",
                hint='A line is {"record": …, "eventType": …, "trigger": {"start": …, "end": …} or null, "image": {"path": …} or null, '
                '"arguments": […]}.',
            ) from error


def _parse(row: dict[str, Any]) -> Predicted:
    image = row.get("image")
    trigger = row.get("trigger")
    if image is None and trigger is None:
        raise ValueError("it has neither a trigger nor an image")
    return Predicted(
        str(row["record"]),
        image_id(str(image.get("path") or row["record"])) if image else None,
        normalise_value(str(row["eventType"])),
        _offsets(trigger) if trigger else None,
        tuple(_argument(argument) for argument in row.get("arguments") or ()),
    )


def _argument(row: dict[str, Any]) -> PredictedArgument:
    box = row.get("box")
    if box is None:
        return PredictedArgument(str(row["role"]), _offsets(row), None)
    x0, y0, x1, y1 = (float(value) for value in box)
    return PredictedArgument(str(row["role"]), _offsets(row) if "start" in row else None, (x0, y0, x1, y1))


def _offsets(row: dict[str, Any]) -> Offsets:
    return int(row["start"]), int(row["end"])
