from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from reports.explanation import Argued, Piece, Source, cut_text, explain_page, explain_picture

TEXT = "Crowds burned tyres in Paris."
PATTERNS = {"p1": Argued("burning tyres", "Conflict.Demonstrate", 0.8, ["tyre", "smoke"])}


def mention(**changes: object) -> dict[str, Any]:
    own = {
        "record": "r1",
        "document": "d1",
        "eventType": "Conflict.Demonstrate",
        "trigger": {"start": 7, "end": 13, "text": "burned"},
        "image": None,
        "score": 0.75,
        "arguments": [{"role": "Place", "start": 23, "end": 28, "text": "Paris", "score": 0.5}],
        "patterns": ["p1"],
    }
    return own | changes


def test_explanation_cuts_text_at_trigger_and_arguments() -> None:
    assert cut_text(TEXT, mention()) == [
        Piece("Crowds ", "", is_trigger=False),
        Piece("burned", "Conflict.Demonstrate", is_trigger=True),
        Piece(" tyres in ", "", is_trigger=False),
        Piece("Paris", "Place", is_trigger=False),
        Piece(".", "", is_trigger=False),
    ]


def test_explanation_never_loses_words_whatever_overlaps() -> None:
    arguments = [
        {"role": "Entity", "start": 0, "end": 19, "text": TEXT[:19]},
        {"role": "Place", "start": 23, "end": 400, "text": "?"},
        {"role": "Instrument", "box": [0, 0, 1, 1]},
    ]
    pieces = cut_text(TEXT, mention(arguments=arguments))
    assert "".join(piece.words for piece in pieces) == TEXT


def test_explanation_page_shows_words_box_and_patterns_and_escapes_them() -> None:
    picture = Image.new("RGB", (200, 100), "grey")
    shown = mention(
        image={"path": "a.jpg", "box": None},
        arguments=[{"role": "Instrument", "box": [10, 20, 60, 80], "score": 0.5}],
    )
    page = explain_page([Source("<script>a.jpg", "It <b>burned</b>", picture, [shown])], PATTERNS)
    assert "<script" not in page
    assert "&lt;script&gt;a.jpg" in page
    assert '<rect class="frame" x="10" y="20" width="50" height="60"/>' in page
    assert "burning tyres" in page
    assert "goes with tyre, smoke" in page
    assert "data:image/jpeg;base64," in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_explanation_of_nothing_says_so() -> None:
    page = explain_page([Source("a.jpg", None, Image.new("RGB", (20, 10)), [])], {})
    assert "No event was found." in page


def test_explanation_picture_has_the_box_where_it_is() -> None:
    picture = Image.new("RGB", (426, 300), (90, 90, 90))
    shown = mention(
        image={"path": "a.jpg", "box": None},
        arguments=[{"role": "Instrument", "box": [200, 100, 300, 200], "score": 0.5}],
    )
    with Image.open(io.BytesIO(explain_picture([Source("a.jpg", TEXT, picture, [shown])], PATTERNS))) as drawn:
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
    grey = (pixels == 90).all(axis=2)
    rows, columns = np.flatnonzero(grey.any(axis=1)), np.flatnonzero(grey.any(axis=0))
    assert (columns[0], columns[-1] - columns[0] + 1) == (24, 426)
    inside = ~grey[rows[0] : rows[-1] + 1, 24 : 24 + 426]
    changed_rows, changed_columns = np.nonzero(inside)
    assert (changed_columns.min(), changed_columns.max()) == (199, 301)
    assert (changed_rows.min(), changed_rows.max()) == (99, 201)


def test_explanation_picture_is_a_png_however_long_the_text() -> None:
    data = explain_picture([Source("t", "word " * 2000, None, [mention()])], PATTERNS)
    assert data.startswith(b"\x89PNG")
