"""What is read from a store is what is read from the bundle that was loaded into it, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kb.check import check_contents
from kb.contents import LABELS, BundleContents, StoreContents
from kb.export.formats import export_contents
from kb.schema import SCHEMA
from tests.graph_stores import KINDS, ask, empty_store, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kb.store import GraphStore


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    with empty_store(request.param, tmp_path) as opened:
        yield opened


def test_contents_of_a_store_are_those_of_its_bundle(
    store: GraphStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.contents.BATCH_ROWS", 2)
    bundle = BundleContents(load(store, tmp_path / "bundle"))
    loaded = StoreContents(store)
    for kind in LABELS:
        assert list(loaded.nodes(kind)) == list(bundle.nodes(kind))
    for joint in SCHEMA.relationships:
        assert list(loaded.relationships(joint)) == list(bundle.relationships(joint))


def test_export_of_a_store_has_the_rows_of_its_bundle_and_what_analysts_made(store: GraphStore, tmp_path: Path) -> None:
    bundle = BundleContents(load(store, tmp_path / "bundle"))
    store.write("CREATE (:Review {id: 'Review:1', patternId: 'Pattern:beach/Paaaaaaaaaaaa', decision: 'accepted'})", {})
    n_bundle = export_contents(bundle, "jsonl", tmp_path / "bundle.jsonl")
    assert export_contents(StoreContents(store), "jsonl", tmp_path / "store.jsonl") == n_bundle + 1
    rows = set((tmp_path / "store.jsonl").read_text(encoding="utf-8").splitlines()[1:-1])
    assert rows >= set((tmp_path / "bundle.jsonl").read_text(encoding="utf-8").splitlines()[1:-1])


def test_check_of_a_store_finds_what_was_spoilt_there(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    assert check_contents(StoreContents(store)).findings == []
    store.write("MATCH (p:Pattern {pattern: 'Paaaaaaaaaaaa'}) SET p.support = 'a lot', p.lift = null", {})
    store.write("MATCH (:Evidence {id: 'Evidence:beach/Pbbbbbbbbbbbb/c2/0'})-[r:IN_IMAGE]->() DELETE r", {})
    found = {(f.code, f.where) for f in check_contents(StoreContents(store)).findings}
    assert found == {
        ("wrong-type", "Pattern:beach/Paaaaaaaaaaaa"),
        ("missing-property", "Pattern:beach/Paaaaaaaaaaaa"),
        ("alone", "Evidence:beach/Pbbbbbbbbbbbb/c2/0"),
    }


def test_nodes_without_an_id_are_reported_and_spoil_nothing_else(
    store: GraphStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = BundleContents(load(store, tmp_path / "bundle"))
    store.write("CREATE (:Evidence {score: 1.0}) CREATE (:Evidence {id: 7}) CREATE (:Pattern {id: ''})", {})
    store.write("MATCH (e:Evidence {id: 7}) MATCH (p:Pattern {rank: 1}) CREATE (p)-[:HAS_EVIDENCE]->(e)", {})
    store.write("MATCH (p:Pattern {rank: 1}) CREATE (p)-[:HAS_EVIDENCE]->(:Note {text: 'mine'})", {})
    contents = StoreContents(store)
    (joint,) = (kind for kind in SCHEMA.relationships if kind.type == "HAS_EVIDENCE")
    assert list(contents.relationships(joint)) == list(bundle.relationships(joint))
    report = check_contents(contents)
    assert [(f.severity, f.code, f.where, f.message.split()[0]) for f in report.findings] == [
        ("error", "no-id", "Pattern", "1"),
        ("error", "no-id", "Evidence", "2"),
    ]
    assert report.n_errors == 2
    n_cut_off = 2 * len(ask(store, "MATCH (p:Pattern {rank: 1}) RETURN p.id"))
    export_contents(StoreContents(store), "jsonl", tmp_path / "kb.jsonl")
    (said,) = caplog.messages
    assert said.endswith(f": 1 Pattern, 2 Evidence, {n_cut_off} HAS_EVIDENCE.")
    export_contents(StoreContents(store), "grass", tmp_path / "kb.grass")
    assert caplog.messages == [said]
