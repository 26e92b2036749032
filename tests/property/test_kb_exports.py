"""Any text and any number survives the formats that promise it."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kb.export.graphml import write_graphml
from kb.export.iris import node_id_of, node_iri
from kb.export.jsonl import write_jsonl
from kb.export.owl import write_owl
from kb.export.schema_org import write_schema_org
from kb.export.tabular import write_admin_folder
from kb.model import Node, clean_text
from kb.ontologies.toml_text import render_ontology
from kb.ontology import EventType, Ontology, Role, load_ontology

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kb.bundle import Manifest
    from kb.graph_schema import NodeType, RelationshipType
    from kb.model import Relationship

ANY = st.characters(codec=None)
TEXTS = st.one_of(
    st.text(ANY, max_size=30),
    st.sampled_from(
        [
            "'}) DETACH DELETE n //",
            "<script>alert(1)</script>",
            "a\r\nb\nc\rd",
            "\ud800 lone",
            '"""',
            "\\u0041 \\\\ \\",
            "]]>&amp;",
            "\x00\x01\x7f\x85\u2028",
            "a;b|c\x1f",
            "NaN",
        ]
    ),
)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


class Captions:
    """Contents of one caption, one piece of evidence and one text item."""

    manifest: Manifest | None = None

    def __init__(self, text: str, number: float) -> None:
        self.rows = [
            Node(
                f"Caption:c/{clean_text(text)}",
                {"record": text, "caption": 0, "text": text, "credit": text, "source": text},
            ),
            Node("Evidence:c/1", {"score": number, "box": [number, 0.1]}),
            Node("TextItem:c/1", {"cluster": 1, "words": [text, "", text]}),
            Node("Image:c/1", {"record": text, "path": text, "licence": text, "credit": text, "source": text}),
        ]

    def nodes(self, node: NodeType) -> Iterator[Node]:
        return (row for row in self.rows if row.id.startswith(f"{node.label}:"))

    def relationships(self, kind: RelationshipType) -> Iterator[Relationship]:
        del kind
        return iter(())


def same(first: float, second: float) -> bool:
    return math.isnan(first) == math.isnan(second) and (math.isnan(first) or first == second)


@given(TEXTS, NUMBERS)
def test_jsonl_keeps_texts_and_numbers(text: str, number: float) -> None:
    file = io.BytesIO()
    assert write_jsonl(Captions(text, number), file) == 4
    lines = file.getvalue().decode().split("\n")
    rows = {row["id"]: row["properties"] for row in map(json.loads, lines[1:-2])}
    assert rows[f"Caption:c/{clean_text(text)}"]["text"] == clean_text(text)
    assert rows["TextItem:c/1"]["words"] == [clean_text(text), "", clean_text(text)]
    score = rows["Evidence:c/1"]["score"]
    assert same(float(score.replace("Infinity", "inf")) if isinstance(score, str) else score, number)


@given(TEXTS, NUMBERS)
def test_turtle_keeps_texts_and_numbers(text: str, number: float) -> None:
    rdflib = pytest.importorskip("rdflib", reason="NOT TESTED: reading Turtle needs rdflib")
    file = io.BytesIO()
    write_owl(Captions(text, number), file)
    graph = rdflib.Graph().parse(data=file.getvalue(), format="turtle")
    names = rdflib.Namespace("urn:eventminer:schema:")
    caption = rdflib.URIRef(node_iri(f"Caption:c/{clean_text(text)}"))
    assert str(graph.value(caption, names.text)) == clean_text(text)
    evidence = rdflib.URIRef(node_iri("Evidence:c/1"))
    assert same(graph.value(evidence, names.score).toPython(), number)
    assert [str(word) for word in graph.items(graph.value(rdflib.URIRef(node_iri("TextItem:c/1")), names.words))] == [
        clean_text(text), "", clean_text(text),
    ]  # fmt: skip


@given(TEXTS, NUMBERS)
@example("a\x00b", math.nan)
def test_graphml_keeps_what_xml_can_hold(text: str, number: float) -> None:
    file = io.BytesIO()
    write_graphml(Captions(text, number), file)
    graph = nx.read_graphml(io.BytesIO(file.getvalue()))
    kept = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    found = next(data["text"] for node, data in graph.nodes(data=True) if node.startswith("Caption:"))
    assert found == kept
    assert same(graph.nodes["Evidence:c/1"]["score"], number)


@settings(max_examples=50, deadline=None)
@given(TEXTS, NUMBERS)
def test_admin_csv_keeps_texts_and_numbers(text: str, number: float) -> None:
    text = clean_text(text)
    with tempfile.TemporaryDirectory() as folder:
        write_admin_folder(Captions(text, number), Path(folder))
        written = (Path(folder) / "nodes" / "Caption.csv").read_bytes().decode()
        rows = list(csv.DictReader(io.StringIO(written, newline="")))
        scores = (Path(folder) / "nodes" / "Evidence.csv").read_text(encoding="utf-8").splitlines()
        score = next(csv.DictReader(scores))["score:double"]
    assert rows[0]["text:string"] == text
    assert same(float(score), number)


@given(TEXTS)
def test_schema_org_keeps_the_credit(text: str) -> None:
    file = io.BytesIO()
    write_schema_org(Captions(text, 0.0), file)
    picture = json.loads(file.getvalue())["@graph"][0]
    assert picture.get("creditText", "") == clean_text(text)
    assert picture["contentUrl"] == clean_text(text)


@given(st.text(ANY, min_size=1, max_size=40))
def test_different_ids_have_different_addresses(text: str) -> None:
    assert node_id_of(node_iri(f"Image:c/{text}")) == f"Image:c/{clean_text(text)}"
    assert re.fullmatch(r"[!-~]+", node_iri(text))


@given(TEXTS.filter(bool), TEXTS, st.lists(TEXTS.map(re.escape), max_size=3), st.integers(0, 3))
def test_toml_keeps_an_ontology(label: str, definition: str, triggers: list[str], least: int) -> None:
    role = Role(name=clean_text(label), fillers=("PERSON",), definition=clean_text(definition), at_least=least)
    triggers = [clean_text(trigger) for trigger in triggers]
    kind = EventType(id="A.B", label=clean_text(label), triggers=tuple(triggers), roles=(role,))
    ontology = Ontology(name=clean_text(label), version="1", definition=clean_text(definition), types=(kind,))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "o.toml").write_text(render_ontology(ontology), encoding="utf-8", newline="")
        assert load_ontology(f"{folder}/o.toml") == ontology
