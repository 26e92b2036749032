"""Each thing that can be wrong with a knowledge base is found, and nothing in one that is right."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from kb.bundle import build_bundle, write_bundle
from kb.check import CheckReport, check_contents
from kb.contents import BundleContents
from kb.model import Node, Relationship
from kb.ontology import load_ontology
from miner.cli.app import app
from tests.kb_run import ONTOLOGY, small_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kb.bundle import Manifest
    from kb.graph_schema import NodeType, RelationshipType

PATTERN = "Pattern:beach/Paaaaaaaaaaaa"
CLIMBING = "EventType:Sport.Climbing"
EVIDENCE = "Evidence:beach/Paaaaaaaaaaaa/c1/0"
Nodes = dict[str, Node]
Joints = list[tuple[str, Relationship]]


class Edited:
    """A copy of some contents in memory, to be spoilt."""

    def __init__(self, contents: BundleContents) -> None:
        from kb.schema import SCHEMA  # noqa: PLC0415 - only here

        self.manifest: Manifest | None = None
        self.rows: Nodes = {n.id: n for kind in SCHEMA.nodes for n in contents.nodes(kind)}
        self.joints: Joints = [(k.type, r) for k in SCHEMA.relationships for r in contents.relationships(k)]

    def nodes(self, node: NodeType) -> Iterator[Node]:
        return (n for key, n in self.rows.items() if key.startswith(f"{node.label}:"))

    def relationships(self, kind: RelationshipType) -> Iterator[Relationship]:
        return (r for name, r in self.joints if name == kind.type)

    def set(self, identifier: str, **changes: object) -> None:
        node = self.rows[identifier]
        properties = {k: v for k, v in {**node.properties, **changes}.items() if v is not None}
        self.rows[identifier] = replace(node, properties=properties)  # type: ignore[arg-type]

    def join(self, kind: str, source: str, target: str, **properties: object) -> None:
        self.joints.append((kind, Relationship(source, target, properties)))  # type: ignore[arg-type]

    def mention(self, event_type: str = "Sport.Climbing", **arguments: int) -> None:
        self.rows["Mention:m"] = Node("Mention:m", {"eventType": event_type, "score": 0.5})
        self.join("OF_TYPE", "Mention:m", CLIMBING)
        for role, n in arguments.items():
            for i in range(n):
                self.rows[f"Argument:{role}{i}"] = Node(f"Argument:{role}{i}", {"text": "she"})
                self.join("HAS_ARGUMENT", "Mention:m", f"Argument:{role}{i}", role=role, score=1.0)


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    write_bundle(build_bundle(small_inputs()), tmp_path / "bundle")
    return Edited(BundleContents(tmp_path / "bundle"))


def codes(report: CheckReport) -> set[tuple[str, str]]:
    return {(finding.code, finding.where) for finding in report.findings}


def test_check_finds_nothing_wrong_with_a_bundle(edited: Edited) -> None:
    report = check_contents(edited, ONTOLOGY)
    assert report.findings == []
    assert report.n_nodes == len(edited.rows)
    assert report.n_relationships == len(edited.joints)


def test_check_finds_nothing_wrong_with_a_complete_mention(edited: Edited) -> None:
    edited.set("ArgumentRole:Sport.Climbing/Climber", atLeast=1, atMost=2)
    edited.mention(Climber=2, Place=3)
    assert check_contents(edited).findings == []


SPOILS: list[tuple[str, str, Callable[[Edited], object]]] = [
    ("missing-property", PATTERN, lambda e: e.set(PATTERN, support=None)),
    ("wrong-type", PATTERN, lambda e: e.set(PATTERN, support="a lot")),
    ("wrong-type", PATTERN, lambda e: e.set(PATTERN, proven=1)),
    ("wrong-type", PATTERN, lambda e: e.set(PATTERN, rank=True)),
    ("wrong-type", PATTERN, lambda e: e.set(PATTERN, textWords="rock")),
    ("wrong-type", PATTERN, lambda e: e.set(PATTERN, textWords=["rock", 7])),
    ("not-finite", PATTERN, lambda e: e.set(PATTERN, lift=math.nan)),
    ("not-finite", EVIDENCE, lambda e: e.set(EVIDENCE, box=[0.0, 0.0, math.inf, 1.0])),
    ("unknown-type", PATTERN, lambda e: e.set(PATTERN, eventType="Sport.Chess")),
    ("foreign-role", PATTERN, lambda e: e.set(PATTERN, role="Surfer")),
    ("foreign-role", PATTERN, lambda e: e.join("FILLS_ROLE", PATTERN, "ArgumentRole:Sport.Surfing/Surfer", score=0.1)),
    ("unknown-filler", "ArgumentRole:Sport.Climbing/Place", lambda e: e.set("ArgumentRole:Sport.Climbing/Place", fillers=["robot"])),
    ("bounds", "ArgumentRole:Sport.Climbing/Place", lambda e: e.set("ArgumentRole:Sport.Climbing/Place", atLeast=2, atMost=1)),
    ("circle", "EventType:Sport", lambda e: e.join("SUBTYPE_OF", "EventType:Sport", CLIMBING)),
    ("alone", "Evidence:beach/x", lambda e: e.rows.update({"Evidence:beach/x": Node("Evidence:beach/x", {"score": 1.0})})),
    ("dangling", f"{PATTERN} -[MINED_IN]-> MiningRun:gone", lambda e: e.join("MINED_IN", PATTERN, "MiningRun:gone")),
    ("wrong-ends", f"{PATTERN} -[IN_CORPUS]-> Corpus:beach", lambda e: e.join("IN_CORPUS", PATTERN, "Corpus:beach")),
    ("wrong-type-indicated", PATTERN, lambda e: e.join("INDICATES", PATTERN, "EventType:Sport", support=1.0, confidence=1.0, lift=1.0)),
    ("foreign-role", "Mention:m", lambda e: e.mention(Referee=1)),
    ("unknown-type", "Mention:m", lambda e: e.mention("Sport.Chess")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "where", "spoil"), SPOILS)
def test_check_finds_an_error(edited: Edited, code: str, where: str, spoil: Callable[[Edited], object]) -> None:
    spoil(edited)
    report = check_contents(edited)
    assert (code, where) in codes(report)
    assert report.n_errors > 0


def test_check_counts_who_plays_a_role(edited: Edited) -> None:
    edited.set("ArgumentRole:Sport.Climbing/Climber", atLeast=1)
    edited.set("ArgumentRole:Sport.Climbing/Place", atMost=1)
    edited.mention(Place=2)
    report = check_contents(edited)
    assert [(f.severity, f.code) for f in report.findings] == [("warning", "too-few"), ("error", "too-many")]
    assert "at most 1 can" in report.findings[1].message


def test_check_warns_of_reviews_of_patterns_that_are_gone(edited: Edited) -> None:
    edited.rows["Review:r"] = Node("Review:r", {"patternId": "Pattern:beach/Pgone", "decision": "accepted"})
    report = check_contents(edited)
    assert ("review-of-nothing", "Review:r") in codes(report)
    assert report.n_errors == 0


def test_check_against_another_ontology_names_what_it_lacks(edited: Edited) -> None:
    assert ("unknown-type", "EventType:Sport.Surfing") in codes(check_contents(edited, load_ontology("everyday")))


def test_check_counts_what_it_does_not_show(edited: Edited) -> None:
    for i in range(100):
        edited.rows[f"Caption:beach/{i}"] = Node(f"Caption:beach/{i}", {"record": "c1", "caption": i})
    report = check_contents(edited)
    assert report.counts["error", "missing-property"] == 100
    assert sum(finding.code == "missing-property" for finding in report.findings) == 20


def test_check_command_passes_a_good_bundle_and_fails_another(tmp_path: Path) -> None:
    write_bundle(build_bundle(small_inputs()), tmp_path / "bundle")
    good = CliRunner().invoke(app, ["kb", "check", str(tmp_path / "bundle")])
    assert (good.exit_code, good.output.strip()) == (0, "32 nodes and 57 relationships: 0 errors, 0 warnings.")
    bad = CliRunner().invoke(app, ["kb", "check", str(tmp_path / "bundle"), "--ontology", "everyday", "--json"])
    assert bad.exit_code == 1
    assert json.loads(bad.stdout.splitlines()[0])["code"] == "unknown-type"
