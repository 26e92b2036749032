from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from miner.patterns.merge import Draft, Member, jaccard, merge_rules, order_rules
from tests.pattern_cases import pictures_of, rule, rules_table, votes_where

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from miner.patterns.pictures import Pictures, Votes

ItemPairs = list[list[tuple[tuple[int, ...], tuple[int, ...]]]]

# Rule i is about filter i and word i, which come together in four pictures, moved on by one from rule to rule: neighbours
# share three of five pictures (0.6), the first and the third two of six (0.33).
CHAIN = {item: range(item, item + 4) for item in range(3)}


def merged(
    rules: Sequence[dict[str, Any]],
    votes: Votes,
    pictures: Pictures | None = None,
    *,
    min_jaccard: float = 0.5,
    max_members: int = 24,
) -> ItemPairs:
    """Merge the rules of event type A; each pattern as the itemsets of its members."""
    drafts = merge_rules(
        rules_table(*rules),
        votes,
        pictures or pictures_of(len(votes.picture), votes.transactions.n_visual),
        "A",
        min_jaccard=min_jaccard,
        max_members=max_members,
    )
    return [[(member.visual, member.text) for member in draft.members] for draft in drafts]


def chain(*order: int) -> list[dict[str, Any]]:
    """Return the rules of the chain, strongest first."""
    return [rule([item], [item], qLink=0.001 * (place + 1)) for place, item in enumerate(order)]


def pair(item: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (item,), (item,)


@pytest.mark.parametrize(("min_jaccard", "n_patterns"), [(0.6, 1), (0.61, 2)])
def test_merge_joins_rules_whose_pictures_overlap_enough(min_jaccard: float, n_patterns: int) -> None:
    votes = votes_where(CHAIN, CHAIN, [0] * 8)
    assert len(merged(chain(0, 1), votes, min_jaccard=min_jaccard)) == n_patterns


def test_merge_compares_with_the_strongest_rule_so_chains_do_not_form() -> None:
    votes = votes_where(CHAIN, CHAIN, [0] * 8)
    assert merged(chain(0, 1, 2), votes) == [[pair(0), pair(1)], [pair(2)]]
    assert merged(chain(2, 1, 0), votes) == [[pair(2), pair(1)], [pair(0)]]
    assert merged(chain(1, 0, 2), votes) == [[pair(1), pair(0), pair(2)]]


def test_merge_joins_the_first_of_several_patterns_a_rule_agrees_with() -> None:
    votes = votes_where(CHAIN, CHAIN, [0] * 8)
    assert merged(chain(0, 2, 1), votes) == [[pair(0), pair(1)], [pair(2)]]


def test_merge_looks_at_votes_of_the_event_type_only() -> None:
    apart = {0: [0, 1, 2, 6, 7], 1: [3, 4, 5, 6, 7]}
    votes = votes_where(apart, apart, [0] * 6 + [1] * 2)
    assert merged(chain(0, 1), votes, min_jaccard=0.2) == [[pair(0)], [pair(1)]]


def test_merge_passes_over_rules_of_other_event_types_and_keeps_row_numbers() -> None:
    votes = votes_where(CHAIN, CHAIN, [0] * 8)
    rules = rules_table(rule([1], [1], "B"), rule([2], [2]))
    (draft,) = merge_rules(rules, votes, pictures_of(8, 3), "A", min_jaccard=0.5, max_members=24)
    assert (draft.event_type, draft.members) == ("A", (Member(1, (2,), (2,)),))
    assert merge_rules(rules, votes, pictures_of(8, 3), "C", min_jaccard=0.5, max_members=24) == []


def test_merge_keeps_the_strongest_members_of_a_crowded_pattern() -> None:
    everywhere = {item: range(4) for item in range(5)}
    votes = votes_where(everywhere, {0: range(4)}, [0] * 6)
    rules = [rule([item], [0], qLink=0.1 * item) for item in (3, 1, 4, 0, 2)]
    assert merged(rules, votes, max_members=3) == [[((item,), (0,)) for item in (0, 1, 2)]]


# Two filters with the same word: they share two of six pictures, so only where they fire can join them.
FILTERS: Mapping[int, Sequence[int]] = {0: [0, 1, 2, 3], 1: [2, 3, 4, 5]}
WORD: Mapping[int, Sequence[int]] = {0: range(6)}
SAME_WORD = [rule([0], [0], qLink=0.001), rule([1], [0], qLink=0.002)]


@pytest.mark.parametrize(
    ("cells", "n_patterns"),
    [
        pytest.param([4] * 10, 1, id="same cell"),
        pytest.param([0] * 10, 1, id="next cell, across a corner"),
        pytest.param([0, 0, 0, 8, 0, 0, 0, 0, 0, 0], 1, id="near in both"),
    ],
)
def test_merge_joins_filters_that_peak_within_a_cell(cells: list[int], n_patterns: int) -> None:
    votes = votes_where(FILTERS, WORD, [0] * 10)
    pictures = pictures_of(10, 2, cells={0: [4] * 10, 1: cells})
    assert len(merged(SAME_WORD, votes, pictures)) == n_patterns


@pytest.mark.parametrize(("fourth", "n_patterns"), [(0, 1), (8, 1), (2, 1), (6, 2)])
def test_merge_wants_half_of_the_shared_pictures_to_agree_on_the_place(fourth: int, n_patterns: int) -> None:
    # in picture 2 the second filter peaks at the other end of the map, or next to the first one; in picture 3 as told
    near_in_2 = 8 if fourth == 6 else 1
    cells = [0, 0, near_in_2, fourth, 0, 0, 0, 0, 0, 0]
    votes = votes_where(FILTERS, WORD, [0] * 10)
    pictures = pictures_of(10, 2, cells={0: [0] * 10, 1: cells})
    assert len(merged(SAME_WORD, votes, pictures)) == n_patterns


def test_merge_keeps_filters_apart_that_fire_together_by_chance_only() -> None:
    # 4 and 4 of 8 pictures, 2 of them shared: exactly what chance gives
    votes = votes_where(FILTERS, WORD, [0] * 8)
    assert len(merged(SAME_WORD, votes, pictures_of(8, 2))) == 2


def test_merge_joins_rules_of_the_same_words_with_a_filter_in_common_wherever_it_fires() -> None:
    filters = {0: range(6), 1: [0, 1, 2], 2: [3, 4, 5]}
    votes = votes_where(filters, WORD, [0] * 10)
    rules = [rule([0, 1], [0]), rule([0, 2], [0])]
    assert merged(rules, votes) == [[((0, 1), (0,)), ((0, 2), (0,))]]
    assert len(merged([rule([1], [0]), rule([2], [0])], votes)) == 2


def test_merge_needs_one_near_pair_of_filters() -> None:
    filters = {**FILTERS, 2: [0, 1, 2, 3]}
    votes = votes_where(filters, WORD, [0] * 10)
    rules = [rule([0, 2], [0], qLink=0.001), rule([1], [0], qLink=0.002)]
    pictures = pictures_of(10, 3, cells={0: [8] * 10, 1: [0] * 10, 2: [1] * 10})
    assert len(merged(rules, votes, pictures)) == 1


def test_order_of_rules_is_by_proof_then_association_then_link_then_count_then_items() -> None:
    rules = rules_table(
        rule([9], [0], proven=False, qLink=0.0),
        rule([1], [0], logP=-4.0),
        rule([3], [0], classCount=5),
        rule([2], [0]),
        rule([2], [1]),
        rule([8], [0], qLink=0.001, logP=-1.0),
        rule([7], [0], qLink=0.001),
    )
    assert order_rules(rules) == [6, 2, 3, 4, 1, 5, 0]


def test_jaccard_is_intersection_over_union() -> None:
    assert jaccard(3, 4, 4) == 0.6
    assert jaccard(0, 0, 0) == 0.0
    assert jaccard(0, 0, 5) == 0.0
    assert jaccard(np.array([2, 1]), 2, np.array([2, 3])).tolist() == [1.0, 0.25]


def test_draft_matches_where_the_items_of_one_member_are_all_there() -> None:
    votes = votes_where({0: [0, 1, 2], 1: [1, 2, 3]}, {0: [0, 2], 1: [3]}, [0, 0, -1, 1])
    draft = Draft("A", (Member(0, (0, 1), (0,)), Member(1, (1,), (1,))))
    assert draft.matches(votes).tolist() == [False, False, True, True]
    assert draft.says(votes).tolist() == [True, False, True, True]
    assert (draft.visual, draft.text) == ((0, 1), (0, 1))


def test_pattern_id_depends_on_items_and_event_type_not_on_rows() -> None:
    a = Draft("A", (Member(0, (0,), (1,)),))
    assert a.pattern == Draft("A", (Member(7, (0,), (1,)),)).pattern
    others = [Draft("B", a.members), Draft("A", (Member(0, (1,), (0,)),)), Draft("A", (Member(0, (0,), (1, 2)),))]
    assert len({a.pattern, *(other.pattern for other in others)}) == 4
    assert a.pattern[0] == "P"
    assert len(bytes.fromhex(a.pattern[1:])) == 6
