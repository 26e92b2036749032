"""Why an event was extracted: the words, the boxes and the patterns of each mention, as a page or as a picture of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from reports.figures import data_uri, encode_jpeg
from reports.page import template_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WIDTH = 900
MARGIN = 24
LINE = 26
FONT_SIZE = 17
QUALITY = 85
INK, QUIET, PAPER = "#14171c", "#555d69", "#ffffff"
TRIGGER, ROLE = "#ffe9a3", "#cfe8ee"


class Argued(NamedTuple):
    """A pattern that argues for a mention.

    Attributes:
        name: What it is called.
        event_type: Which it indicates.
        confidence: With which, 0 to 1.
        words: That it goes with.
    """

    name: str
    event_type: str
    confidence: float
    words: Sequence[str]


@dataclass(frozen=True, eq=False)
class Source:
    """One text, one picture, or both, and what was extracted from it.

    Attributes:
        title: What to call it.
        text: The words, if there are any.
        picture: The upright picture, if there is one.
        mentions: In the form in which they are printed (`eventminer extract`).
    """

    title: str
    text: str | None
    picture: Image.Image | None
    mentions: Sequence[Mapping[str, Any]]


class Piece(NamedTuple):
    """Words of a text: plain where the label is empty, else a trigger or a role."""

    words: str
    label: str
    is_trigger: bool


def cut_text(text: str, mention: Mapping[str, Any]) -> list[Piece]:
    """Cut a text into plain words, the trigger and the arguments of one mention; what overlaps the words before it stays plain.

    Args:
        text: Of the record.
        mention: One of its mentions.
    """
    trigger = mention["trigger"]
    marks = [(trigger["start"], trigger["end"], mention["eventType"], True)] if trigger else []
    marks += [(own["start"], own["end"], own["role"], False) for own in mention["arguments"] if "start" in own]
    pieces, at = [], 0
    for start, end, label, is_trigger in sorted(marks, key=lambda mark: (mark[0], not mark[3])):
        if start < at or end > len(text):
            continue
        if start > at:
            pieces.append(Piece(text[at:start], "", is_trigger=False))
        pieces.append(Piece(text[start:end], label, is_trigger))
        at = end
    return [*pieces, Piece(text[at:], "", is_trigger=False)] if at < len(text) else pieces


def boxed(mention: Mapping[str, Any]) -> list[tuple[str, tuple[float, ...]]]:
    """Return what is boxed in the picture of a mention, and its box: the event itself, then arguments by their roles."""
    arguments = [(own["role"], tuple(own["box"])) for own in mention["arguments"] if own.get("box")]
    image = mention["image"]
    whole = tuple(image["box"]) if image and image["box"] else ()
    return [(mention["eventType"], whole), *arguments] if whole and whole not in dict(arguments).values() else arguments


def explain_page(sources: Sequence[Source], patterns: Mapping[str, Argued]) -> str:
    """Render mentions with their evidence as one self-contained HTML page.

    Args:
        sources: What was read.
        patterns: Those that argue for mentions, by id.
    """
    environment = template_environment()
    plates = {id(source): _plate(source.picture) for source in sources if source.picture is not None}
    return environment.get_template("explanation.html.j2").render(
        sources=sources, patterns=patterns, plates=plates, cut_text=cut_text, boxed=boxed, key=id
    )


def _plate(picture: Image.Image) -> str:
    small = picture.convert("RGB")
    small.thumbnail((WIDTH, WIDTH))
    return data_uri(encode_jpeg(small, QUALITY))


def explain_picture(sources: Sequence[Source], patterns: Mapping[str, Argued]) -> bytes:
    """Draw mentions with their evidence; returns a PNG file.

    Args:
        sources: What was read.
        patterns: Those that argue for mentions, by id.
    """
    parts = [part for source in sources for part in _draw_source(source, patterns)]
    sheet = Image.new("RGB", (WIDTH, MARGIN + sum(part.height + MARGIN for part in parts)), PAPER)
    y = MARGIN
    for part in parts:
        sheet.paste(part, (0, y))
        y += part.height + MARGIN
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _draw_source(source: Source, patterns: Mapping[str, Argued]) -> Iterator[Image.Image]:
    yield _draw_pieces([Piece(source.title, "", is_trigger=False)], QUIET)
    if not source.mentions:
        yield _draw_pieces([Piece("No event was found.", "", is_trigger=False)], INK)
        if source.picture is not None:
            yield _draw_boxes(source.picture, [])
    for mention in source.mentions:
        heading = f"{mention['eventType']}, probability {mention['score']:.2f}"
        yield _draw_pieces([Piece(heading, "", is_trigger=False)], INK)
        if source.text:
            yield _draw_pieces(cut_text(source.text, mention), INK)
        if source.picture is not None and mention["image"]:
            yield _draw_boxes(source.picture, boxed(mention))
        for pattern in mention["patterns"]:
            yield _draw_pieces([Piece(f"because of: {_tell(pattern, patterns)}", "", is_trigger=False)], QUIET)


def _tell(pattern: str, patterns: Mapping[str, Argued]) -> str:
    known = patterns.get(pattern)
    return f"{known.name} ({known.event_type} in {known.confidence:.0%})" if known else pattern


def _draw_pieces(pieces: Sequence[Piece], ink: str) -> Image.Image:
    """Draw running text, marked words on a ground with their label behind them."""
    font = ImageFont.load_default(size=FONT_SIZE)
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    placed, x, y = [], float(MARGIN), 0
    for piece in pieces:
        shown = f"{piece.words} [{piece.label}]" if piece.label else piece.words
        for word in shown.split():
            width = measure.textlength(word + " ", font=font)
            if x + width > WIDTH - MARGIN and x > MARGIN:
                x, y = float(MARGIN), y + LINE
            placed.append((x, y, width, word, piece))
            x += width
    drawn = Image.new("RGB", (WIDTH, y + LINE), PAPER)
    draw = ImageDraw.Draw(drawn)
    for left, top, width, word, piece in placed:
        if piece.label:
            draw.rectangle(
                (left - 2, top, left + width - 2, top + LINE - 4), fill=TRIGGER if piece.is_trigger else ROLE
            )
        draw.text((left, top), word, fill=ink, font=font)
    return drawn


def _draw_boxes(picture: Image.Image, boxes: Sequence[tuple[str, tuple[float, ...]]]) -> Image.Image:
    small = picture.convert("RGB")
    small.thumbnail((WIDTH - 2 * MARGIN, WIDTH))
    share = small.width / picture.width
    drawn = Image.new("RGB", (WIDTH, small.height), PAPER)
    drawn.paste(small, (MARGIN, 0))
    draw = ImageDraw.Draw(drawn)
    font = ImageFont.load_default(size=FONT_SIZE)
    for role, box in boxes:
        x0, y0, x1, y1 = (value * share for value in box)
        draw.rectangle((x0 + MARGIN - 1, y0 - 1, x1 + MARGIN + 1, y1 + 1), outline="black", width=5)
        draw.rectangle((x0 + MARGIN, y0, x1 + MARGIN, y1), outline="white", width=3)
        width = draw.textlength(role, font=font)
        draw.rectangle((x0 + MARGIN, y0, x0 + MARGIN + width + 8, y0 + LINE - 2), fill="black")
        draw.text((x0 + MARGIN + 4, y0 + 1), role, fill="white", font=font)
    return drawn
