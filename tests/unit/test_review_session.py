from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kb.review.log import DecisionLog
from kb.review.session import Review
from miner.errors import ReviewError
from tests.kb_run import ONTOLOGY
from tests.reviews import CLIMBING, SURFING, mined

if TYPE_CHECKING:
    from pathlib import Path


def open_log(folder: Path) -> Review:
    return Review(mined(), DecisionLog(folder / "decisions.jsonl"), ONTOLOGY)


def look(review: Review, pattern: str) -> tuple[str, str | None, str]:
    own = review.state[pattern]
    return own.status, own.role, own.event_type


@pytest.fixture
def review(tmp_path: Path) -> Review:
    return open_log(tmp_path)


def test_decision_is_on_the_disk_and_in_the_state(review: Review, tmp_path: Path) -> None:
    made = review.decide("ann", "rename", "a", name="cliff")
    assert review.state["a"].name == "cliff"
    assert open_log(tmp_path).state["a"].name == "cliff"
    assert made.about == review.mined.fingerprint("a")
    assert made.run == "run"


@pytest.mark.parametrize(
    ("action", "pattern", "fields", "message"),
    [
        ("accept", "zz", {}, "There is no pattern 'zz'"),
        ("explode", "a", {}, "There is no action 'explode'"),
        ("accept", "a", {"why": "x"}, "accept does not take 'why'"),
        ("rename", "a", {}, "name must be a text"),
        ("rename", "a", {"name": " \u202e "}, "name must not be empty"),
        ("rename", "a", {"name": ["x"]}, "name must be a text, not list"),
        ("set-role", "a", {"role": "Surfer"}, r"Sport\.Climbing has no role 'Surfer'; it has: Climber, Place"),
        ("move", "a", {"eventType": "Sport.Flying"}, "There is no event type 'Sport.Flying'"),
        ("merge", "a", {"others": ["zz"]}, "There is no pattern 'zz'"),
        ("merge", "a", {"others": ["a"]}, "a cannot become part of it"),
        ("merge", "a", {"others": []}, "others must have 1 to 1,000 entries"),
        ("merge", "a", {"others": "b"}, "others must be a list"),
        ("split", "a", {"records": ["r9"]}, "a has no evidence of record 'r9'"),
        ("split", "a", {"records": ["r1", "r2", "r3"]}, "must leave some evidence"),
        ("undo", "a", {"decision": "x"}, "undo is not decided about a pattern"),
    ],
)
def test_decision_that_makes_no_sense_is_refused(
    review: Review, action: str, pattern: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ReviewError, match=message):
        review.decide("ann", action, pattern, **fields)
    assert review.journal.read() == ()


HUGE = "x" * 10_000_000


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("rename", {"name": HUGE}),
        ("reject", {"reason": HUGE}),
        ("note", {"text": HUGE}),
        ("set-role", {"role": HUGE}),
        ("move", {"eventType": HUGE}),
        ("merge", {"others": [HUGE]}),
        ("split", {"records": [HUGE]}),
        ("split", {"records": [f"r{n}" for n in range(100_001)]}),
    ],
)
def test_huge_input_is_refused_in_one_short_line(review: Review, action: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ReviewError) as caught:
        review.decide("ann", action, "a", **fields)
    assert len(caught.value.message) < 300
    for who, pattern in ((HUGE, "a"), ("ann", HUGE)):
        with pytest.raises(ReviewError) as caught:
            review.decide(who, "accept", pattern)
        assert len(caught.value.message) < 300
    assert review.journal.read() == ()


def test_hostile_texts_stay_texts(review: Review, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\r\n{}\x00\x1b[31m \u202egnp.exe \ud800 ' OR 1=1 --"
    review.decide("ann\n", "rename", "a", name=hostile)
    review.decide("ann", "note", "a", text=hostile)
    own = open_log(tmp_path).state["a"]
    assert own.name == "<script>alert(1)</script> {}[31m gnp.exe \ufffd ' OR 1=1 --"
    assert own.notes[0].who == "ann"
    assert "\x1b" not in own.notes[0].text
    assert len((tmp_path / "decisions.jsonl").read_bytes().splitlines()) == 2


def test_role_can_be_taken_away_and_is_checked_against_the_type_it_was_moved_to(review: Review) -> None:
    review.decide("ann", "set-role", "a", role=None)
    assert look(review, "a") == ("open", None, CLIMBING)
    review.decide("ann", "move", "a", eventType=SURFING)
    review.decide("ann", "set-role", "a", role="Surfer")
    assert look(review, "a") == ("open", "Surfer", SURFING)


def test_undo_and_redo_work_across_sessions(review: Review, tmp_path: Path) -> None:
    review.decide("ann", "accept", "a")
    review.decide("ann", "accept", "b")
    later = open_log(tmp_path)
    later.undo("ann")
    later.undo("ann")
    assert later.state.counts()["accepted"] == 0
    with pytest.raises(ReviewError, match="nothing to undo"):
        later.undo("ann")
    again = open_log(tmp_path)
    again.redo("ann")
    assert (again.state["a"].status, again.state["b"].status) == ("accepted", "open")
    with pytest.raises(ReviewError, match="nothing to redo"):
        again.redo("bob")


def test_undo_of_a_named_decision(review: Review) -> None:
    first = review.decide("ann", "accept", "a")
    review.decide("ann", "accept", "b")
    review.undo("bob", first.id)
    assert look(review, "a")[0] == "open"
    for name in (first.id, "nothing"):
        with pytest.raises(ReviewError, match="nothing to undo"):
            review.undo("bob", name)
    review.redo("ann", first.id)
    assert look(review, "a")[0] == "accepted"


def test_two_sessions_see_each_other(review: Review, tmp_path: Path) -> None:
    other = open_log(tmp_path)
    assert look(other, "a")[0] == "open"
    review.decide("ann", "accept", "a")
    other.decide("bob", "reject", "a")
    assert [c.aspect for c in review.state.conflicts] == ["verdict"]
    assert look(review, "a") == look(other, "a") == ("rejected", "Place", CLIMBING)


def test_pattern_of_evidence_split_off_can_be_decided_about(review: Review) -> None:
    review.decide("ann", "split", "a", records=["r3"], name="ledge")
    (new,) = (name for name in review.state.patterns if name not in "abc")
    review.decide("ann", "accept", new)
    review.decide("ann", "merge", "c", others=[new])
    assert review.state.parts("c") == ["c", new]
    assert review.state.evidence("c")["record"].to_pylist().count("r3") == 1


def test_queue_leaves_out_what_is_decided(review: Review) -> None:
    assert {own.pattern for own in review.queue()} == {"a", "b", "c"}
    review.decide("ann", "reject", "a")
    assert {own.pattern for own in review.queue()} == {"b", "c"}
    assert review.queue() is review.queue()
