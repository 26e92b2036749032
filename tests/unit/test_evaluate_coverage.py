from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from kb.evaluate.coverage import discrimination, redundancy, representation
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
    assert redundancy(ROWS, FIRES) == pytest.approx([1 / 3, 1 / 3, 0])
    assert redundancy([], np.zeros((0, 5), bool)) == []


def table() -> pa.Table:
    rows = [
        pattern_row("p0", "A", 1, "rope", grounding=0.2, nEvidence=2),
        pattern_row("p1", "A", 2, "rock", grounding=0.9, nEvidence=1),
    ]
    return pa.Table.from_pylist(rows, schema=PATTERNS)


def test_patterns_are_seen_above_the_score_that_as_many_training_pictures_have_as_are_evidence() -> None:
    detectors = Detectors(
        pooled=np.eye(2, dtype=np.float32),
        scale=Scale(np.zeros(2, np.float32), np.ones(2, np.float32)),
        cells=np.zeros((2, 1), np.float32),
        cell_bias=np.zeros(2, np.float32),
    )
    training = Part(
        [[]] * 4,
        [frozenset()] * 4,
        np.array([[1, 9], [4, 1], [9, 1], [0, 4]], np.float16),
        np.zeros((4, 1), np.float16),
    )
    held_out = Part(
        [[]] * 3, [frozenset()] * 3, np.array([[4, 1], [3, 9], [9, 8]], np.float16), np.zeros((3, 1), np.float16)
    )
    # rock is the better pattern and comes first: above the best of its scores; rope above the second best of its own
    fires = System("ours", table(), detectors, 10).fires(training, held_out)
    assert fires.tolist() == [[False, True, False], [True, False, True]]


def test_patterns_without_detectors_are_seen_where_captions_say_them() -> None:
    text = System("text-only", table(), None, 10)
    assert text.fires(pictures(), pictures()).tolist() == [[False] * 5, [True, False, False, False, True]]
    assert text.first(1).keys == ["rock"]
