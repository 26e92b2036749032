from __future__ import annotations

from dataclasses import replace

import numpy as np

from miner.run.votes import Ballot, cast_votes
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
