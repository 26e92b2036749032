from __future__ import annotations

from itertools import product
from random import Random
from time import process_time
from typing import TYPE_CHECKING

from kb.review import matching
from kb.review.decisions import Fingerprint, new_decision, sketch
from kb.review.matching import MIN_LIKENESS, Match, likeness, match_decisions, match_fingerprints, match_mined
from kb.review.state import review_state
from tests.reviews import PRINTS, RECORDS, evidence_rows, mined, pattern_rows

if TYPE_CHECKING:
    import pytest


def made(
    pattern: str, records: str, *, visual: tuple[int, ...] = (1,), event_type: str = "X", **more: object
) -> Fingerprint:
    own = Fingerprint(pattern=pattern, event_type=event_type, visual=visual, words=("w",), records=sketch(records))
    return own.model_copy(update=more)


def renamed(old: str, new: str) -> tuple[list[dict[str, object]], dict[str, tuple[str, ...]]]:
    """Mine as before, but one pattern has another id and one filter more."""
    rows = [row | {"pattern": new, "visualItems": [*row["visualItems"], 99]} if row["pattern"] == old else row for row in pattern_rows()]  # fmt: skip
    return rows, {new if name == old else name: records for name, records in RECORDS.items()}


def test_likeness_is_the_mean_of_evidence_and_items() -> None:
    assert likeness(made("p", "abc"), made("q", "abc")) == 1.0
    # Evidence 2 of 4 in common, filters 1 of 3, words all: 0.5 * 0.5 + 0.5 * (0.5 / 3 + 0.5).
    other = made("q", "bcd", visual=(1, 2, 3))
    assert abs(likeness(made("p", "abc"), other) - (0.25 + 0.5 * (0.5 / 3 + 0.5))) < 1e-12
    assert likeness(made("p", "abc"), made("q", "abc", event_type="Y")) == 0.0
    assert likeness(Fingerprint(pattern="p", event_type="X"), Fingerprint(pattern="q", event_type="X")) == 0.0


def test_sketch_estimates_the_overlap_of_large_sets() -> None:
    one = made("p", "", words=())
    records = [[f"r{n}" for n in range(3_000)], [f"r{n}" for n in range(1_000, 4_000)]]
    first, second = (one.model_copy(update={"records": sketch(own), "visual": ()}) for own in records)
    assert abs(2 * likeness(first, second) - 0.5) < 0.2


def test_match_is_one_to_one_and_likest_first() -> None:
    old = [made("p", "abcd"), made("q", "ab")]
    new = [made("x", "abc"), made("y", "ab")]
    assert [(m.old, m.new) for m in match_fingerprints(old, new)] == [("q", "y"), ("p", "x")]
    assert [(m.old, m.new) for m in match_fingerprints(old, new[:1])] == [("p", "x")]


def test_match_does_not_depend_on_the_order() -> None:
    old = [made("p", "ab"), made("q", "ab")]
    new = [made("x", "ab"), made("y", "ab")]
    assert match_fingerprints(old, new) == match_fingerprints(old[::-1], new[::-1])


def test_match_prefers_the_same_id_between_equals() -> None:
    assert [(m.old, m.new) for m in match_fingerprints([made("q", "ab")], [made("a", "ab"), made("q", "ab")])] == [("q", "q")]  # fmt: skip


def test_too_little_in_common_is_no_match() -> None:
    assert match_fingerprints([made("p", "abc")], [made("p", "xyz", visual=(5,), words=("v",))]) == []


def test_every_pair_alike_enough_is_looked_at() -> None:
    random = Random(3)  # noqa: S311 - only test data
    few = [
        made(
            f"p{n}",
            "".join(random.sample("abcdef", random.randint(0, 3))),
            visual=tuple(random.sample(range(4), random.randint(0, 3))),
            words=tuple(random.sample("uvw", random.randint(0, 2))),
        )
        for n in range(60)
    ]
    for one, other in product(few[:30], few[30:]):
        assert bool(match_fingerprints([one], [other])) == (round(likeness(one, other), 9) >= MIN_LIKENESS)


def test_thousands_of_patterns_of_one_type_are_matched_quickly() -> None:
    prints = [
        made(f"p{n}", "").model_copy(update={"records": (f"r{n}", f"r{n + 1}"), "visual": (n, n + 1)})
        for n in range(2_000)
    ]
    start = process_time()
    assert [(match.old, match.new) for match in match_fingerprints(prints, prints)] == [
        (one.pattern, one.pattern) for one in sorted(prints, key=lambda one: one.pattern)
    ]
    assert process_time() - start < 10


def test_decisions_find_their_pattern_after_mining_again() -> None:
    rows, records = renamed("a", "z")
    now = mined(rows, records)
    decision = new_decision("ann", "rename", "a", {"name": "crag"}, about=PRINTS["a"])
    state = review_state(now.patterns, now.evidence, [decision])
    assert state["z"].name == "crag"
    assert state.matches.formerly("z") == ("a",)
    assert 0.5 < state.matches.found["a"].likeness < 1


def test_decisions_about_a_pattern_that_is_gone_are_listed() -> None:
    rows = [row for row in pattern_rows() if row["pattern"] != "c"]
    now = mined(rows, {name: own for name, own in RECORDS.items() if name != "c"})
    accept = new_decision("ann", "accept", "c", {}, about=PRINTS["c"])
    state = review_state(now.patterns, now.evidence, [accept])
    ((was, entries),) = state.unmatched
    assert (was.name, [entry.decision for entry in entries]) == ("wave", [accept])
    assert state.not_back == []
    reject = new_decision("bob", "reject", "c", {}, about=PRINTS["c"])
    state = review_state(now.patterns, now.evidence, [accept, reject])
    assert state.unmatched == []
    assert [lost.pattern for lost, _ in state.not_back] == ["c"]


def test_ids_of_several_runs_are_one_pattern() -> None:
    rows, records = renamed("a", "z")
    then = mined(rows, records)
    first = new_decision("ann", "accept", "a", {}, about=PRINTS["a"])
    second = new_decision("ann", "rename", "z", {"name": "crag"}, about=then.fingerprint("z", ["a"]))
    rows, records = renamed("a", "y")
    now = mined(rows, records)
    state = review_state(now.patterns, now.evidence, [first, second])
    assert (state["y"].status, state["y"].name) == ("accepted", "crag")
    assert state.matches.formerly("y") == ("a", "z")


def test_merge_is_applied_to_the_patterns_that_are_there_now() -> None:
    rows, records = renamed("b", "z")
    now = mined(rows, records)
    merge = new_decision("ann", "merge", "a", {"others": ["b"]}, about=PRINTS["a"], others=[PRINTS["b"]])
    assert review_state(now.patterns, now.evidence, [merge]).parts("a") == ["a", "z"]


def test_same_id_with_other_evidence_is_not_taken_for_the_same() -> None:
    """Numbers of text items change between runs, so an id can come back and mean something else."""
    strange = [
        row | {"visualItems": [77], "textWords": ["sky"]} if row["pattern"] == "a" else row for row in pattern_rows()
    ]
    now = mined(strange, RECORDS | {"a": ("r11", "r12")})
    decision = new_decision("ann", "reject", "a", {}, about=PRINTS["a"])
    state = review_state(now.patterns, now.evidence, [decision])
    assert state["a"].status == "open"
    assert [lost.name for lost, _ in state.not_back] == ["rock face"]


def test_unchanged_patterns_match_themselves() -> None:
    now = mined(pattern_rows(), RECORDS)
    decisions = [new_decision("ann", "accept", name, {}, about=PRINTS[name]) for name in PRINTS]
    found = match_decisions(now, decisions).found
    assert found == {name: Match(name, name, 1.0) for name in PRINTS}
    assert len(evidence_rows(RECORDS)) == len(now.records)


def test_each_further_decision_compares_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = mined(*renamed("a", "z"))
    log = [new_decision("ann", "accept", name, {}, about=PRINTS[name]) for name in ("a", "b")]
    assert match_decisions(now, log[:1]).current("a") == "z"
    between = match_mined(mined(), now)
    monkeypatch.setattr(matching, "likeness", None)
    found = match_decisions(now, log)
    assert [found.current(name) for name in ("a", "b")] == ["z", "b"]
    assert match_mined(mined(), now) == between
    assert [(match.old, match.new) for match in sorted(between, key=lambda match: match.old)] == [
        ("a", "z"),
        ("b", "b"),
        ("c", "c"),
    ]
