from __future__ import annotations

from dataclasses import replace

import numpy as np

from miner.patterns.pictures import Votes
from miner.run.votes import Ballot, cast_votes, cut_regions
from miner.visual.filters import Fired

# Rows 0 and 2 are copies of one photograph; row 3 has no event type, row 1 has two.
BALLOT = Ballot(
    records=["a", "b", "c", "d", "e"],
    groups=np.array([0, 1, 0, 3, 0], np.int64),
    event_types=[["Meet"], ["Attack", "Meet"], ["Attack"], [], []],
    text_items=[[1, 4], [2], [0, 4], [3], [5]],
    fired=Fired(np.array([0, 2, 3, 4, 4, 5], np.int64), np.array([1, 7, 2, 5, 6], np.int32)),
    voting=[True] * 5,
)


def test_votes_are_photo_groups_times_event_types() -> None:
    votes = cast_votes(BALLOT, n_visual=8, n_text=6)
    rows = votes.to_table().select(["record", "eventType", "visual", "text", "group"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("a", "Attack", [1, 7], [0, 4], 0),
        ("a", "Meet", [1, 7], [1, 4], 0),
        ("b", "Attack", [2], [2], 1),
        ("b", "Meet", [2], [2], 1),
        ("d", None, [], [3], 3),
    ]
    assert votes.n_labelled == 4


def test_votes_of_copies_count_once_however_many_there_are() -> None:
    ballot = Ballot(
        records=["a", "b", "c"],
        groups=np.zeros(3, np.int64),
        event_types=[["Meet"]] * 3,
        text_items=[[0], [1], [0]],
        fired=Fired(np.array([0, 1, 2, 3], np.int64), np.array([3, 4, 5], np.int32)),
        voting=[True] * 3,
    )
    votes = cast_votes(ballot, n_visual=6, n_text=2)
    assert len(votes) == 1
    assert votes.visual_indices.tolist() == [3]
    assert votes.text_indices.tolist() == [0, 1]


def test_votes_of_held_out_records_are_not_cast() -> None:
    votes = cast_votes(replace(BALLOT, voting=[False, True, False, True, False]), n_visual=8, n_text=6)
    assert votes.records == ("b", "b", "d")


def regions_of(cells: list[int], grid: int = 5) -> list[list[int]]:
    """One vote of as many visual items as there are cells."""
    n = len(cells)
    ballot = Ballot(
        records=["a"],
        groups=np.zeros(1, np.int64),
        event_types=[["Meet"]],
        text_items=[[0]],
        fired=Fired(np.array([0, n], np.int64), np.arange(n, dtype=np.int32)),
        voting=[True],
    )
    votes = cast_votes(ballot, n_visual=max(n, 1), n_text=1)
    cut = cut_regions(votes, np.array([cells], np.uint8).reshape(1, n), grid)
    assert cut.groups.tolist() == [0] * len(cut)
    assert set(cut.to_table()["text"].to_pylist()[0]) == {0}
    return sorted(cut.to_table()["visual"].to_pylist())


def test_regions_join_items_whose_cells_are_at_most_two_apart() -> None:
    """5 x 5 cells: items in opposite corners never fire together, the one in the middle does with each of them."""
    assert regions_of([0, 12, 24]) == [[0, 1], [1, 2]]
    assert regions_of([0, 2, 10, 12]) == [[0, 1, 2, 3]]
    assert regions_of([0, 3]) == [[0], [1]]


def test_regions_of_a_vote_without_visual_items_are_one_and_small_maps_are_one_region() -> None:
    assert regions_of([]) == [[]]
    assert regions_of([0, 3], grid=2) == [[0, 1]]


def test_regions_keep_every_vote_with_its_own_cells() -> None:
    """Votes of one photo group share its cells; those of another have their own."""
    votes = cast_votes(BALLOT, n_visual=8, n_text=6)
    cells = np.zeros((5, 8), np.uint8)
    cells[0, 7] = 48
    cut = cut_regions(votes, cells, 7)
    rows = cut.to_table().select(["eventType", "visual", "text", "group"]).to_pylist()
    assert sorted(tuple(map(str, row.values())) for row in rows) == [
        ("Attack", "[1]", "[0, 4]", "0"),
        ("Attack", "[2]", "[2]", "1"),
        ("Attack", "[7]", "[0, 4]", "0"),
        ("Meet", "[1]", "[1, 4]", "0"),
        ("Meet", "[2]", "[2]", "1"),
        ("Meet", "[7]", "[1, 4]", "0"),
        ("None", "[]", "[3]", "3"),
    ]
    matched = Votes(votes, np.zeros(5, np.int64), cut)
    assert matched.fires_all([1, 7]).tolist() == [False] * 5
    assert matched.fires_all([7]).tolist() == [True, True, False, False, False]
    assert matched.fires_all([]).all()
    assert Votes(votes, np.zeros(5, np.int64)).fires_all([1, 7]).tolist() == [True, True, False, False, False]
