"""Ontologies as TOML and OWL: there and back, and what an analyst changes on the way."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kb.contents import OntologyContents
from kb.export.formats import export_contents
from kb.export.imports import import_ontology, ontology_changes
from kb.ontologies.toml_text import render_ontology
from kb.ontology import Ontology, load_ontology, shipped_ontologies
from miner.cli.app import app
from miner.errors import KbError, OntologyError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytest.importorskip("rdflib", reason="NOT TESTED: reading OWL needs rdflib")

OWN = """
@prefix em: <urn:eventminer:schema:> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix : <https://example.org/strikes#> .
:Conflict a owl:Class, em:EventType ; rdfs:label "Conflict" .
:Strike a owl:Class ; rdfs:subClassOf :Conflict .
:Striker a owl:ObjectProperty ; rdfs:domain :Strike ; em:fillers "PERSON", "group" ; em:atLeast 1 .
"""


def as_sets(ontology: Ontology) -> Sequence[object]:
    """What an ontology says, but for the order of what has none."""
    return sorted(
        (
            t.id, t.label, t.parent or "", t.definition, sorted(t.triggers), sorted(t.aliases),
            sorted((name, tuple(sorted(ids))) for name, ids in t.mapping),
            sorted((r.name, tuple(sorted(r.fillers)), r.definition, tuple(sorted(r.media)), r.at_least, r.at_most or 0) for r in t.roles),
        )
        for t in ontology.types
    )  # fmt: skip


@pytest.fixture
def owl(tmp_path: Path) -> Path:
    export_contents(OntologyContents(load_ontology("news")), "owl", tmp_path / "news.ttl")
    return tmp_path / "news.ttl"


def edited(owl: Path, *changes: tuple[str, str]) -> Path:
    text = owl.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    owl.write_text(text, encoding="utf-8")
    return owl


@pytest.mark.parametrize("name", shipped_ontologies())
def test_toml_of_an_ontology_means_the_same(tmp_path: Path, name: str) -> None:
    ontology = load_ontology(name)
    (tmp_path / "copy.toml").write_text(render_ontology(ontology), encoding="utf-8")
    assert load_ontology(str(tmp_path / "copy.toml")) == ontology


@pytest.mark.parametrize("name", shipped_ontologies())
@pytest.mark.parametrize("form", ["owl", "toml"])
def test_export_and_import_of_an_ontology_means_the_same(tmp_path: Path, name: str, form: str) -> None:
    ontology = load_ontology(name)
    file = tmp_path / ("o.ttl" if form == "owl" else "o.toml")
    export_contents(OntologyContents(ontology), form, file)
    again = import_ontology(file, "owl" if form == "owl" else "toml", tmp_path / "again.toml")
    assert as_sets(again) == as_sets(ontology)
    assert (again.name, again.version) == (ontology.name, ontology.version)
    assert as_sets(load_ontology(str(tmp_path / "again.toml"))) == as_sets(ontology)
    assert list(ontology_changes(ontology, again)) == []


@pytest.mark.parametrize("predicate", ["rdfs:label", "skos:prefLabel", "em:label"])
def test_label_edited_in_one_place_is_the_new_label(owl: Path, tmp_path: Path, predicate: str) -> None:
    others = [(f'{p} "Election"', f'{p} "Vote"') for p in ("rdfs:label", "skos:prefLabel") if predicate == "em:label"]
    file = edited(owl, (f'{predicate} "Election"', f'{predicate} "Vote"'), *others)
    again = import_ontology(file, "owl", tmp_path / "again.toml")
    assert again.get("Personnel.Elect").label == "Vote"
    changes = list(ontology_changes(load_ontology("news"), again))
    assert changes == ["~ Personnel.Elect: label 'Election' -> 'Vote'"]


def test_two_edits_that_contradict_each_other_are_refused(owl: Path, tmp_path: Path) -> None:
    file = edited(
        owl, ('rdfs:label "Election"', 'rdfs:label "Vote"'), ('skos:prefLabel "Election"', 'skos:prefLabel "Poll"')
    )
    with pytest.raises(OntologyError, match=r"contradicts itself: label is 'Vote' and 'Poll'"):
        import_ontology(file, "owl", tmp_path / "again.toml")
    assert not (tmp_path / "again.toml").exists()


def test_new_types_roles_and_ids_come_back(owl: Path, tmp_path: Path) -> None:
    added = """
<urn:eventminer:node:EventType:Conflict.Riot> a owl:Class ; rdfs:subClassOf <urn:eventminer:node:EventType:Conflict> ;
  rdfs:label "Riot" ; skos:definition "A crowd destroys." ; em:triggers "riot\\\\w*" ; skos:closeMatch <http://www.wikidata.org/entity/Q124757> .
<urn:eventminer:node:ArgumentRole:Conflict.Riot/Rioter> a owl:ObjectProperty ; rdfs:label "Rioter" ;
  rdfs:domain <urn:eventminer:node:EventType:Conflict.Riot> ; em:fillers "PERSON", "group" ; em:atMost 9 .
"""
    owl.write_text(owl.read_text(encoding="utf-8") + added, encoding="utf-8")
    again = import_ontology(owl, "owl", tmp_path / "own.toml", name="own", version="2")
    riot = load_ontology(str(tmp_path / "own.toml")).get("Conflict.Riot")
    assert (again.name, again.version) == ("own", "2")
    assert (riot.label, riot.parent, riot.triggers) == ("Riot", "Conflict", ("riot\\w*",))
    assert riot.mapping.wikidata == ("Q124757",)
    assert [(r.name, r.fillers, r.at_most) for r in riot.roles] == [("Rioter", ("PERSON", "group"), 9)]


def test_ontology_of_ones_own_is_read(tmp_path: Path) -> None:
    (tmp_path / "strikes.ttl").write_text(OWN, encoding="utf-8")
    again = import_ontology(tmp_path / "strikes.ttl", "owl", tmp_path / "strikes.toml")
    assert (again.name, again.ids) == ("strikes", ("Conflict", "Strike"))
    strike = again.get("Strike")
    assert (strike.label, strike.parent, strike.roles[0].name, strike.roles[0].at_least) == (
        "Strike",
        "Conflict",
        "Striker",
        1,
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("this is no turtle", "is no RDF"),
        ("@prefix : <urn:x:> . :a :b :c .", "has no event types"),
        (
            OWN.replace(":subClassOf :Conflict", ":subClassOf :Conflict, :Other") + ":Other a em:EventType .",
            "several types above",
        ),
        (OWN.replace('"PERSON", "group"', '"ROBOT"'), "ROBOT"),
        (OWN.replace("em:atLeast 1", 'em:atLeast "many"'), "no whole number: 'many'"),
        (
            OWN.replace(":Conflict a owl:Class", ":Conflict rdfs:subClassOf :Strike ; a owl:Class"),
            "their own ancestors",
        ),
    ],
)
def test_owl_that_is_wrong_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "wrong.ttl").write_text(text, encoding="utf-8")
    with pytest.raises(OntologyError, match=message):
        import_ontology(tmp_path / "wrong.ttl", "owl", tmp_path / "wrong.toml")


def test_missing_file_is_a_known_error(tmp_path: Path) -> None:
    with pytest.raises(OntologyError, match="cannot be read"):
        import_ontology(tmp_path / "nothing.ttl", "owl", tmp_path / "x.toml")


def test_ontology_must_go_into_a_toml_file(owl: Path, tmp_path: Path) -> None:
    with pytest.raises(KbError, match=r"must end in \.toml"):
        import_ontology(owl, "owl", tmp_path / "ontology")


def test_changes_name_what_is_new_and_what_is_gone() -> None:
    news, everyday = load_ontology("news"), load_ontology("everyday")
    changes = set(ontology_changes(news, everyday))
    assert {"- Conflict.Attack", "+ Sport.Climbing: Climbing"} <= changes


@pytest.mark.parametrize("suffix", [".owl", ".ttl", ".rdf", ""])
def test_form_of_rdf_is_told_by_its_beginning(owl: Path, tmp_path: Path, suffix: str) -> None:
    rdflib = pytest.importorskip("rdflib")
    for name, data in (
        ("turtle", owl.read_text(encoding="utf-8")),
        ("xml", rdflib.Graph().parse(owl).serialize(format="xml")),
    ):
        file = tmp_path / f"{name}{suffix}"
        file.write_text(data, encoding="utf-8")
        assert as_sets(import_ontology(file, "owl", tmp_path / f"{name}.toml")) == as_sets(load_ontology("news"))


def test_json_ld_is_not_read_for_its_contexts_lie_on_the_network(tmp_path: Path) -> None:
    (tmp_path / "o.json").write_text(
        '{"@context": "http://127.0.0.1:9/context.jsonld", "@id": "urn:x"}', encoding="utf-8"
    )
    with pytest.raises(OntologyError, match="is no RDF"):
        import_ontology(tmp_path / "o.json", "owl", tmp_path / "o.toml")


def test_missing_rdflib_is_a_known_error(owl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rdflib", None)
    with pytest.raises(KbError, match="needs rdflib") as caught:
        import_ontology(owl, "owl", tmp_path / "x.toml")
    assert "eventminer[export]" in (caught.value.hint or "")


def test_edited_ontology_labels_a_corpus(owl: Path, tmp_path: Path) -> None:
    file = edited(owl, ('rdfs:label "Election"', 'rdfs:label "Vote"'))
    import_ontology(file, "owl", tmp_path / "ours.toml", name="ours")
    result = CliRunner().invoke(app, ["config", "show", "-o", f"label.ontology={tmp_path / 'ours.toml'}"])
    assert result.exit_code == 0
    assert load_ontology(str(tmp_path / "ours.toml")).resolve("vote") == "Personnel.Elect"


def test_import_command_says_what_changed(owl: Path, tmp_path: Path) -> None:
    file = edited(owl, ('rdfs:label "Election"', 'rdfs:label "Vote"'))
    arguments = ["kb", "import", str(file), "--format", "owl", "--out", str(tmp_path / "o.toml"), "--compare", "news"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert result.output.splitlines()[1:] == ["~ Personnel.Elect: label 'Election' -> 'Vote'"]
    assert json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)["eventTypes"] == 21
