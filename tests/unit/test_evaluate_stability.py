from __future__ import annotations

import numpy as np

from kb.evaluate.stability import matched_share, same_names, same_sights


def test_patterns_are_matched_one_to_one_and_as_many_as_possible() -> None:
    # the greedy choice of the first for the first would leave the second of the rows alone
    same = np.array([[1, 1], [1, 0], [0, 0]], dtype=bool)
    assert sorted(matched_share(same)) == [0, 1, 1, 1, 1]


def test_halves_of_which_one_has_no_patterns_match_nothing() -> None:
    assert matched_share(np.zeros((2, 0), dtype=bool)) == [0, 0]
    assert matched_share(np.zeros((0, 0), dtype=bool)) == []


def test_same_names_are_of_one_event_type() -> None:
    found = same_names([("A", "rope"), ("B", "rope")], [("A", "rope"), ("A", "rock")])
    assert found.tolist() == [[True, False], [False, False]]


def test_same_sights_rank_pictures_alike_within_an_event_type() -> None:
    rising = np.arange(10, dtype=np.float32)[:, None]
    both = np.concatenate([rising, -rising], axis=1)
    found = same_sights(rising * 3 + 1, ["A"], np.concatenate([both, rising], axis=1), ["A", "A", "B"])
    assert found.tolist() == [[True, False, False]]
    assert same_sights(np.zeros((10, 0), np.float32), [], both, ["A", "A"]).shape == (0, 2)
