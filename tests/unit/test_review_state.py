from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kb.review.decisions import split_id
from kb.review.standing import Conflict
from tests.reviews import SURFING, Reviewer

if TYPE_CHECKING:
    from kb.review.state import ReviewState


def rows_of(state: ReviewState, pattern: str) -> list[str]:
    records: list[str] = state.evidence(pattern)["record"].to_pylist()
    return records


def test_state_without_decisions_is_what_was_mined() -> None:
    state = Reviewer().state()
    assert list(state.patterns) == ["a", "b", "c"]
    assert {own.status for own in state.patterns.values()} == {"open"}
    assert (state["a"].name, state["a"].role, state["a"].event_type) == ("rock face", "Place", "Sport.Climbing")
    assert state.counts() == {"open": 3, "accepted": 0, "rejected": 0}


def test_state_takes_every_kind_of_decision() -> None:
    decide = Reviewer()
    decide("ann", "accept", "a")
    decide("ann", "rename", "a", name="steep rock")
    decide("ann", "set-role", "a", role="Climber")
    decide("ann", "move", "a", eventType=SURFING)
    decide("ann", "note", "a", text="see r3")
    decide("ann", "reject", "b", reason="only a rope")
    own, other = decide.state()["a"], decide.state()["b"]
    assert (own.status, own.name, own.role, own.event_type) == ("accepted", "steep rock", "Climber", SURFING)
    assert [note.text for note in own.notes] == ["see r3"]
    assert own.decided == {"verdict", "name", "role", "eventType"}
    assert (other.status, other.reason) == ("rejected", "only a rope")


def test_later_decision_of_one_reviewer_replaces_the_earlier_without_conflict() -> None:
    decide = Reviewer()
    decide("ann", "reject", "a")
    decide("ann", "accept", "a")
    state = decide.state()
    assert state["a"].status == "accepted"
    assert state.conflicts == ()


def test_merge_moves_evidence_once_per_photo_group_and_hides_the_merged() -> None:
    decide = Reviewer()
    decide("ann", "merge", "a", others=["b"])
    state = decide.state()
    assert list(state.patterns) == ["a", "c"]
    assert state["b"].merged_into == "a"
    assert state.root("b") == "a"
    assert sorted(rows_of(state, "a")) == ["r1", "r2", "r3", "r4"]
    assert state.alternatives("a") == ["rock face", "cliff", "rope", "cord"]


def test_verdict_on_what_another_has_merged_meanwhile_waits_and_says_so() -> None:
    decide = Reviewer()
    merge = decide("ann", "merge", "a", others=["b"])
    decide("bob", "accept", "b")
    state = decide.state()
    assert (state["a"].status, state.history[1].idle) == ("open", "it was part of another pattern by then")
    decide("ann", "undo", "a", decision=merge)
    state = decide.state()
    assert (state["b"].status, state.history[1].idle) == ("accepted", "")


def test_merge_in_a_circle_is_idle() -> None:
    decide = Reviewer()
    decide("ann", "merge", "a", others=["b"])
    decide("ann", "merge", "b", others=["a"])
    state = decide.state()
    assert state["a"].merged_into is None
    assert state.history[1].idle
    assert state.parts("a") == ["a", "b"]


def test_merge_into_another_pattern_takes_the_part_along() -> None:
    decide = Reviewer()
    decide("ann", "merge", "a", others=["b"])
    decide("ann", "merge", "c", others=["b"])
    state = decide.state()
    assert state.parts("a") == ["a"]
    assert state.parts("c") == ["c", "b"]


def test_split_makes_a_pattern_of_some_evidence() -> None:
    decide = Reviewer()
    new = split_id(decide("ann", "split", "a", records=["r1"], name="boulder"))
    decide("bob", "accept", new)
    state = decide.state()
    assert list(state.patterns) == ["a", "b", "c", new]
    assert rows_of(state, "a") == ["r2", "r3"]
    assert rows_of(state, new) == ["r1"]
    assert (state[new].name, state[new].status, state[new].split_from) == ("boulder", "accepted", "a")


def test_split_of_a_merged_pattern_takes_evidence_of_its_parts_and_merging_it_back_restores() -> None:
    decide = Reviewer()
    decide("ann", "merge", "a", others=["b"])
    new = split_id(decide("ann", "split", "a", records=["r4"]))
    assert rows_of(decide.state(), new) == ["r4"]
    decide("ann", "merge", "a", others=[new])
    assert sorted(rows_of(decide.state(), "a")) == ["r1", "r2", "r3", "r4"]


def test_split_of_a_merged_pattern_has_each_photograph_once_and_the_best_first() -> None:
    decide = Reviewer()
    decide("ann", "merge", "a", others=["b"])
    new = split_id(decide("ann", "split", "a", records=["r3", "r2", "r4"]))
    state = decide.state()
    assert rows_of(state, new) == ["r2", "r4", "r3"]
    assert rows_of(state, "a") == ["r1"]


@pytest.mark.parametrize("records", [["r9"], ["r1", "r2", "r3"]])
def test_split_of_nothing_or_of_all_is_idle(records: list[str]) -> None:
    decide = Reviewer()
    decide("ann", "split", "a", records=records)
    state = decide.state()
    assert state.history[0].idle
    assert list(state.patterns) == ["a", "b", "c"]


def test_decision_about_a_split_that_was_undone_waits_for_the_redo() -> None:
    decide = Reviewer()
    split = decide("ann", "split", "a", records=["r1"])
    decide("ann", "accept", split_id(split))
    decide("ann", "undo", "a", decision=split)
    state = decide.state()
    assert split_id(split) not in state
    assert state.history[1].idle == "there is no such pattern"
    decide("ann", "redo", "a", decision=split)
    assert decide.state()[split_id(split)].status == "accepted"


def test_reviewers_who_differ_are_shown_and_the_later_stands_until_they_agree() -> None:
    decide = Reviewer()
    decide("ann", "accept", "a")
    decide("bob", "reject", "a", reason="blurred")
    decide("bob", "rename", "b", name="rope")
    state = decide.state()
    assert state["a"].status == "rejected"
    (conflict,) = state.conflicts_of("a")
    assert isinstance(conflict, Conflict)
    assert [(choice.who, choice.value) for choice in conflict.choices] == [("ann", "accepted"), ("bob", "rejected")]
    assert state.conflicts_of("b") == []
    decide("ann", "reject", "a")
    assert decide.state().conflicts == ()


def test_merge_of_a_pattern_that_another_reviewer_merged_elsewhere_is_a_conflict() -> None:
    decide = Reviewer()
    decide("ann", "merge", "a", others=["b"])
    decide("bob", "merge", "c", others=["b"])
    assert [(c.pattern, c.aspect) for c in decide.state().conflicts] == [("b", "merge")]


def test_undo_and_redo_are_a_stack_per_reviewer() -> None:
    decide = Reviewer()
    first = decide("ann", "accept", "a")
    decide("bob", "accept", "b")
    second = decide("ann", "rename", "a", name="x")
    undone = decide.state().next_undo("ann")
    assert undone is not None
    assert undone.id == second
    decide("ann", "undo", "a", decision=second)
    state = decide.state()
    assert (state["a"].name, state["a"].status) == ("rock face", "accepted")
    following, again = state.next_undo("ann"), state.next_redo("ann")
    assert following is not None
    assert again is not None
    assert (following.id, again.id) == (first, second)
    assert state.next_redo("bob") is None
    decide("ann", "redo", "a", decision=second)
    assert decide.state()["a"].name == "x"
    assert decide.state().next_redo("ann") is None


def test_new_decision_empties_what_can_be_redone() -> None:
    decide = Reviewer()
    first = decide("ann", "accept", "a")
    decide("ann", "undo", "a", decision=first)
    decide("ann", "reject", "a")
    assert decide.state().next_redo("ann") is None


def test_decision_of_another_can_be_undone_by_its_id() -> None:
    decide = Reviewer()
    first = decide("ann", "reject", "a")
    decide("bob", "undo", "a", decision=first)
    state = decide.state()
    assert state["a"].status == "open"
    assert [(entry.decision.who, entry.holds) for entry in state.history_of("a")] == [("ann", False), ("bob", True)]


def test_decisions_about_nothing_are_idle() -> None:
    decide = Reviewer()
    decide("ann", "accept", "nowhere")
    decide("ann", "undo", "a", decision="nothing")
    decide("ann", "merge", "a", others=["nowhere"])
    assert all(entry.idle for entry in decide.state().history)


def test_history_of_a_merged_pattern_has_that_of_its_parts() -> None:
    decide = Reviewer()
    decide("ann", "note", "b", text="thin")
    decide("ann", "accept", "c")
    decide("ann", "merge", "a", others=["b"])
    assert [entry.decision.action for entry in decide.state().history_of("a")] == ["note", "merge"]


def test_opposite_merges_of_two_reviewers_are_a_conflict() -> None:
    decide = Reviewer()
    decide("ann", "merge", "b", others=["a"])
    decide("bob", "merge", "a", others=["b"])
    (conflict,) = decide.state().conflicts
    assert (conflict.pattern, conflict.aspect) == ("a", "merge")
    assert {choice.who: choice.value for choice in conflict.choices} == {"ann": "b", "bob": "a"}
    assert decide.state().root("a") == "b"


def test_verdict_on_what_another_merged_away_is_a_conflict() -> None:
    decide = Reviewer()
    decide("ann", "merge", "b", others=["a"])
    decide("bob", "accept", "a")
    assert [(c.pattern, c.aspect) for c in decide.state().conflicts] == [("a", "merge")]
    decide("bob", "merge", "b", others=["a"])
    assert decide.state().conflicts == ()


def test_verdict_on_what_one_merged_away_oneself_is_no_conflict() -> None:
    decide = Reviewer()
    decide("ann", "merge", "b", others=["a"])
    decide("ann", "accept", "a")
    assert decide.state().conflicts == ()
