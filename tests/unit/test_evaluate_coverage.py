from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from kb.evaluate.coverage import (
    discrimination,
    distinct_heads,
    of_one_photograph,
    redundancy,
    representation,
    silent,
)
from kb.evaluate.patterns import Part
from kb.evaluate.systems import System
from miner.patterns.assemble import PATTERNS
from miner.patterns.detector import Detectors, Scale
from tests.kb_run import pattern_row

if TYPE_CHECKING:
    from kb.evaluate.retrieval import Bools

ROWS = [pattern_row("p0", "A", 1, "rope"), pattern_row("p1", "A", 2, "rock"), pattern_row("p2", "B", 1, "car")]


def pictures() -> Part:
    """Two pictures of type A, one of B and A, one of C, one of none."""
    types = [frozenset({"A"}), frozenset({"A"}), frozenset({"A", "B"}), frozenset({"C"}), frozenset[str]()]
    words = [[frozenset({"rope"})], [], [], [], [frozenset({"rope"})]]
    return Part(words, types, np.zeros((5, 1), np.float16), np.zeros((5, 1), np.float16))


def seen(*rows: list[int]) -> Bools:
    return np.array(rows, dtype=bool)


FIRES = seen([1, 0, 0, 1, 1], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0])


def test_discrimination_is_the_share_of_labelled_pictures_of_the_type() -> None:
    assert discrimination(ROWS, FIRES, pictures()) == [0.5, 1.0, 0.0]


def test_representation_is_the_share_of_the_pictures_of_each_type_that_some_pattern_of_it_covers() -> None:
    assert representation(ROWS, FIRES, pictures()) == pytest.approx([1 / 3, 0, 0])
    assert representation([], np.zeros((0, 5), bool), pictures()) == [0, 0, 0]


def test_redundancy_is_the_overlap_with_the_nearest_pattern_of_the_type() -> None:
    alone = FIRES | seen([0] * 5, [0] * 5, [0, 0, 0, 1, 0])
    assert redundancy(ROWS, alone) == pytest.approx([1 / 3, 1 / 3, 0])
    assert redundancy([], np.zeros((0, 5), bool)) == []


def test_patterns_that_are_seen_nowhere_are_counted_and_make_no_method_look_less_redundant() -> None:
    assert redundancy(ROWS, FIRES) == pytest.approx([1 / 3, 1 / 3])
    assert silent(FIRES) == [0, 0, 1]
    assert silent(np.zeros((0, 5), bool)) == []


def test_top_ten_of_a_type_are_as_distinct_as_the_nouns_they_are_called_by() -> None:
    rows = [pattern_row(f"p{rank}", "A", rank, "dog" if rank < 5 else f"thing{rank}") for rank in range(1, 12)]
    rows += [pattern_row("q1", "B", 1, "red rope"), pattern_row("q2", "B", 2, "ropes", nameHead="rope")]
    # of type A four dogs are one noun and six things are six; the eleventh pattern is not looked at
    assert distinct_heads(rows) == pytest.approx([0.7, 0.5])
    assert distinct_heads([]) == []


def test_top_ten_of_one_photo_group_are_counted() -> None:
    rows = [
        pattern_row("p0", "A", 1, "rope", nPhotoGroups=1),
        pattern_row("p1", "A", 10, "rock", nPhotoGroups=2),
        pattern_row("p2", "A", 11, "man", nPhotoGroups=1),
    ]
    assert of_one_photograph(rows) == [1, 0]


def table() -> pa.Table:
    rows = [
        pattern_row("p0", "A", 1, "rope", grounding=0.2, nEvidence=2),
        pattern_row("p1", "A", 2, "rock", grounding=0.9, nEvidence=1),
    ]
    return pa.Table.from_pylist(rows, schema=PATTERNS)


def test_patterns_are_seen_in_the_best_held_out_pictures_as_large_a_share_as_evidence_is_of_training() -> None:
    detectors = Detectors(
        pooled=np.eye(2, dtype=np.float32),
        scale=Scale(np.zeros(2, np.float32), np.ones(2, np.float32)),
        cells=np.zeros((2, 1), np.float32),
        cell_bias=np.zeros(2, np.float32),
    )
    # what detectors were fitted on they score too high: no held-out picture comes near
    training = Part([[]] * 4, [frozenset()] * 4, np.full((4, 2), 99, np.float16), np.zeros((4, 1), np.float16))
    held_out = Part(
        [[]] * 3, [frozenset()] * 3, np.array([[4, 1], [3, 9], [9, 8]], np.float16), np.zeros((3, 1), np.float16)
    )
    # rope has 2 pieces of evidence in 4 pictures, so 2 (1.5 rounded) of 3 held-out ones; rock has 1 in 4, so 1 of 3
    fires = System("ours", table(), detectors, 10).fires(training, held_out)
    assert fires.tolist() == [[True, False, True], [False, True, False]]


def test_patterns_without_detectors_are_seen_where_captions_say_them() -> None:
    text = System("text-only", table(), None, 10)
    assert text.fires(pictures(), pictures()).tolist() == [[True, False, False, False, True], [False] * 5]
    assert text.first(1).keys == ["rope"]


def test_names_with_a_trigger_word_are_left_out_where_asked() -> None:
    rows = [pattern_row("p0", "A", 1, "climber", nameFlags=["trigger"]), pattern_row("p1", "A", 2, "rope")]
    system = System("visual-only", pa.Table.from_pylist(rows, schema=PATTERNS), None, 1)
    assert system.keys == ["climber"]
    # of the patterns that are compared: none moves up to take the place of one that is left out
    assert system.without_triggers().keys == []
    assert System("visual-only", system.patterns, None, 2).without_triggers().keys == ["rope"]
