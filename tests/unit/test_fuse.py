from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kb.extract.evoked import Evoked, SeenPattern
from kb.extract.fuse import combine, fuse
from kb.extract.likeness import Likeness
from kb.extract.mention import Argument, Mention, Picture, TextSpan

PRIORS = {"Fire": 0.5, "Flood": 0.1}


def said(
    word: str, event_type: str = "Fire", document: str = "d", score: float = 0.6, patterns: tuple[str, ...] = ()
) -> Mention:
    arguments = (
        Argument("Place", 0.5, span=TextSpan(9, 14, "Paris")),
        Argument("Target", 0.4, span=TextSpan(0, 1, "a")),
    )
    trigger = TextSpan(2, 2 + len(word), word)
    return Mention(f"{document}-{word}", document, event_type, score, trigger, None, arguments, patterns)


def shown(
    path: str, event_type: str = "Fire", document: str = "d", score: float = 0.6, patterns: tuple[str, ...] = ()
) -> Mention:
    arguments = (
        Argument("Target", 0.7, box=(0, 0, 5, 5), patterns=("p1",)),
        Argument("Instrument", 0.2, box=(1, 1, 2, 2)),
    )
    return Mention(path, document, event_type, score, None, Picture(path), arguments, patterns)


def test_fused_mention_has_words_and_picture() -> None:
    (mention,) = fuse([said("burn", patterns=("p2",))], [shown("a.jpg", patterns=("p1",))], PRIORS)
    row = mention.as_json()
    assert row["trigger"]["text"] == "burn"
    assert row["image"] == {"path": "a.jpg", "box": None, "record": "a.jpg"}
    assert row["patterns"] == ["p2", "p1"]
    arguments = {argument["role"]: argument for argument in row["arguments"]}
    assert (arguments["Target"]["text"], arguments["Target"]["box"], arguments["Target"]["score"]) == (
        "a",
        [0, 0, 5, 5],
        0.7,
    )
    assert "box" not in arguments["Place"]
    assert "text" not in arguments["Instrument"]


def test_fused_mention_names_the_record_of_a_picture_that_is_not_its_own() -> None:
    own = replace(shown("a.jpg"), record="d-burn")
    (mention,) = fuse([said("burn")], [own], PRIORS)
    assert mention.image == Picture("a.jpg")
    (mention,) = fuse([said("burn")], [shown("a.jpg")], PRIORS)
    assert (mention.record, mention.image) == ("d-burn", Picture("a.jpg", record="a.jpg"))


def test_fused_score_is_higher_than_either_by_itself() -> None:
    """By hand, with an even prior: odds 1.5 * 1.5 = 2.25 of 3.25."""
    (mention,) = fuse([said("burn")], [shown("a.jpg")], PRIORS)
    assert mention.score == pytest.approx(2.25 / 3.25)


def test_combined_evidence_counts_the_prior_once() -> None:
    """By hand: a picture that says no more than the prior changes nothing; one that says less speaks against."""
    assert combine(0.6, 0.1, 0.1) == pytest.approx(0.6)
    assert combine(0.6, 0.05, 0.1) < 0.6
    assert 0 < combine(1.0, 0.0, 0.5) < 1


def test_fuse_keeps_other_types_and_other_documents_apart() -> None:
    texts = [said("burn"), said("flood", "Flood", "e")]
    images = [shown("a.jpg", "Flood"), shown("b.jpg", document="e")]
    assert fuse(texts, images, PRIORS) == [*texts, *images]


def test_fuse_takes_each_mention_once_and_the_surest_pair_first() -> None:
    texts = [said("burn", score=0.5), said("fire", score=0.9)]
    first, second = fuse(texts, [shown("weak.jpg", score=0.4)], PRIORS)
    assert first.image is None
    assert second.image == Picture("weak.jpg", record="weak.jpg")


def test_fuse_prefers_the_picture_that_the_same_patterns_argue_for() -> None:
    images = [shown("other.jpg", score=0.6), shown("alike.jpg", score=0.6, patterns=("p9",))]
    fused = fuse([said("burn", patterns=("p9",))], images, PRIORS)
    assert [mention.image for mention in fused] == [Picture("alike.jpg", record="alike.jpg"), Picture("other.jpg")]


def test_fuse_prefers_the_picture_whose_patterns_are_near_to_the_words_of_the_sentence() -> None:
    """By hand: `flames` is `fire` turned by 60 degrees, `ladder` stands upright on both."""
    vectors = np.array([[1, 0, 0], [0.5, 0.75**0.5, 0], [0, 0, 1]], dtype=np.float32)
    patterns = [SeenPattern(name, "Fire", 0.9, (name,), (), (), None) for name in ("ladder", "flames")]
    likeness = Likeness(Evoked(patterns, ["fire", "flames", "ladder"], vectors))
    text = replace(said("burn"), sentence=TextSpan(0, 16, "The FIRE burned."))
    ladder, flames = (shown(f"{name}.jpg", patterns=(name,)) for name in ("ladder", "flames"))
    assert likeness(text, ladder) == 0.0
    assert likeness(text, flames) == pytest.approx(0.5)
    assert likeness(said("burn"), flames) == likeness(text, shown("none.jpg")) == 0.0
    first = fuse([text], [ladder, flames], PRIORS, likeness)[0]
    assert first.image == Picture("flames.jpg", record="flames.jpg")
