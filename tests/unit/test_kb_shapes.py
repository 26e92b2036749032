"""The SHACL shapes accept what the exporter writes, and nothing that the schema forbids."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kb.bundle import build_bundle, write_bundle
from kb.contents import BundleContents
from kb.export.formats import export_contents
from tests.kb_run import small_inputs

if TYPE_CHECKING:
    from pathlib import Path

rdflib = pytest.importorskip("rdflib", reason="NOT TESTED: validating Turtle needs rdflib")
pyshacl = pytest.importorskip("pyshacl", reason="NOT TESTED: validating Turtle needs pyshacl")
PATTERN = "<urn:eventminer:node:Pattern:beach/Paaaaaaaaaaaa>"


@pytest.fixture(scope="module")
def turtle(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder: Path = tmp_path_factory.mktemp("turtle")
    write_bundle(build_bundle(small_inputs()), folder / "bundle")
    for name in ("owl", "shacl"):
        export_contents(BundleContents(folder / "bundle"), name, folder / name)
    return (folder / "owl").read_text(encoding="utf-8"), (folder / "shacl").read_text(encoding="utf-8")


def problems(data: str, shapes: str) -> str:
    graph = rdflib.Graph().parse(data=data, format="turtle")
    conforms, _, text = pyshacl.validate(graph, shacl_graph=rdflib.Graph().parse(data=shapes, format="turtle"))
    return "" if conforms else text


def test_export_conforms(turtle: tuple[str, str]) -> None:
    assert problems(*turtle) == ""


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("em:support 0.6e0 ;", "", "support"),
        ("em:support 0.6e0 ;", 'em:support "a lot" ;', "support"),
        ("em:support 0.6e0 ;", 'em:support "NaN"^^xsd:double ;', "support"),
        ("em:support 0.6e0 ;", 'em:support "INF"^^xsd:double ;', "support"),
        ("em:support 0.6e0 ;", "em:support 0.6e0, 0.7e0 ;", "support"),
        ("em:box (10.0e0 20.0e0", 'em:box ("left" 20.0e0', "box"),
        ('em:fillers "place"', "em:fillers 7", "fillers"),
        ("em:rank 1 ;", "em:rank 1.5e0 ;", "rank"),
        (
            f"{PATTERN} em:INDICATES <urn:eventminer:node:EventType:Sport.Climbing>",
            f"{PATTERN} em:INDICATES {PATTERN}",
            "INDICATES",
        ),
        (f"{PATTERN} em:MINED_IN", f"{PATTERN} em:IN_CORPUS", "IN_CORPUS"),
    ],
)
def test_what_the_schema_forbids_does_not_conform(turtle: tuple[str, str], old: str, new: str, path: str) -> None:
    data, shapes = turtle
    assert old in data
    assert path in problems(data.replace(old, new, 1), shapes)
