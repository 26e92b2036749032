from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kb.review.decisions import REVERSALS, Decision, parse_decision, split_id
from kb.review.state import ReviewState, review_state
from kb.review.tables import reviewed_tables
from tests.reviews import PRINTS, mined

WHO = st.sampled_from(["ann", "bob"])
KNOWN = st.sampled_from(["a", "b", "c", "nowhere", *(split_id(f"d{n}") for n in range(4))])
MINED = mined()

FIELDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "accept": st.just({}),
    "reject": st.fixed_dictionaries({"reason": st.text(max_size=5)}),
    "rename": st.fixed_dictionaries({"name": st.sampled_from(["x", "<b>", "rope"])}),
    "merge": st.fixed_dictionaries({"others": st.lists(KNOWN, min_size=1, max_size=3)}),
    "split": st.fixed_dictionaries(
        {"records": st.lists(st.sampled_from([f"r{n}" for n in range(1, 9)]), min_size=1), "name": st.just("")}
    ),
    "set-role": st.fixed_dictionaries({"role": st.sampled_from([None, "Climber"])}),
    "move": st.fixed_dictionaries({"eventType": st.sampled_from(["Sport.Climbing", "Sport.Surfing", "gone"])}),
    "note": st.fixed_dictionaries({"text": st.just("n")}),
    "undo": st.fixed_dictionaries({"decision": st.sampled_from([f"d{n}" for n in range(12)])}),
    "redo": st.fixed_dictionaries({"decision": st.sampled_from([f"d{n}" for n in range(12)])}),
}


@st.composite
def logs(draw: st.DrawFn) -> list[Decision]:
    decisions = []
    for place in range(draw(st.integers(0, 12))):
        action = draw(st.sampled_from(sorted(FIELDS)))
        pattern = draw(KNOWN)
        decisions.append(
            Decision(
                id=f"d{place}", at="2026-01-01T00:00:00Z", who=draw(WHO), action=action, pattern=pattern,
                fields=draw(FIELDS[action]), about=PRINTS.get(pattern) if draw(st.booleans()) else None,
            )
        )  # fmt: skip
    return decisions


def replay(decisions: list[Decision]) -> ReviewState:
    return review_state(MINED.patterns, MINED.evidence, decisions)


def look(state: ReviewState) -> list[tuple[object, ...]]:
    return [
        (own.pattern, own.status, own.name, own.role, own.event_type, own.members, own.notes, own.reason,
         state.evidence_rows(own.pattern).tolist())
        for own in state.patterns.values()
    ]  # fmt: skip


@given(logs())
@settings(deadline=None)
def test_replay_never_fails_and_keeps_every_photo_group(decisions: list[Decision]) -> None:
    state = replay(decisions)
    records = {record for name in state.ids() for record in state.evidence(name)["record"].to_pylist()}
    assert records == set(MINED.records)
    patterns, evidence = reviewed_tables(state, statuses={"open", "accepted", "rejected"})
    assert set(evidence["pattern"].to_pylist()) <= set(patterns["pattern"].to_pylist())
    assert patterns["nEvidence"].to_pylist() == [len(state.evidence_rows(p)) for p in patterns["pattern"].to_pylist()]
    for row in patterns.to_pylist():
        assert 0 <= row["confidence"] <= 1
        assert row["classCount"] <= row["count"]
        assert row["name"] == row["alternatives"][0]


@given(logs())
@settings(deadline=None)
def test_undoing_everything_restores_the_start(decisions: list[Decision]) -> None:
    log = [*decisions]
    for who in ("ann", "bob"):
        while (target := replay(log).next_undo(who)) is not None:
            log.append(
                Decision(id=f"u{len(log)}", at="", who=who, action="undo", pattern=target.pattern,
                         fields={"decision": target.id})
            )  # fmt: skip
    assert look(replay(log)) == look(replay([]))
    assert replay(log).conflicts == ()


@given(logs())
@settings(deadline=None)
def test_redoing_what_was_undone_restores_the_end(decisions: list[Decision]) -> None:
    log = [decision for decision in decisions if decision.action not in REVERSALS and decision.who == "ann"]
    before = look(replay(log))
    for action in ("undo", "redo"):
        while True:
            state = replay(log)
            target = state.next_undo("ann") if action == "undo" else state.next_redo("ann")
            if target is None:
                break
            log.append(
                Decision(id=f"u{len(log)}", at="", who="ann", action=action, pattern=target.pattern,
                         fields={"decision": target.id})
            )  # fmt: skip
    assert look(replay(log)) == before


@given(logs())
def test_decision_survives_the_line_of_the_log(decisions: list[Decision]) -> None:
    assert [parse_decision(decision.to_json()) for decision in decisions] == decisions
