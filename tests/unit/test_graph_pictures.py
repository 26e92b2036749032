"""The pictures and the style file of the documentation are of the present schema."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from kb.contents import LABELS
from kb.export.grass import STYLES, grass_style
from kb.schema import SCHEMA
from tests.graph_pictures import DIAGRAM, DIGEST_KEY, DOCS, PICTURES, drawn_queries, path_elements, schema_digest


def test_diagram_of_the_schema_is_current() -> None:
    with Image.open(DIAGRAM) as picture:
        drawn = picture.info.get(DIGEST_KEY)
    assert drawn == schema_digest(), "draw it again: python -m tests.graph_pictures, see docs/neo4j-browser.md"


def test_style_file_is_the_one_that_is_written() -> None:
    assert (DOCS / "eventminer.grass").read_bytes() == grass_style()


def test_style_has_a_caption_that_the_label_has() -> None:
    assert set(STYLES) == {node.label for node in LABELS}
    for label, style in STYLES.items():
        assert style.caption in {p.name for p in SCHEMA.node(label).properties}


def test_style_is_well_formed() -> None:
    text = grass_style().decode()
    assert re.sub(r"[\w.]+ \{\n(  [a-z-]+: [^;\n]+;\n)+\}\n", "", text).strip() == ""


@pytest.mark.parametrize("name", [name for name, _ in drawn_queries()])
def test_picture_of_the_page_is_there_and_shown(name: str) -> None:
    assert (PICTURES / f"{name}.png").stat().st_size < 100_000
    assert f"pictures/{name}.png" in (DOCS / "neo4j-browser.md").read_text(encoding="utf-8")


def test_paths_become_nodes_and_directed_edges_once() -> None:
    pattern = {
        "labels": ["Pattern"],
        "properties": {"id": "Pattern:c/P", "displayName": "a rather long name of a pattern, cut short"},
    }
    event = {"labels": ["EventType"], "properties": {"id": "EventType:E", "label": "Event"}}
    path = {"nodes": [event, pattern], "relationships": [{"type": "INDICATES", "properties": {}}]}
    elements = [element["data"] for element in path_elements([path, path])]
    assert [e["text"] for e in elements] == ["Event", "a rather long name of a pattern, cut s…", "INDICATES"]
    assert (elements[2]["source"], elements[2]["target"]) == ("Pattern:c/P", "EventType:E")
