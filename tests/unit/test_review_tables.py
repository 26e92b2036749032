from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kb.review.decisions import split_id
from kb.review.tables import Counts, head_of, reviewed_tables
from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE
from tests.kb_run import ONTOLOGY
from tests.reviews import CLIMBING, SURFING, Reviewer, mined

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERYTHING = frozenset({"open", "accepted", "rejected"})


def test_tables_of_everything_without_decisions_are_what_was_mined() -> None:
    patterns, evidence = reviewed_tables(Reviewer().state(), statuses={"open"}, ontology=ONTOLOGY)
    assert (patterns.schema, evidence.schema) == (PATTERNS, EVIDENCE)
    assert patterns.to_pylist() == mined().patterns.to_pylist()
    assert evidence.to_pylist() == mined().evidence.to_pylist()


def test_tables_have_accepted_patterns_only_with_ranks_of_their_own() -> None:
    decide = Reviewer()
    decide("ann", "accept", "b")
    decide("ann", "reject", "c")
    patterns, evidence = reviewed_tables(decide.state())
    assert [(row["pattern"], row["rank"]) for row in patterns.to_pylist()] == [("b", 1)]
    assert evidence["record"].to_pylist() == ["r2", "r4"]


def test_renamed_pattern_says_that_an_analyst_named_it() -> None:
    decide = Reviewer()
    decide("ann", "accept", "a")
    decide("ann", "rename", "a", name="overhang above the sea")
    (row,) = reviewed_tables(decide.state())[0].to_pylist()
    assert row["name"] == "overhang above the sea"
    assert row["nameFlags"] == ["analyst"]
    assert row["alternatives"] == ["overhang above the sea", "rock face", "cliff"]
    assert row["alternativeScores"] == [0.0, 2.0, 1.0]


def test_merged_pattern_has_items_and_evidence_of_its_parts_and_no_too_high_confidence() -> None:
    decide = Reviewer()
    decide("ann", "accept", "a")
    decide("ann", "merge", "a", others=["b"])
    patterns, evidence = reviewed_tables(decide.state())
    (row,) = patterns.to_pylist()
    assert (row["visualItems"], row["textItems"]) == ([5, 7], [0, 1])
    assert (row["memberVisual"], row["memberText"]) == ([[7], [5]], [[0], [1]])
    # r1 to r4 once each, and the two votes of other types of either pattern, who may be different ones.
    assert (row["nEvidence"], row["classCount"], row["count"]) == (4, 4, 8)
    assert (row["support"], row["confidence"], row["lift"]) == pytest.approx((0.04, 0.5, 2.5))
    assert evidence["pattern"].unique().to_pylist() == ["a"]


def test_merged_and_moved_patterns_are_counted_again_where_votes_are_at_hand() -> None:
    asked = []

    def recount(event_type: str, members: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Counts:
        asked.append((event_type, [(list(visual), list(text)) for visual, text in members]))
        return Counts(count=6, class_count=3, n_type=25, n_labelled=100)

    decide = Reviewer()
    for pattern in ("a", "c"):
        decide("ann", "accept", pattern)
    decide("ann", "merge", "a", others=["b"])
    decide("ann", "move", "c", eventType=CLIMBING)
    rows = reviewed_tables(decide.state(), recount=recount)[0].to_pylist()
    assert sorted(asked) == [(CLIMBING, [([7], [0])]), (CLIMBING, [([7], [0]), ([5], [1])])]
    assert [(row["count"], row["confidence"], row["lift"]) for row in rows] == [(6, 0.5, 2.0)] * 2


def test_split_patterns_share_the_votes_of_other_types_in_proportion() -> None:
    decide = Reviewer()
    new = split_id(decide("ann", "split", "a", records=["r1"], name="boulder"))
    for pattern in ("a", new):
        decide("ann", "accept", pattern)
    rows = {row["pattern"]: row for row in reviewed_tables(decide.state())[0].to_pylist()}
    assert (rows["a"]["classCount"], rows["a"]["count"]) == (2, 3)
    assert (rows[new]["classCount"], rows[new]["count"], rows[new]["name"]) == (1, 2, "boulder")


def test_roles_are_those_a_person_gave_and_the_event_type_has() -> None:
    decide = Reviewer()
    for pattern in ("a", "b", "c"):
        decide("ann", "accept", pattern)
    decide("ann", "set-role", "b", role="Climber")
    decide("ann", "move", "a", eventType=SURFING)
    decide("ann", "set-role", "c", role=None)
    rows = {row["pattern"]: row for row in reviewed_tables(decide.state(), ontology=ONTOLOGY)[0].to_pylist()}
    assert (rows["b"]["role"], rows["b"]["roles"]) == ("Climber", [{"role": "Climber", "score": 1.0}])
    assert (rows["a"]["role"], rows["a"]["roles"]) == (None, [])
    assert (rows["c"]["role"], rows["c"]["roles"]) == (None, [])


def test_pattern_moved_to_a_type_that_the_ontology_lacks_is_left_out() -> None:
    decide = Reviewer()
    decide("ann", "accept", "a")
    decide("ann", "move", "a", eventType="Gone")
    assert reviewed_tables(decide.state(), ontology=ONTOLOGY)[0].num_rows == 0


@pytest.mark.parametrize(
    ("name", "head"),
    [("burning tyres", "tyres"), ("man on a Ladder", "man"), ("flags", "flags"), ("of mice", "mice"), ("In", "in")],
)
def test_head_of_a_name(name: str, head: str) -> None:
    assert head_of(name) == head
