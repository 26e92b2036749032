"""Decisions in a graph store, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from kb.result import Changes
from kb.review.decisions import new_decision, split_id
from kb.review.graph import open_kb_review, read_reviews, sync_reviews
from kb.review.graph_reading import read_mined
from kb.review.log import DecisionLog
from kb.review.mined import Mined
from kb.review.session import Review
from miner.errors import KbError, ReviewError
from tests.graph_stores import KINDS, ask, content, empty_store, load
from tests.kb_run import ONTOLOGY, small_inputs, with_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kb.bundle import BundleInputs
    from kb.store import GraphStore

A, B, C = "Paaaaaaaaaaaa", "Pbbbbbbbbbbbb", "Pcccccccccccc"


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GraphStore]:
    with empty_store(request.param, tmp_path) as opened:
        yield opened


def reviewed(folder: Path, inputs: BundleInputs | None = None) -> Review:
    now = inputs or small_inputs()
    return Review(Mined(now.patterns, now.evidence), DecisionLog(folder / "decisions.jsonl"), ONTOLOGY)


def mined_again(**changes: str) -> BundleInputs:
    """Find the same patterns under other ids."""
    inputs = small_inputs()
    for table in ("patterns", "evidence"):
        rows = [
            row | {"pattern": changes.get(row["pattern"], row["pattern"])} for row in getattr(inputs, table).to_pylist()
        ]
        inputs = with_rows(inputs, table, rows)
    return inputs


def test_store_gives_back_the_mined_patterns(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    found, inputs = read_mined(store, "beach"), small_inputs()
    then = Mined(inputs.patterns, inputs.evidence)
    assert list(found.rows) == [A, B, C]
    for name in (A, B, C):
        assert found.fingerprint(name) == then.fingerprint(name)
    unknown = ["members", "memberVisual", "memberText", "roleCaptions"]  # what only the run knows
    assert found.patterns.drop_columns(unknown).to_pylist() == then.patterns.drop_columns(unknown).to_pylist()
    columns = ["pattern", "record", "image", "box", "captionIndex", "captionRecord", "start", "end", "score"]
    assert found.evidence.select(columns).to_pylist() == inputs.evidence.select(columns).to_pylist()


def test_sync_writes_every_decision_once_with_what_it_is_about(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    review = reviewed(tmp_path)
    review.decide("ann", "reject", C, reason="<script>'\"; MATCH (n) DETACH DELETE n")
    review.decide("ann", "merge", A, others=[B])
    review.undo("ann")
    review.decide("bob", "accept", A)
    sync_reviews(review.journal, store, "beach")
    before = content(store)
    assert sync_reviews(review.journal, store, "beach") == Changes()
    assert content(store) == before
    rows = ask(
        store,
        "MATCH (r:Review)-[:OF]->(p:Pattern) RETURN r.decision AS d, r.who AS who, p.pattern AS p, r.holds AS holds ORDER BY r.position",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("reject", "ann", C, True), ("merge", "ann", A, False), ("undo", "ann", A, True), ("accept", "bob", A, True)
    ]  # fmt: skip
    assert ask(store, "MATCH (r:Review)-[:MERGES]->(p) RETURN p.pattern AS p") == [{"p": B}]
    assert ask(store, "MATCH (u:Review)-[:TAKES_BACK]->(r) RETURN u.decision AS u, r.decision AS r") == [
        {"u": "undo", "r": "merge"}
    ]
    assert ask(store, "MATCH (r:Review {decision: 'reject'}) RETURN r.note AS n")[0]["n"].startswith(
        "<script>'\"; MATCH"
    )


def test_decisions_can_be_read_back_and_reach_another_log(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    review = reviewed(tmp_path)
    review.decide("ann", "rename", A, name="ü <b>")
    review.decide("ann", "split", A, records=["c1"])
    sync_reviews(review.journal, store, "beach")
    assert read_reviews(store, "beach") == list(review.journal.read())
    assert read_reviews(store, "elsewhere") == []
    other = DecisionLog(tmp_path / "other" / "decisions.jsonl")
    own = new_decision("bob", "note", A, {"text": "own"})
    other.append(own)
    sync_reviews(other, store, "beach")
    assert other.read() == (own, *review.journal.read())
    sync_reviews(review.journal, store, "beach")
    assert {decision.id for decision in review.journal.read()} == {decision.id for decision in other.read()}


def test_reviews_stay_over_a_reload_and_find_their_patterns_after_mining_again(
    store: GraphStore, tmp_path: Path
) -> None:
    load(store, tmp_path / "bundle")
    review = reviewed(tmp_path)
    review.decide("ann", "accept", A)
    review.decide("ann", "reject", C)
    sync_reviews(review.journal, store, "beach")
    load(store, tmp_path / "bundle")
    links = "MATCH (r:Review)-[:OF]->(p:Pattern) RETURN r.decision AS d, p.pattern AS p ORDER BY d"
    assert ask(store, links) == [{"d": "accept", "p": A}, {"d": "reject", "p": C}]
    load(store, tmp_path / "bundle", mined_again(**{A: "Pdddddddddddd"}))
    assert ask(store, links) == [{"d": "reject", "p": C}]
    sync_reviews(review.journal, store, "beach")
    assert ask(store, links) == [{"d": "accept", "p": "Pdddddddddddd"}, {"d": "reject", "p": C}]


def test_review_in_a_store_alone(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    review = open_kb_review(store)
    review.decide("ann", "split", A, records=["c1"], name="face")
    (split,) = review.journal.read()
    review.decide("ann", "accept", split_id(split.id))
    review.decide("bob", "reject", A)
    review.undo("bob")
    review.decide("ann", "set-role", A, role="Climber")
    with pytest.raises(ReviewError, match="has no role 'Surfer'"):
        review.decide("ann", "set-role", A, role="Surfer")
    again = open_kb_review(store, "beach")
    assert again.state[split_id(split.id)].status == "accepted"
    assert (again.state[A].status, again.state[A].role) == ("open", "Climber")
    assert again.state.next_redo("bob") is not None
    rows = ask(store, "MATCH (r:Review) RETURN r.decision AS d, r.holds AS h ORDER BY r.position")
    assert [(row["d"], row["h"]) for row in rows] == [
        ("split", True), ("accept", True), ("reject", False), ("undo", True), ("set-role", True)
    ]  # fmt: skip


def test_review_of_a_corpus_that_is_not_there(store: GraphStore, tmp_path: Path) -> None:
    with pytest.raises(KbError, match="has 0 corpora; there are: none"):
        open_kb_review(store)
    load(store, tmp_path / "bundle")
    with pytest.raises(KbError, match="has no corpus 'hill'; there are: 'beach'"):
        open_kb_review(store, "hill")


def test_event_types_and_roles_of_a_store(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    ontology = open_kb_review(store).ontology
    assert ontology.ids == ONTOLOGY.ids
    assert [role.name for role in ontology.get("Sport.Climbing").roles] == ["Climber", "Place"]
    assert ontology.get("Sport.Climbing").parent == "Sport"


def test_rows_of_a_store_without_photo_groups_are_photographs_of_their_own(store: GraphStore, tmp_path: Path) -> None:
    load(store, tmp_path / "bundle")
    store.write("MATCH (e:Evidence) SET e.photoGroup = null", {})
    groups = read_mined(store, "beach").evidence["group"]
    assert len(pa.compute.unique(groups)) == len(groups) == 5
