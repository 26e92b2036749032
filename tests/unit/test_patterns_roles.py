from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kb.ontology import EventType, Role
from miner.patterns.naming import caption_rows
from miner.patterns.roles import RoleScore, assigned, rank_roles, said_at
from tests.spoken import caption, captions_table

if TYPE_CHECKING:
    from miner.patterns.naming import CaptionRow


def parsed(*words: tuple[str, str, int]) -> CaptionRow:
    """Return a caption of (word, relation, head)."""
    row = caption("a", 0, " ".join(word for word, _, _ in words))
    row |= {"deps": [relation for _, relation, _ in words], "heads": [head for _, _, head in words]}
    return next(caption_rows(captions_table(row)))


RIDES = parsed(
    ("man", "nsubj", 1), ("rides", "ROOT", 1), ("horse", "dobj", 1), ("in", "prep", 1), ("field", "pobj", 3),
    ("with", "prep", 1), ("rope", "pobj", 5), ("of", "prep", 6), ("hemp", "pobj", 7),
)  # fmt: skip
PULLED = parsed(
    ("sled", "ROOT", 0), ("pulled", "acl", 0), ("by", "agent", 1), ("dog", "pobj", 2), ("and", "cc", 3), ("horse", "conj", 3),
    ("by", "prep", 1), ("lake", "pobj", 6),
)  # fmt: skip
TRUCK = parsed(("sees", "ROOT", 0), ("fire", "compound", 2), ("truck", "dobj", 0), ("bus", "appos", 2))
CIRCLE = parsed(("cat", "conj", 1), ("dog", "conj", 0))

RIDING = EventType(
    id="Ride",
    label="Riding",
    roles=(
        Role(name="Rider", fillers=("PERSON", "person")),
        Role(name="Gear", fillers=("object",)),
        Role(name="Place", fillers=("place",)),
    ),
)


@pytest.mark.parametrize(
    ("noun", "row", "position"),
    [
        ("man", RIDES, "subject"),
        ("horse", RIDES, "object"),
        ("field", RIDES, "place"),
        ("rope", RIDES, "with"),
        ("hemp", RIDES, "other"),
        ("sled", PULLED, "subject"),
        ("dog", PULLED, "subject"),
        ("horse", PULLED, "subject"),
        ("lake", PULLED, "place"),
        ("fire", TRUCK, "object"),
        ("bus", TRUCK, "object"),
        ("cat", CIRCLE, "other"),
    ],
)
def test_positions_are_those_of_the_parse(noun: str, row: CaptionRow, position: str) -> None:
    assert said_at(noun, [row]) == {position: [row["text"]]}


def test_positions_add_over_captions_and_of_a_noun_nobody_says_are_none() -> None:
    rides, pulled = RIDES["text"], PULLED["text"]
    assert said_at("horse", [RIDES, PULLED, RIDES]) == {"object": [rides, rides], "subject": [pulled]}
    assert not said_at("zebra", [RIDES])


def test_roles_of_a_subject_that_is_a_person() -> None:
    # what it denotes (1, 0.05, 0.05) times where it stands (0.1 + 1, 0.1, 0.1); filling none weighs 0.1
    found = rank_roles("man", [RIDES], RIDING)
    assert [item.role for item in found] == ["Rider", "Gear", "Place"]
    assert [item.score for item in found] == pytest.approx([1.1 / 1.21, 0.005 / 1.21, 0.005 / 1.21])
    assert assigned(found) == "Rider"


def test_roles_of_what_is_held_and_of_where_it_happens() -> None:
    assert assigned(rank_roles("rope", [RIDES], RIDING)) == "Gear"
    assert assigned(rank_roles("field", [RIDES], RIDING)) == "Place"


def test_roles_of_an_unknown_noun_follow_where_it_stands() -> None:
    row = parsed(("zorb", "pobj", 1), ("near", "prep", 1))
    found = rank_roles("zorb", [row], RIDING)
    assert found[0].role == "Place"
    # 0.4 for an unknown noun, times 1.1 for where it stands; 0.04 for each of the others, 0.1 for none
    assert found[0].score == pytest.approx(0.44 / 0.62)


@pytest.mark.parametrize("noun", ["man", "rope", "zorb", "field", "dog"])
@pytest.mark.parametrize("captions", [[], [RIDES], [RIDES, PULLED, TRUCK]])
def test_roles_are_a_distribution_largest_first(noun: str, captions: list[CaptionRow]) -> None:
    scores = [item.score for item in rank_roles(noun, captions, RIDING)]
    assert 0 < sum(scores) < 1
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0


def test_roles_of_an_event_type_without_roles_are_none() -> None:
    found = rank_roles("man", [RIDES], EventType(id="Ride", label="Riding"))
    assert found == []
    assert assigned(found) is None


def test_no_role_is_assigned_where_none_stands_out() -> None:
    assert assigned(rank_roles("zorb", [], RIDING)) is None
    assert assigned([RoleScore("a", 0.29), RoleScore("b", 0.28)]) is None
    assert assigned([RoleScore("a", 0.3), RoleScore("b", 0.28)]) == "a"
    assert assigned([RoleScore("only", 1.0)]) == "only"


ONLY = EventType(id="Storm", label="Storm", roles=(Role(name="Damage", fillers=("object",)),))


def test_the_only_role_is_not_assigned_to_what_does_not_fit_it() -> None:
    assert assigned(rank_roles("man", [RIDES], ONLY)) is None
    assert assigned(rank_roles("zorb", [], ONLY)) is None
    assert assigned(rank_roles("rope", [RIDES], ONLY)) == "Damage"


def test_roles_come_with_the_captions_that_argue_for_them() -> None:
    scores = {item.role: item.captions for item in rank_roles("horse", [RIDES, PULLED, RIDES], RIDING)}
    assert scores["Rider"] == (PULLED["text"],)
    assert scores["Gear"] == (RIDES["text"],)
    assert scores["Place"] == ()
