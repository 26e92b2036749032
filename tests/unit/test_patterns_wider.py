from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from miner.patterns.naming import Name, find_phrases
from miner.patterns.wider import join_synonyms, widen
from tests.spoken import caption, captions_table, unmasked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.patterns.naming import Phrases
    from miner.patterns.pictures import Float32s


def name(text: str, score: float = 1.0) -> Name:
    return Name(text, text.rsplit(maxsplit=1)[-1], score, is_trigger=False)


MEANINGS = {"sofa": (1.0, 0.0), "couch": (0.9, 0.4359), "dog": (0.0, 1.0), "puppy": (0.6, 0.8)}


def encode(phrases: Sequence[str]) -> Float32s:
    return np.array([MEANINGS[phrase] for phrase in phrases], dtype=np.float32)


def joined(*names: Name) -> list[str]:
    return [item.text for item in join_synonyms(names, encode)]


def test_names_of_one_meaning_are_one_name() -> None:
    assert joined(name("sofa", 5), name("couch", 4), name("dog", 1)) == ["sofa", "dog"]
    assert joined(name("couch", 5), name("sofa", 4)) == ["couch"]


def test_ties_go_to_the_name_that_is_closest_to_all() -> None:
    assert joined(name("sofa", 2.1), name("puppy", 2.0))[0] == "sofa"
    assert joined(name("sofa", 0.1), name("puppy", 0.05), name("dog", 3.0))[0] == "puppy"
    assert joined(name("sofa", 1.0), name("puppy", 0.05), name("dog", 3.0))[0] == "sofa"


def test_a_single_name_needs_no_encoder() -> None:
    assert joined(name("anything")) == ["anything"]
    assert joined() == []


def phrases_of(*said: str) -> Phrases:
    rows = []
    for place, text in enumerate(said):
        for index, word in enumerate(text.split()):
            rows.append(caption(str(place), index, word, chunkStarts=[0], chunkEnds=[1]))
    table = captions_table(*rows)
    return find_phrases(table, unmasked(table), {str(place): place for place in range(len(said))}, len(said))


ANIMALS = phrases_of("dog", "dog", "cat", "cat", "horse", "horse", "wall", "wall")


def widened(first: str, evidence: Sequence[int]) -> list[str]:
    return [item.text for item in widen([name(first)], ANIMALS, np.array(evidence, dtype=np.int64))]


@pytest.mark.parametrize(
    ("first", "evidence", "names"),
    [
        pytest.param("dog", range(6), ["dog", "animal"], id="a third are dogs, all are animals"),
        pytest.param("dog", range(3), ["dog"], id="most are dogs"),
        pytest.param("dog", [0, 1, 2, 3, 4, 6, 7], ["dog", "animal"], id="five of seven are animals"),
        pytest.param("dog", [0, 2, 6, 7, 6, 7, 6, 7], ["dog"], id="few are animals"),
        pytest.param("wall", range(8), ["wall"], id="places have no wider word"),
        pytest.param("animal", range(6), ["animal"], id="it is wide already"),
        pytest.param("zorb", range(6), ["zorb"], id="nobody knows what it is"),
        pytest.param("dog", [], ["dog"], id="nothing to be named"),
    ],
)
def test_a_wider_word_is_offered_for_a_name_said_of_few_pictures(
    first: str, evidence: Sequence[int], names: list[str]
) -> None:
    assert widened(first, evidence) == names


def test_nothing_is_wider_than_no_name() -> None:
    assert widen([], ANIMALS, np.arange(3)) == []
