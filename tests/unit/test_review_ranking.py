from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kb.review.features import MEASURES, item_matrix, measure_patterns, recall_items
from kb.review.mined import Mined
from kb.review.ranking import Ranking, rank_patterns, verdicts_of
from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE
from tests.kb_run import pattern_row
from tests.reviews import Reviewer


def row(name: str, word: str, grounding: float, **more: object) -> dict[str, Any]:
    made = pattern_row(name, "Sport.Climbing", 1, name, textWords=[word], nameHead=word, confidence=1.0)
    return made | {"grounding": grounding, "visualItems": [len(name)]} | more


def many(rows: list[dict[str, Any]], learned: dict[str, float] | None = None) -> Mined:
    return Mined(pa.Table.from_pylist(rows, PATTERNS), EVIDENCE.empty_table(), learned=learned or {})


def order(mined: Mined, verdicts: dict[str, float]) -> list[str]:
    names = [(name, name) for name in mined.rows if name not in verdicts]
    return [own.pattern for own in Ranking(mined).rank(names, verdicts)]


def test_order_without_decisions_is_grounding_times_confidence() -> None:
    mined = many([row("p", "rock", 0.4), row("q", "rope", 0.8), row("r", "wave", 0.9, confidence=0.2)])
    assert order(mined, {}) == ["q", "p", "r"]
    assert Ranking(mined).probabilities({})["q"] == 0.8


def test_order_without_decisions_follows_what_an_earlier_run_has_learned() -> None:
    mined = many([row("p", "rock", 0.4), row("q", "rope", 0.8)], {"p": 0.9, "q": 0.1})
    assert order(mined, {}) == ["p", "q"]


def test_second_pattern_with_a_head_word_waits_for_others_nearly_as_good() -> None:
    mined = many([row("p", "rock", 0.50), row("q", "rock", 0.49), row("r", "rope", 0.45), row("s", "wave", 0.10)])
    assert order(mined, {}) == ["p", "r", "q", "s"]


def test_rejecting_lowers_patterns_with_the_same_word_and_filter() -> None:
    rows = [row(f"{word}{n}", word, 0.5, visualItems=[ord(word)]) for word in "ab" for n in range(6)]
    mined = many(rows)
    likely = Ranking(mined).probabilities({"a0": 0.0, "a1": 0.0, "b0": 1.0, "b1": 1.0})
    assert likely["a5"] < 0.5 < likely["b5"]
    assert order(mined, {"a0": 0.0, "a1": 0.0, "b0": 1.0, "b1": 1.0})[0].startswith("b")


def test_few_decisions_move_probabilities_little_and_many_decide() -> None:
    """What is accepted is what has little grounding: against the prior."""
    rows = [row(f"p{n}", f"w{n}", 0.1 + 0.8 * n / 99, visualItems=[n]) for n in range(100)]
    ranking = Ranking(many(rows))
    few = ranking.probabilities({"p0": 1.0})
    assert few["p5"] < few["p95"]
    decided = {f"p{n}": float(n < 50) for n in range(0, 100, 2)}
    learned = ranking.probabilities(decided)
    assert learned["p5"] > 0.7
    assert learned["p95"] < 0.3


@pytest.mark.parametrize("verdicts", [{"p": 1.0}, {"p": 0.0, "q": 0.0}, {"p": 0.5}, {"p": 1.0, "elsewhere": 0.0}])
def test_any_verdicts_give_probabilities(verdicts: dict[str, float]) -> None:
    mined = many([row("p", "rock", 0.4), row("q", "rope", 0.8), row("r", "wave", 0.0, pValue=0.0, qLink=0.0)])
    likely = Ranking(mined).probabilities(verdicts)
    assert set(likely) == {"p", "q", "r"}
    assert all(0 < value < 1 for value in likely.values())
    assert Ranking(mined).probabilities(verdicts) == likely


def test_ranking_of_no_patterns_is_empty() -> None:
    assert Ranking(many([])).rank([], {}) == []


def test_verdicts_are_shared_where_reviewers_differ() -> None:
    decide = Reviewer()
    decide("ann", "accept", "a")
    decide("bob", "reject", "a")
    decide("ann", "reject", "b")
    state = decide.state()
    assert verdicts_of(state) == {"a": 0.5, "b": 0.0}
    assert [own.pattern for own in rank_patterns(state)] == ["c"]


def test_measures_are_standardised_and_constant_ones_are_nothing() -> None:
    table = many([row("p", "rock", 0.2), row("qq rr", "rope", 0.8)]).patterns
    measures = dict(zip(MEASURES, measure_patterns(table).T, strict=True))
    np.testing.assert_allclose(measures["grounding"], [-1, 1])
    np.testing.assert_allclose(measures["words in name"], [-1, 1])
    np.testing.assert_allclose(measures["confidence"], [0, 0])


def test_items_recall_verdicts_on_others_only() -> None:
    items = item_matrix([["x"], ["x"], ["x", "y"], ["z"]])
    # One accepted and no other: 1 / (1 + 1) for x; the accepted one knows of no other; half of the third's items.
    np.testing.assert_allclose(recall_items(items, {0: 1.0}), [0, 0.5, 0.25, 0])
    # Two verdicts cancel out; each sees the other, 1 of 1 + 1.
    np.testing.assert_allclose(recall_items(items, {0: 1.0, 1: -1.0}), [-0.5, 0.5, 0, 0])
