from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydantic import ValidationError

from kb.ontology import EventType, Ontology
from miner.config import PatternConfig
from miner.patterns.candidates import CUT_RULES, MAX_MEMBERS, Candidate, find_candidates, select_best
from miner.patterns.merge import Draft, Member
from miner.patterns.naming import Name
from miner.patterns.pictures import PatternInputs
from miner.text.captions import CAPTIONS
from miner.visual.geometry import Geometry
from tests.pattern_cases import pictures_of, rule, rules_table, votes_where

if TYPE_CHECKING:
    import pyarrow as pa

    from miner.patterns.pictures import Votes

# Item 0 is in four votes of A, one of B and one without a type; item 1 in two of A; item 2 in three of A and six of B.
WHERE = {0: [0, 1, 2, 3, 10, 18], 1: [4, 5], 2: [6, 7, 8, *range(10, 16)]}
VOTES = votes_where(WHERE, WHERE, [0] * 10 + [1] * 8 + [-1] * 2)


def inputs_of(rules: pa.Table, votes: Votes = VOTES) -> PatternInputs:
    n = len(votes.picture)
    return PatternInputs(
        rules=rules,
        votes=votes,
        pictures=pictures_of(n, votes.transactions.n_visual),
        records=[str(place) for place in range(n)],
        images=[f"{place}.jpg" for place in range(n)],
        geometry=lambda _: Geometry(96, 96, 0, 0, 1, 96, 32),
        captions=CAPTIONS.empty_table(),
        masks=[],
        picture_of={str(place): place for place in range(n)},
        words={},
        spans=lambda _, __: [],
        ontology=Ontology(name="letters", version="1", types=(EventType(id="A", label="A"),)),
    )


def candidate(
    items: list[int], event_type: str = "A", words: list[int] | None = None, votes: Votes = VOTES
) -> Candidate:
    """Return the candidate of rules about items, each with the word of the same number unless told otherwise."""
    pairs = zip(items, words or items, strict=True)
    members = tuple(Member(place, (item,), (word,)) for place, (item, word) in enumerate(pairs))
    return Candidate.of(Draft(event_type, members), votes)


def test_candidate_counts_labelled_votes_of_the_union() -> None:
    found = candidate([0])
    assert (found.count, found.class_count, found.n_labelled, found.n_type) == (5, 4, 18, 10)
    assert found.matches.tolist() == [0, 1, 2, 3, 10, 18]
    assert (found.support, found.confidence, found.lift) == (4 / 18, 4 / 5, (4 / 5) / (10 / 18))
    both = candidate([0, 1])
    assert (both.count, both.class_count) == (7, 6)


def test_candidates_without_enough_behind_them_are_left_out_and_counted() -> None:
    rules = rules_table(rule([2], [2]), rule([0], [0]), rule([1], [1]))
    kept, dropped = find_candidates(inputs_of(rules), PatternConfig(), min_confidence=0.5)
    assert [found.draft.members for found in kept] == [(Member(1, (0,), (0,)),)]
    assert dropped == {"too few photo groups": 1, "confidence of the union": 1, CUT_RULES: 0}


def test_candidates_come_by_event_type() -> None:
    rules = rules_table(rule([2], [2], "B"), rule([0], [0], "A"))
    kept, _ = find_candidates(inputs_of(rules), PatternConfig(), min_confidence=0.5)
    assert [(found.draft.event_type, found.class_count) for found in kept] == [("A", 4), ("B", 6)]


def test_no_rules_make_no_candidates() -> None:
    assert find_candidates(inputs_of(rules_table()), PatternConfig(), min_confidence=0.5)[0] == []


APART = {item: range(4 * item, 4 * item + 4) for item in range(4)}
EVEN = votes_where(APART, APART, [0] * 16)


def chosen(
    candidates: list[Candidate],
    grounding: list[float],
    max_patterns: int = 20,
    names: list[list[str]] | None = None,
    alike: list[list[float]] | None = None,
) -> tuple[list[int], dict[str, int]]:
    known = [
        [Name(text, text.split()[-1], 1.0, is_trigger=False) for text in own] for own in names or [[]] * len(candidates)
    ]
    config = PatternConfig(max_patterns=max_patterns)
    look = np.eye(len(candidates)) if alike is None else np.array(alike)
    return select_best(candidates, np.array(grounding, dtype=np.float32), look, known, config)


def test_best_candidates_are_those_grounded_times_confident() -> None:
    # confidences 4/5, 1 and 1/3
    candidates = [candidate([0]), candidate([1]), candidate([2])]
    assert chosen(candidates, [0.5, 0.3, 0.9])[0] == [0, 1, 2]
    assert chosen(candidates, [0.3, 0.3, 0.9])[0] == [1, 2, 0]


def test_equally_good_candidates_stay_in_order_of_their_rules() -> None:
    assert chosen([candidate([item], votes=EVEN) for item in (2, 0, 3, 1)], [0.5] * 4)[0] == [0, 1, 2, 3]


def test_candidates_beyond_the_best_are_counted() -> None:
    places, dropped = chosen([candidate([item], votes=EVEN) for item in range(4)], [0.1, 0.4, 0.2, 0.3], max_patterns=2)
    assert places == [1, 3]
    assert dropped == {"repeats a better pattern": 0, "beyond the best": 2}


def test_event_types_are_ranked_apart() -> None:
    candidates = [candidate([2], "B"), candidate([0], "A"), candidate([1], "A")]
    assert chosen(candidates, [0.1, 0.2, 0.9], max_patterns=1)[0] == [2, 0]


def test_a_candidate_with_the_words_of_a_better_one_is_a_repetition() -> None:
    votes = votes_where({**APART, 4: range(4)}, {0: range(16)}, [0] * 16)
    places, dropped = chosen(
        [candidate([0], words=[0], votes=votes), candidate([1], words=[0], votes=votes)], [0.4, 0.5]
    )
    assert places == [1]
    assert dropped["repeats a better pattern"] == 1


def test_a_candidate_with_the_pictures_of_a_better_one_is_a_repetition() -> None:
    half = {0: range(4), 1: range(1, 5), 2: range(2, 6)}
    votes = votes_where(half, half, [0] * 8)
    candidates = [candidate([item], votes=votes) for item in range(3)]
    # 3 of 5 pictures in common with the next, 2 of 6 with the one after it
    assert chosen(candidates, [0.9, 0.8, 0.7]) == ([0, 2], {"repeats a better pattern": 1, "beyond the best": 0})


def test_a_candidate_with_the_name_of_a_better_one_is_a_repetition() -> None:
    candidates = [candidate([item], votes=EVEN) for item in range(4)]
    places, dropped = chosen(candidates, [0.4, 0.3, 0.2, 0.1], names=[["rope"], ["rope"], [], []])
    assert places == [0, 2, 3]
    assert dropped["repeats a better pattern"] == 1


def test_a_name_may_stand_in_two_event_types() -> None:
    candidates = [candidate([2], "B"), candidate([0], "A")]
    assert sorted(chosen(candidates, [0.4, 0.5], names=[["rope"], ["rope"]])[0]) == [0, 1]


def test_rules_beyond_the_most_of_a_pattern_are_counted() -> None:
    everywhere = {item: range(4) for item in range(MAX_MEMBERS + 3)}
    votes = votes_where(everywhere, {0: range(4)}, [0] * 6)
    rules = rules_table(*(rule([item], [0]) for item in everywhere))
    (only,), dropped = find_candidates(inputs_of(rules, votes), PatternConfig(), min_confidence=0.5)
    assert len(only.draft.members) == MAX_MEMBERS
    assert dropped[CUT_RULES] == 3


def test_candidates_of_one_noun_come_after_those_of_others() -> None:
    candidates = [candidate([item], votes=EVEN) for item in range(4)]
    called = [["brown dog"], ["black dog"], ["rope"], ["wall"]]
    assert chosen(candidates, [0.9, 0.8, 0.2, 0.1], names=called)[0] == [0, 2, 3, 1]
    assert chosen(candidates, [0.9, 0.8, 0.2, 0.1], names=called, max_patterns=3) == (
        [0, 2, 3],
        {"repeats a better pattern": 0, "beyond the best": 1},
    )


def test_candidates_that_share_evidence_with_better_ones_lose_that_share_of_their_worth() -> None:
    places = {0: range(6), 1: range(4, 10), 2: range(10, 16)}
    votes = votes_where(places, places, [0] * 16)
    candidates = [candidate([item], votes=votes) for item in range(3)]
    # the second has 2 of 10 votes in common with the first: 0.5 is worth 0.4 after it
    assert chosen(candidates, [0.9, 0.5, 0.41])[0] == [0, 2, 1]
    assert chosen(candidates, [0.9, 0.5, 0.39])[0] == [0, 1, 2]


def test_candidates_that_look_like_better_ones_lose_the_share_of_variance_they_have_in_common() -> None:
    candidates = [candidate([item], votes=EVEN) for item in range(3)]
    alike = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.0], [-0.9, 0.0, 1.0]]
    # 0.81 of the second's variance is the first's: 0.5 is worth 0.095 after it; what is unlike loses nothing
    assert chosen(candidates, [0.9, 0.5, 0.1], alike=alike)[0] == [0, 2, 1]
    assert chosen(candidates, [0.9, 0.5, 0.09], alike=alike)[0] == [0, 1, 2]


def test_only_better_candidates_of_the_same_event_type_take_something_off() -> None:
    places = {item: range(4 * item, 4 * item + 4) for item in range(5)}
    votes = votes_where(places, places, [0] * 12 + [1] * 8)
    of_b, of_a = [candidate([item], "B", votes=votes) for item in (3, 4)], [0, 1, 2]
    repeated = candidate([0], votes=votes)
    candidates = [*of_b, *(candidate([item], votes=votes) for item in of_a), repeated]
    alike = np.eye(6)
    alike[2, 3] = alike[3, 2] = 0.9
    # what is left out, and what is of the other event type, looks like the last of A
    alike[4, [0, 1, 5]] = alike[[0, 1, 5], 4] = 1.0
    places_kept, dropped = chosen(candidates, [0.9, 0.8, 0.9, 0.5, 0.2, 0.85], alike=alike.tolist())
    assert places_kept == [2, 4, 3, 0, 1]
    assert dropped["repeats a better pattern"] == 1


def test_no_candidate_stands_on_a_single_photo_group() -> None:
    with pytest.raises(ValidationError, match="min_photo_groups"):
        PatternConfig(min_photo_groups=1)
    alone = {0: [0, 0, 0], 1: [1, 2]}
    votes = votes_where(alone, alone, [0] * 8)
    rules = rules_table(rule([0], [0]), rule([1], [1]))
    kept, dropped = find_candidates(inputs_of(rules, votes), PatternConfig(min_photo_groups=2), min_confidence=0.1)
    assert [found.class_count for found in kept] == [2]
    assert dropped["too few photo groups"] == 1
