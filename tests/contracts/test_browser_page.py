"""What `docs/neo4j-browser.md` tells to type is understood by both stores, writes nothing and finds something."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kb.ontology import EventType, Ontology, Role
from tests.graph_pictures import PAGE
from tests.graph_stores import KINDS, empty_store, load
from tests.kb_run import small_inputs

if TYPE_CHECKING:
    from pathlib import Path

QUERIES = re.findall(r"```cypher\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
PHRASES = re.findall(r"^\| `[^`]+` \| `(MATCH [^`]+)` \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_queries_of_the_page_are_answered(kind: str, tmp_path: Path) -> None:
    types = (
        EventType(id="Sport", label="Sport"),
        EventType(
            id="Sport.Climbing",
            label="Climbing",
            parent="Sport",
            mapping={"wikidata": ["Q349"]},
            roles=(Role(name="Climber", fillers=("person",)), Role(name="Place", fillers=("place",))),
        ),
        EventType(id="Sport.Surfing", label="Surfing", parent="Sport"),
    )
    inputs = replace(small_inputs(), ontology=Ontology(name="sports", version="1", types=types))
    with empty_store(kind, tmp_path) as store:
        load(store, tmp_path / "bundle", inputs)
        for query in QUERIES:
            said = query.replace("Conflict.Demonstrate", "Sport.Climbing")
            assert store.read(said, {}, timeout_s=30).rows, query
        params = {"event": "Climbing", "pattern": "rock face", "first": "Climbing", "second": "Surfing"}
        for phrase in PHRASES:
            used = {name: value for name, value in params.items() if f"${name}" in phrase}
            assert store.read(phrase, used, timeout_s=30).rows, phrase
    assert (len(QUERIES), len(PHRASES)) == (7, 3)
