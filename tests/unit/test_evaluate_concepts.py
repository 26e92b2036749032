from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from kb.evaluate.concepts import Counted, count_concepts, count_seen_concepts, merge_names, q_values
from kb.evaluate.patterns import Part
from kb.evaluate.systems import System
from miner.patterns.assemble import PATTERNS
from miner.patterns.detector import Detectors, Scale
from tests.kb_run import pattern_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kb.evaluate.retrieval import Float32s


def unit(*values: float) -> Float32s:
    vector = np.array(values, dtype=np.float32)
    return np.asarray(vector / np.linalg.norm(vector))


VECTORS = {"dog": unit(1, 0), "puppy": unit(1, 0.2), "rope": unit(0, 1), "red": unit(0.2, 1)}


def test_names_with_near_vectors_are_one_concept_and_the_better_stands_for_it() -> None:
    assert merge_names(["rope", "puppy", "dog", "red rope", "unheard", "of", "dog"], VECTORS) == [0, 1, 1, 0, 4, 5, 1]


def test_names_do_not_chain_through_one_that_was_merged() -> None:
    vectors = {"a": unit(1, 0), "b": unit(1, 0.7), "c": unit(0.5, 1)}
    assert float(vectors["b"] @ vectors["c"]) > 0.8
    assert merge_names(["a", "b", "c"], vectors) == [0, 0, 2]


def test_q_values_by_hand() -> None:
    # 0.01 * 4 / 1, 0.02 * 4 / 2, 0.03 * 4 / 3 and 0.5 * 4 / 4; the least of what follows
    assert q_values([0.03, 0.5, 0.01, 0.02]).tolist() == pytest.approx([0.04, 0.5, 0.04, 0.04])


def test_counted_lift_and_p_value_by_hand() -> None:
    counted = Counted(n_both=3, n_name=3, n_other=5, n_all=20)
    assert counted.lift == 4.0
    assert counted.p_value == pytest.approx((5 * 4 * 3) / (20 * 19 * 18))
    assert Counted(0, 0, 5, 20).lift == 0.0


N = 60
OWN = range(12)


def held_out() -> Part:
    """Twelve of sixty pictures are of type A; eight of them say rope, and everything else is said of all."""
    words = [[frozenset({"rope", "man"} if row < 8 else {"man"})] for row in range(N)]
    types = [frozenset({"A"} if row in OWN else {"B"}) for row in range(N)]
    pooled = np.zeros((N, 2), np.float16)
    pooled[:8, 0] = 4
    return Part(words, types, pooled, np.zeros((N, 1), np.float16))


def system(names: Sequence[str], detectors: Detectors | None = None) -> System:
    rows = [
        pattern_row(f"p{place}", "A", place + 1, name, grounding=1 - 0.1 * place, nEvidence=8)
        for place, name in enumerate(names)
    ]
    return System("ours", pa.Table.from_pylist(rows, schema=PATTERNS), detectors, 10)


def test_concepts_are_names_that_belong_to_their_event_type_and_count_once() -> None:
    assert count_concepts(system(["rope", "man", "red rope", "nobody says this"]), held_out(), VECTORS) == [
        True,
        False,
        False,
    ]
    assert count_concepts(system([]), held_out(), VECTORS) == []


def test_concepts_of_unlabelled_pictures_are_not_counted() -> None:
    unlabelled = replace(held_out(), event_types=[frozenset()] * N)
    assert count_concepts(system(["rope"]), unlabelled, VECTORS) == [False]


def test_concepts_are_seen_where_the_detector_fires_and_captions_agree() -> None:
    detectors = Detectors(
        pooled=np.eye(2, dtype=np.float32),
        scale=Scale(np.zeros(2, np.float32), np.ones(2, np.float32)),
        cells=np.zeros((2, 1), np.float32),
        cell_bias=np.zeros(2, np.float32),
    )
    # the second detector is flat: it fires everywhere, and what is said everywhere is no news
    found = count_seen_concepts(system(["rope", "man"], detectors), held_out(), held_out(), VECTORS)
    assert found == [True, False]
