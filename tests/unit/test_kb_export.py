"""What each format promises, on a knowledge base that can be checked by hand."""

from __future__ import annotations

import io
import json
import math
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import pytest
from typer.testing import CliRunner

from kb.bundle import build_bundle, write_bundle
from kb.contents import LABELS, BundleContents, open_contents
from kb.export.formats import FORMATS, export_contents
from kb.export.imports import import_bundle
from kb.export.jsonl import read_jsonl, write_jsonl
from kb.export.sdf import SDF_CONTEXT, write_sdf
from kb.export.tabular import admin_header, import_arguments
from kb.model import Node, Relationship
from kb.schema import SCHEMA
from miner.cli.app import app
from miner.errors import ArtefactError, EventMinerError, KbError
from tests.kb_run import CAPTION_OF, record_row, small_inputs, with_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kb.bundle import BundleInputs, Manifest
    from kb.contents import Contents
    from kb.graph_schema import NodeType, RelationshipType
    from kb.model import Properties

ORIGIN = {"source": "The Daily Beach", "licence": "CC BY 4.0", "credit": "A. Photographer / Beach"}


def inputs_with_origins() -> BundleInputs:
    inputs = small_inputs()
    return with_rows(inputs, "records", [record_row(record, **ORIGIN) for record in CAPTION_OF])


@pytest.fixture
def contents(tmp_path: Path) -> BundleContents:
    write_bundle(build_bundle(inputs_with_origins()), tmp_path / "bundle")
    return BundleContents(tmp_path / "bundle")


class FewRows:
    """Contents of some nodes, and what indicates what."""

    manifest: Manifest | None = None

    def __init__(self, *nodes: Node, indicates: tuple[Relationship, ...] = ()) -> None:
        self._nodes = nodes
        self._indicates = indicates

    def nodes(self, node: NodeType) -> Iterator[Node]:
        return (n for n in self._nodes if n.id.startswith(f"{node.label}:"))

    def relationships(self, kind: RelationshipType) -> Iterator[Relationship]:
        return iter(self._indicates if kind.type == "INDICATES" else ())


def exported(contents: Contents, name: str, folder: Path) -> bytes:
    export_contents(contents, name, folder / "out")
    return (folder / "out").read_bytes()


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.write])
def test_export_gives_the_same_bytes_twice(contents: BundleContents, tmp_path: Path, name: str) -> None:
    assert exported(contents, name, tmp_path) == exported(contents, name, tmp_path)


@pytest.mark.parametrize("name", ["sdf", "owl", "schema-org", "graphml", "jsonl"])
@pytest.mark.parametrize("value", ORIGIN.values())
def test_export_carries_who_published_licensed_and_must_be_credited(
    contents: BundleContents, tmp_path: Path, name: str, value: str
) -> None:
    assert value in exported(contents, name, tmp_path).decode()


def test_admin_export_carries_the_credit_of_every_image(contents: BundleContents, tmp_path: Path) -> None:
    export_contents(contents, "neo4j-admin", tmp_path / "csv")
    lines = (tmp_path / "csv" / "nodes" / "Image.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(CAPTION_OF)
    assert all(ORIGIN["credit"] in line and ORIGIN["licence"] in line for line in lines[1:])


def test_export_of_an_unknown_format_names_the_known_ones(contents: BundleContents, tmp_path: Path) -> None:
    with pytest.raises(KbError, match=r"no format 'xls'.*graphml"):
        export_contents(contents, "xls", tmp_path / "out")


def test_export_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    class Breaking(FewRows):
        def relationships(self, kind: RelationshipType) -> Iterator[Relationship]:
            raise KbError(f"no {kind.type}")

    (tmp_path / "out").write_text("older", encoding="utf-8")
    with pytest.raises(KbError, match="no INDICATES"):
        export_contents(Breaking(), "jsonl", tmp_path / "out")
    assert [(p.name, p.read_text(encoding="utf-8")) for p in tmp_path.iterdir()] == [("out", "older")]


@pytest.mark.parametrize("name", ["schema-org", "sdf"])
def test_export_of_what_somebody_put_in_by_hand_is_a_known_error(tmp_path: Path, name: str) -> None:
    rows = [Node("Image:mine", {}), Node("Pattern:mine", {"pattern": "mine", "displayName": "mine"})]
    with pytest.raises(KbError, match=f"{name} cannot say") as caught:
        export_contents(FewRows(*rows, indicates=(Relationship("Pattern:mine", "Own:1"),)), name, tmp_path / "kb")
    assert "kb check" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


def test_admin_export_replaces_an_export_but_no_other_folder(contents: BundleContents, tmp_path: Path) -> None:
    export_contents(contents, "neo4j-admin", tmp_path / "csv")
    export_contents(contents, "neo4j-admin", tmp_path / "csv")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(KbError, match="is no export"):
        export_contents(contents, "neo4j-admin", tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").is_file()


def test_export_into_a_folder_that_cannot_be_written_is_a_known_error(contents: BundleContents, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtefactError):
        export_contents(contents, "jsonl", tmp_path / "file" / "out")


def test_admin_headers_type_every_property() -> None:
    assert admin_header(SCHEMA.node("Evidence")).startswith(
        ":ID,id:string,score:double,box:double[],start:long,end:long,words:string"
    )
    assert (
        admin_header(SCHEMA.relationship("MENTIONS"), ("bundle",))
        == ":START_ID,:END_ID,start:long,end:long,bundle:string"
    )
    proven = next(p for p in SCHEMA.node("Pattern").properties if p.name == "proven")
    assert f"{proven.name}:boolean" in admin_header(SCHEMA.node("Pattern"))


def test_admin_export_divides_lists_by_a_sign_that_is_in_none(tmp_path: Path) -> None:
    node = Node("TextItem:c/0", {"cluster": 0, "words": ["a;b", "c|d"]})
    export_contents(FewRows(node), "neo4j-admin", tmp_path / "csv")
    assert "--array-delimiter=U+001F" in import_arguments(tmp_path / "csv")
    assert '"a;b\x1fc|d"' in (tmp_path / "csv" / "nodes" / "TextItem.csv").read_text(encoding="utf-8")


def test_admin_export_tells_no_value_from_an_empty_one(tmp_path: Path) -> None:
    rows = (Node("TextItem:c/0", {"cluster": 0, "words": []}), Node("TextItem:c/1", {"cluster": 1, "words": [""]}))
    export_contents(FewRows(*rows, Node("TextItem:c/2", {"cluster": 2})), "neo4j-admin", tmp_path / "csv")
    lines = (tmp_path / "csv" / "nodes" / "TextItem.csv").read_text(encoding="utf-8").splitlines()
    assert [line.rpartition(",")[2] for line in lines] == ["emptyLists:string[]", '"words"', '"words.0"', ""]


def test_jsonl_makes_the_same_bundle_again(contents: BundleContents, tmp_path: Path) -> None:
    export_contents(contents, "jsonl", tmp_path / "kb.jsonl")
    assert import_bundle(tmp_path / "kb.jsonl", tmp_path / "again") == contents.manifest


def test_jsonl_says_numbers_that_json_cannot(tmp_path: Path) -> None:
    scores: Properties = {"score": math.nan, "box": [math.inf, -math.inf, 0.1, 5e-324]}
    file = io.BytesIO()
    write_jsonl(FewRows(Node("Evidence:c/0", scores)), file)
    row = json.loads(file.getvalue().splitlines()[1])
    assert row["properties"] == {"score": "NaN", "box": ["Infinity", "-Infinity", 0.1, 5e-324]}
    head = json.dumps({"format": "eventminer-jsonl", "schemaVersion": SCHEMA.version, "corpus": "c"})
    (tmp_path / "kb.jsonl").write_bytes(b"\n".join([head.encode(), *file.getvalue().splitlines()[1:]]))
    with pytest.raises(KbError, match=r"Evidence.score of Evidence:c/0 is not a finite number: nan"):
        read_jsonl(tmp_path / "kb.jsonl")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:-1], "was cut after 89 rows"),
        (lambda lines: lines[1:], "is no eventminer-jsonl file"),
        (lambda lines: [lines[0].replace(b'"schemaVersion": ', b'"schemaVersion": 9'), *lines[1:]], "schema version 9"),
        (lambda lines: [lines[0], b"[1]", *lines[1:]], "Line 2 of .* is no object"),
        (lambda lines: [lines[0], b'{"node": "Pattern"}', *lines[1:]], "Line 2 of .* is no node"),
        (lambda lines: [lines[0], b"{broken", *lines[1:]], "cannot be read"),
        (lambda lines: [lines[0], lines[1], *lines[1:]], "twice"),
        (lambda lines: [lines[0], *lines[2:]], "which is no node of the bundle"),
    ],
)
def test_jsonl_that_is_wrong_is_refused(
    contents: BundleContents, tmp_path: Path, change: Callable[[list[bytes]], list[bytes]], message: str
) -> None:
    lines = exported(contents, "jsonl", tmp_path).splitlines()
    (tmp_path / "kb.jsonl").write_bytes(b"\n".join(change(lines)))
    with pytest.raises(KbError, match=message):
        import_bundle(tmp_path / "kb.jsonl", tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_graphml_is_read_by_networkx_with_types_and_lists(contents: BundleContents, tmp_path: Path) -> None:
    export_contents(contents, "graphml", tmp_path / "kb.graphml")
    graph = nx.read_graphml(tmp_path / "kb.graphml")
    assert contents.manifest
    assert graph.number_of_nodes() + graph.number_of_edges() == contents.manifest.n_rows
    pattern = graph.nodes["Pattern:beach/Paaaaaaaaaaaa"]
    assert (pattern["labels"], pattern["support"], pattern["rank"], pattern["proven"]) == (":Pattern", 0.6, 1, True)
    assert json.loads(pattern["textWords"]) == ["rock"]
    edge = graph.edges["Pattern:beach/Paaaaaaaaaaaa", "EventType:Sport.Climbing"]
    assert (edge["label"], edge["confidence"]) == ("INDICATES", 0.75)


def test_graphml_replaces_what_xml_cannot_hold(tmp_path: Path) -> None:
    export_contents(
        FewRows(Node("Caption:c/0", {"text": "a\x00b\ud800 <&>\r\n\uffff"})), "graphml", tmp_path / "kb.graphml"
    )
    graph = nx.read_graphml(tmp_path / "kb.graphml")
    assert graph.nodes["Caption:c/0"]["text"] == "a\ufffdb\ufffd <&>\r\n\ufffd"


def test_graphml_keeps_ids_apart_and_says_numbers_as_xml_and_json_do(tmp_path: Path) -> None:
    rows = [
        Node(f"Evidence:c/{sign}", {"score": score, "box": [score]})
        for sign, score in (("\x01", math.inf), ("\x02", -math.inf), ("a", math.nan))
    ]
    export_contents(FewRows(*rows), "graphml", tmp_path / "kb.graphml")
    text = (tmp_path / "kb.graphml").read_text(encoding="utf-8")
    assert re.findall(r'score">(.*?)<', text) == ["INF", "-INF", "NaN"]
    graph = nx.read_graphml(tmp_path / "kb.graphml")
    assert [json.loads(box) for _, box in graph.nodes(data="box")] == [["Infinity"], ["-Infinity"], ["NaN"]]


def test_turtle_takes_a_licence_for_an_address_only_if_it_can_be_one(tmp_path: Path) -> None:
    rdflib = pytest.importorskip("rdflib", reason="NOT TESTED: reading Turtle needs rdflib")
    licences = ["https://a.org/by\x01", "https://a.org/by\n", "https://a.org/by>", "https://a.org/by"]
    rows = [Node(f"Image:c/{n}", {"licence": licence}) for n, licence in enumerate(licences)]
    export_contents(FewRows(*rows), "owl", tmp_path / "kb.ttl")
    graph = rdflib.Graph().parse(tmp_path / "kb.ttl", format="turtle")
    assert [str(term) for term in graph.objects(None, rdflib.DCTERMS.license)] == ["https://a.org/by"]
    assert {str(term) for term in graph.objects(None, rdflib.DC.rights)} == set(licences[:3])


def test_sdf_is_a_library_whose_references_lead_somewhere(contents: BundleContents) -> None:
    file = io.BytesIO()
    write_sdf(contents, file)
    library = json.loads(file.getvalue())
    assert (library["sdfVersion"], library["ta2"], library["@context"][0]) == ("2.3", False, SDF_CONTEXT)
    events = {event["@id"]: event for event in library["events"]}
    entities = {entity["@id"] for entity in library["entities"]}
    climbing = next(event for event in events.values() if event["name"] == "Climbing")
    assert [events[child["child"]]["name"] for child in climbing["children"]] == ["rock face", "rope"]
    assert [child["importance"] for child in climbing["children"]] == [0.75, 0.75]
    assert {p["roleName"] for p in climbing["participants"]} == {"Climber", "Place"}
    sport = next(event for event in events.values() if event["name"] == "Sport")
    assert [events[child["child"]]["name"] for child in sport["children"]] == ["Climbing", "Surfing"]
    assert {p["entity"] for event in events.values() for p in event.get("participants", [])} <= entities
    assert {event["instanceOf"] for event in events.values() if "instanceOf" in event} <= set(events)


def test_sdf_keeps_to_the_rules_of_the_validator(contents: BundleContents) -> None:
    file = io.BytesIO()
    write_sdf(contents, file)
    library = json.loads(file.getvalue())
    participants = [p["@id"] for event in library["events"] for p in event.get("participants", [])]
    for kind, ids in (("Events", [e["@id"] for e in library["events"]]), ("Participants", participants)):
        numbers = [identifier.split("/")[1] for identifier in ids]
        assert all(identifier.startswith(f"eventminer:{kind}/") for identifier in ids)
        assert all(len(number) == 5 and number.isdigit() for number in numbers)
        assert len(set(numbers)) == len(numbers)
    for event in library["events"]:
        assert event["name"]
        assert event["description"]
        assert event.get("children") or event.get("participants")
        assert len(event["wd_node"]) == len(event["wd_label"]) == len(event["wd_description"]) > 0
        assert ("children" in event) == ("children_gate" in event)


def test_schema_org_has_a_picture_with_its_caption_and_credit(contents: BundleContents, tmp_path: Path) -> None:
    rows = json.loads(exported(contents, "schema-org", tmp_path))
    first = rows["@graph"][0]
    assert rows["@context"] == "https://schema.org"
    assert (first["@type"], first["contentUrl"], first["caption"]) == ("ImageObject", "images/c1.jpg", CAPTION_OF["c1"])
    assert (first["creditText"], first["license"]["name"]) == (ORIGIN["credit"], ORIGIN["licence"])
    assert first["about"][0]["name"] == "Climbing"
    assert len(rows["@graph"]) == len(CAPTION_OF)


def test_graph_schema_is_read_by_neo4j_graphrag(contents: BundleContents, tmp_path: Path) -> None:
    graphrag = pytest.importorskip(
        "neo4j_graphrag.components.schema",
        reason="NOT TESTED that neo4j-graphrag reads the schema: it is not installed",
    )
    export_contents(contents, "graph-schema", tmp_path / "schema.json")
    schema = graphrag.GraphSchema.from_file(tmp_path / "schema.json")
    assert {n.label for n in schema.node_types} == {n.label for n in LABELS}
    assert {r.label for r in schema.relationship_types} == {r.type for r in SCHEMA.relationships}
    support = schema.node_type_from_label("Pattern").property_type_from_name("support")
    assert support.type == "FLOAT"
    assert len(schema.patterns) == sum(len(r.ends) for r in SCHEMA.relationships)


def test_open_contents_of_an_ontology_has_its_types_and_roles() -> None:
    with open_contents("news") as contents:
        types = [node.properties["eventType"] for node in contents.nodes(SCHEMA.node("EventType"))]
        roles = list(contents.relationships(SCHEMA.relationship("HAS_ROLE")))
    assert "Conflict.Attack" in types
    assert Relationship("EventType:Life.Die", "ArgumentRole:Life.Die/Victim") in roles


def test_open_contents_of_nothing_is_a_known_error(tmp_path: Path) -> None:
    with pytest.raises(EventMinerError), open_contents(str(tmp_path / "nothing")) as contents:
        list(contents.nodes(SCHEMA.node("Pattern")))


@pytest.mark.parametrize("label", ["TextItem", "Pattern"])
def test_admin_export_refuses_an_id_that_two_nodes_have(tmp_path: Path, label: str) -> None:
    nodes = [Node("TextItem:c/0", {"cluster": 0, "words": ["a"]}), Node("TextItem:c/1", {"cluster": 1, "words": ["b"]})]

    class Twice(FewRows):
        def nodes(self, node: NodeType) -> Iterator[Node]:
            yield from nodes if node.label == "TextItem" else ()
            yield from nodes[1:] if node.label == label else ()

    with pytest.raises(KbError, match="Two nodes have the id 'TextItem:c/1'"):
        export_contents(Twice(nodes[0]), "neo4j-admin", tmp_path / "csv")
    assert not (tmp_path / "csv").exists()


def test_import_script_runs_the_importer_from_wherever_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / "my exports" / "csv"
    node = Node("TextItem:c/0", {"cluster": 0, "words": ["a"]})
    export_contents(FewRows(node), "neo4j-admin", folder)
    tool = tmp_path / "neo4j-admin"
    tool.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n', encoding="utf-8")
    tool.chmod(0o755)
    path = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["sh", str(folder / "import.sh"), "kb"], env=path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == import_arguments(folder, "kb")


def test_documentation_describes_every_format() -> None:
    text = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
    assert [name for name in FORMATS if f"| `{name}` |" not in text] == []


def test_export_command_says_how_much_it_wrote(contents: BundleContents, tmp_path: Path) -> None:
    del contents
    out = str(tmp_path / "kb.jsonl")
    arguments = ["kb", "export", str(tmp_path / "bundle"), "--format", "jsonl", "--out", out]
    assert CliRunner().invoke(app, arguments).output == f"{out}: 89 nodes and relationships.\n"
    assert json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout) == {
        "format": "jsonl",
        "out": out,
        "rows": 89,
    }


def test_import_command_refuses_an_unknown_format(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["kb", "import", "x", "--format", "xls", "--out", str(tmp_path)])
    assert isinstance(result.exception, KbError)
    assert "jsonl, owl, toml" in result.exception.message


def test_sdf_of_scores_that_are_not_finite_is_still_json(contents: BundleContents, tmp_path: Path) -> None:
    class Spoilt(BundleContents):
        def nodes(self, node: NodeType) -> Iterator[Node]:
            for found in super().nodes(node):
                worse = (
                    {"support": math.nan, "confidence": math.inf, "lift": -math.inf} if node.label == "Pattern" else {}
                )
                yield replace(found, properties={**found.properties, **worse})

    del contents
    library = json.loads(exported(Spoilt(tmp_path / "bundle"), "sdf", tmp_path))
    assert {e["support"] for e in library["events"] if "support" in e} == {"NaN"}
    assert {e["confidence"][0] for e in library["events"] if "confidence" in e} == {1.0}
