from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from kb.evaluate.patterns import METHODS, N_BEST, NameScore, Part, Probes, best_distinct, name_key, words_by_caption
from kb.evaluate.patterns import score_names as score_with
from kb.evaluate.systems import System
from miner.patterns.assemble import PATTERNS
from miner.patterns.detector import Detectors, Scale
from tests.kb_run import pattern_row
from tests.spoken import caption, captions_table

if TYPE_CHECKING:
    from kb.evaluate.retrieval import Float32s

N = 40
SHOWN = range(0, N, 4)


def part(*captions: list[str]) -> Part:
    """Return featureless pictures with captions."""
    words = [[frozenset(text.split()) for text in picture] for picture in captions]
    empty = np.zeros((len(captions), 1), dtype=np.float16)
    return Part(words, [frozenset()] * len(captions), empty, empty)


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=PATTERNS)


@pytest.mark.parametrize(
    ("name", "has"),
    [
        ("tyre", [True, True, True, False, False]),
        ("burning tyre", [True, False, False, False, False]),
        ("burning old tyre", [True, True, False, False, False]),
        ("car", [False, False, True, False, False]),
        ("tyre burning", [True, False, False, False, False]),
    ],
)
def test_part_has_a_name_where_one_caption_has_its_head_and_a_modifier(name: str, has: list[bool]) -> None:
    pictures = part(["burning tyre smoke"], ["old tyre"], ["tyre", "burning car"], ["wall"], [])
    assert pictures.has(name).tolist() == has


def test_words_by_caption_are_forms_and_lemmas() -> None:
    captions = captions_table(
        caption("a", 0, "Tyres/NOUN/tyre"), caption("b", 0, "smoke"), caption("a", 1, "cars//car")
    )
    assert words_by_caption(captions) == {"a": [{"tyres", "tyre"}, {"cars", "car"}], "b": [{"smoke"}]}


def test_best_distinct_names_come_in_the_order_in_which_a_run_ranks_them() -> None:
    rows = [
        pattern_row("p0", "A", 1, "rock", grounding=0.5, confidence=0.5),
        pattern_row("p1", "A", 2, "rocks", nameHead="rock", grounding=0.9, confidence=0.9),
        pattern_row("p2", "B", 1, "rope", grounding=0.4, confidence=0.9),
        pattern_row("p3", "B", 3, "red rope", grounding=0.9, confidence=0.9),
        pattern_row("p4", "B", 2, "car", grounding=0.1, confidence=0.9),
    ]
    # the first of each type, the better one first; rocks are a rock again
    assert best_distinct(table(*rows)) == [2, 0, 4, 3]
    assert best_distinct(table(*rows), 2) == [2, 0]


def half(seed: int, shown: range = SHOWN, said: str = "burning tyres tyre") -> Part:
    """Return one half of a corpus in which feature 0 and item 0 come with the pictures that show and say a thing."""
    rng = np.random.default_rng(seed)
    pooled, maxima = rng.random((N, 4)), rng.random((N, 3))
    pooled[shown, 0] += 4
    maxima[shown, 0] += 4
    words = [[frozenset((said if row in shown else "a street").split())] for row in range(N)]
    return Part(words, [frozenset()] * N, pooled.astype(np.float16), maxima.astype(np.float16))


DETECTORS = Detectors(
    pooled=np.eye(4, dtype=np.float32)[[0, 1]],
    scale=Scale(np.zeros(2, np.float32), np.ones(2, np.float32)),
    cells=np.zeros((2, 1), np.float32),
    cell_bias=np.zeros(2, np.float32),
)
THRESHOLDS = np.full(3, 2, dtype=np.float32)
TYRES = pattern_row(
    "p0", "A", 1, "burning tyres", nameHead="tyre", visualItems=[0, 1], visualWeights=[1.0, 0.5], grounding=0.9
)
WALL = pattern_row("p1", "A", 2, "wall", visualItems=[1], visualWeights=[1.0], grounding=0.1)


def score_names(
    patterns: pa.Table, detectors: Detectors | None, thresholds: Float32s, training: Part, held_out: Part
) -> list[NameScore]:
    return score_with(System("ours", patterns, detectors, N_BEST), thresholds, Probes(training, held_out))


def test_names_of_what_was_planted_are_found_by_every_method() -> None:
    (score,) = score_names(table(TYRES), DETECTORS.select([0]), THRESHOLDS, half(0), half(1))
    assert (score.pattern, score.event_type, score.name, score.n_relevant) == ("p0", "A", "burning tyres", len(SHOWN))
    assert score.values == {"detector": 1, "filter-set": 1, "probe": 1, "base-rate": len(SHOWN) / N}


def test_names_are_ranked_by_the_detector_of_their_own_pattern() -> None:
    swapped = DETECTORS.select([1, 0])
    scores = score_names(table(WALL, TYRES), swapped, THRESHOLDS, half(0), half(1))
    assert {score.pattern: score.values["detector"] for score in scores} == {"p0": 1, "p1": 0}
    (score,) = score_names(table(TYRES), swapped.select([0]), THRESHOLDS, half(0), half(1))
    assert score.values["detector"] < 0.5


@pytest.mark.parametrize(
    ("training", "held_out"),
    [
        pytest.param(half(0), half(1, said="smoke"), id="nobody says it again"),
        pytest.param(half(0, said="smoke"), half(1), id="training does not say it as evaluation reads it"),
    ],
)
def test_names_that_one_side_never_says_count_as_nothing(training: Part, held_out: Part) -> None:
    (score,) = score_names(table(TYRES), DETECTORS.select([0]), THRESHOLDS, training, held_out)
    assert score.values == dict.fromkeys(METHODS, 0)


def test_names_in_over_a_tenth_of_the_captions_of_their_type_count_as_nothing() -> None:
    common = replace(half(1), event_types=[frozenset({"A"})] * N)
    (score,) = score_names(table(TYRES), DETECTORS.select([0]), THRESHOLDS, half(0), common)
    assert score.values == dict.fromkeys(METHODS, 0)
    elsewhere = replace(half(1), event_types=[frozenset({"A" if row not in SHOWN else "B"}) for row in range(N)])
    (score,) = score_names(table(TYRES), DETECTORS.select([0]), THRESHOLDS, half(0), elsewhere)
    assert score.values["detector"] == 1


def test_names_say_whether_they_have_a_trigger_word() -> None:
    told = table({**TYRES, "nameFlags": ["trigger"]}, WALL)
    assert {score.name: score.has_trigger for score in score_names(told, DETECTORS, THRESHOLDS, half(0), half(1))} == {
        "burning tyres": True,
        "wall": False,
    }


def test_names_in_every_training_picture_are_scored() -> None:
    everywhere = replace(half(0), words=[[frozenset({"burning", "tyre"})]] * N)
    (score,) = score_names(table(TYRES), DETECTORS.select([0]), THRESHOLDS, everywhere, half(1))
    assert score.values["detector"] == 1


def test_names_without_detectors_have_a_probe_and_a_base_rate() -> None:
    (score,) = score_names(table(TYRES), None, THRESHOLDS, half(0), half(1))
    assert score.values == {"probe": 1, "base-rate": len(SHOWN) / N}


def test_as_many_names_are_scored_as_are_asked_for() -> None:
    probes = Probes(half(0), half(1))
    system = System("ours", table(WALL, TYRES), DETECTORS, N_BEST)
    assert len(score_with(system.first(1), THRESHOLDS, probes)) == 1
    assert len(score_with(system, THRESHOLDS, probes)) == 2


def test_names_as_published_are_those_of_the_first_patterns_and_ranked_by_their_best_cell() -> None:
    again = {**TYRES, "pattern": "p2", "rank": 2, "grounding": 0.8}
    shown = np.zeros((N, 4, 1), np.float16)
    shown[SHOWN, 2] = 9
    published = System("mdpm", table(TYRES, WALL, again), DETECTORS.select([0, 1, 0]), 2, as_published=True)
    # two patterns are called burning tyres: as published they are both of two, and what is called wall comes too late
    assert published.keys == ["burning tyre"]
    assert replace(published, as_published=False).keys == ["burning tyre", "wall"]
    detectors = replace(published.detectors, cells=np.ones((3, 1), np.float32), cell_bias=np.zeros(3, np.float32))  # type: ignore[type-var]
    held_out = replace(half(1), pooled=np.zeros_like(half(1).pooled), projected=shown)
    (score,) = score_with(replace(published, detectors=detectors), THRESHOLDS, Probes(half(0), held_out))
    assert score.values["detector"] == 1


def test_name_key_has_the_lemma_of_the_head() -> None:
    assert name_key(TYRES) == "burning tyre"


def test_part_knows_its_event_types() -> None:
    pictures = replace(half(0), event_types=[frozenset({"B", "A"}), frozenset({"A"}), *[frozenset[str]()] * (N - 2)])
    assert pictures.types == ["A", "B"]
    assert np.flatnonzero(pictures.labelled).tolist() == [0, 1]
    assert np.flatnonzero(pictures.of_type("B")).tolist() == [0]
