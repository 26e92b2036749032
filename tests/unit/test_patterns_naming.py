from __future__ import annotations

from math import log, sqrt
from typing import Any

import numpy as np
import pytest

from miner.patterns.naming import Name, Phrases, caption_rows, find_phrases, log_odds_z, rank_names, sees
from miner.text.captions import CaptionOptions, parse_captions
from tests.spoken import caption, captions_table, unmasked


def np_caption(record: str, words: str, index: int = 0, **columns: list[Any]) -> dict[str, Any]:
    """Return a caption that is one noun phrase."""
    return caption(record, index, words, **{"chunkStarts": [0], "chunkEnds": [len(words.split())], **columns})


def phrases_of(
    *rows: dict[str, Any], masks: list[list[bool]] | None = None, copies: dict[str, int] | None = None
) -> Phrases:
    """Find phrases in captions; each record has a picture of its own, in order of appearance, unless told otherwise."""
    table = captions_table(*rows)
    records = list(dict.fromkeys(table["record"].to_pylist()))
    picture_of = copies or {record: place for place, record in enumerate(records)}
    return find_phrases(table, masks or unmasked(table), picture_of, max(picture_of.values()) + 1)


def test_phrases_are_heads_with_up_to_two_modifiers() -> None:
    words = "a/DET very/ADV big/ADJ burning/VERB oil/NOUN trucks/NOUN/truck"
    found = phrases_of(np_caption("a", words), np_caption("b", words))
    assert found.keys == (("burning", "oil", "truck"), ("oil", "truck"), ("truck",))
    assert found.labels == ("burning oil trucks", "oil trucks", "trucks")


def test_phrases_are_written_as_most_captions_write_them() -> None:
    rows = [np_caption(str(place), word) for place, word in enumerate(["trucks/NOUN/truck", "truck", "truck"])]
    assert phrases_of(*rows).labels == ("truck",)


def test_phrases_end_at_determiners_and_what_is_no_word() -> None:
    found = phrases_of(*(np_caption(record, "red/ADJ n°5/NOUN the/DET bus") for record in "ab"))
    assert found.keys == (("bus",),)
    assert phrases_of(*(np_caption(record, "bus 54b") for record in "ab")).keys == ()


def test_phrases_name_no_persons() -> None:
    entities = ["PERSON", "PERSON", "", ""]
    rows = [np_caption(record, "lionel/PROPN messi/PROPN 's/PART jersey", entities=entities) for record in "ab"]
    assert phrases_of(*rows).keys == (("jersey",),)
    only = [np_caption(record, "Angela/PROPN Merkel/PROPN", entities=["PERSON"] * 2) for record in "ab"]
    assert phrases_of(*only).keys == ()
    mistagged = [np_caption(record, "surfer slater", entities=["", "PERSON"]) for record in "ab"]
    assert phrases_of(*mistagged).keys == ()


def test_phrases_name_persons_where_they_are_asked_for() -> None:
    entities = ["PERSON", "PERSON", "", ""]
    rows = [np_caption(record, "lionel/PROPN messi/PROPN 's/PART jersey", entities=entities) for record in "ab"]
    rows += [np_caption(record, "Angela/PROPN Merkel/PROPN", entities=["PERSON"] * 2) for record in "cd"]
    table = captions_table(*rows)
    found = find_phrases(table, unmasked(table), {record: place for place, record in enumerate("abcd")}, 4, people=True)
    assert set(found.keys) == {("jersey",), ("merkel",), ("angela", "merkel")}


def test_phrases_are_single_words_where_captions_have_no_parts_of_speech() -> None:
    blank = CaptionOptions("blank:de")
    captions = parse_captions(
        ["a", "b"], [["Die Polizei löscht einen Reifen ."], ["Der Reifen und die Polizei ."]], blank
    )
    places = {"a": 0, "b": 1}
    found = find_phrases(captions, unmasked(captions), places, 2, words={"reifen", "polizei", "löscht"})
    assert found.keys == (("polizei",), ("reifen",))
    assert found.labels == ("polizei", "reifen")
    assert find_phrases(captions, unmasked(captions), places, 2).keys == ()


def test_phrases_need_two_pictures_and_count_captions() -> None:
    rows = [
        np_caption("a", "rope", 0),
        np_caption("a", "rope", 1),
        np_caption("copy", "rock"),
        np_caption("b", "rope"),
        np_caption("elsewhere", "rock"),
    ]
    found = phrases_of(*rows, copies={"a": 0, "copy": 0, "b": 1})
    assert found.keys == (("rope",),)
    assert found.counts.toarray().tolist() == [[2], [1]]
    assert found.n_captions.tolist() == [3, 1]


def test_phrases_with_a_trigger_word_are_flagged() -> None:
    rows = [np_caption(record, "protest sign") for record in "ab"]
    found = phrases_of(*rows, masks=[[True, False]] * 2)
    assert dict(zip(found.keys, found.triggers.tolist(), strict=True)) == {("protest", "sign"): True, ("sign",): False}


def test_caption_rows_are_all_rows_in_order() -> None:
    table = captions_table(*(np_caption(str(place), "rope") for place in range(5000)))
    assert [row["record"] for row in caption_rows(table)] == [str(place) for place in range(5000)]


def test_log_odds_z_by_hand() -> None:
    # 10 of 12 against 2 of 12, counted with a prior of one each
    z = log_odds_z(np.array([9, 1]), np.array([1, 9]), np.array([1.0, 1.0]))
    expected = (log(10 / 2) - log(2 / 10)) / sqrt(1 / 10 + 1 / 2)
    np.testing.assert_allclose(z, [expected, -expected])


def test_log_odds_z_by_hand_with_an_uneven_prior() -> None:
    z = log_odds_z(np.array([4, 6]), np.array([0, 30]), np.array([0.5, 3.5]))
    # the prior weighs 4: of 10 + 4 seen, 4.5 are the phrase; of 30 + 4 unseen, 0.5 are
    expected = (log(4.5 / 9.5) - log(0.5 / 33.5)) / sqrt(1 / 4.5 + 1 / 0.5)
    assert z[0] == pytest.approx(expected)


def test_log_odds_z_of_equal_use_is_zero() -> None:
    assert log_odds_z(np.array([3, 7]), np.array([3, 7]), np.array([1.0, 1.0])).tolist() == [0, 0]


def test_sees_takes_the_highest_scores_and_the_first_of_equals() -> None:
    assert sees(np.array([1, 3, 2, 3, 2], dtype=np.float32), 3).tolist() == [False, True, True, True, False]
    assert not sees(np.array([1, 3], dtype=np.float32), 0).any()


def name(
    phrases: Phrases, *, seen: list[int], words: tuple[str, ...] = (), max_share: float = 1.0, n_names: int = 5
) -> list[Name]:
    """Name a pattern seen in some of all pictures, which are its evidence too."""
    n = len(phrases.n_captions)
    mask = np.isin(np.arange(n), seen)
    return rank_names(
        phrases, among=np.arange(n), seen=mask, words=words, evidence=np.flatnonzero(mask),
        max_share=max_share, n_names=n_names,
    )  # fmt: skip


def climbing() -> Phrases:
    """Four pictures with ropes, helmets in three of them; four of walls, ropes in two; a dog in one of each."""
    seen = [["rope", "helmet"], ["rope", "helmet"], ["rope", "dog"], ["rope", "helmet"]]
    said = [*seen, ["wall"], ["wall", "rope"], ["wall", "rope"], ["wall", "dog"]]
    return phrases_of(
        *(np_caption(str(place), word, index) for place, row in enumerate(said) for index, word in enumerate(row))
    )


def test_names_are_what_is_said_where_the_pattern_is_seen() -> None:
    found = name(climbing(), seen=[0, 1, 2, 3])
    assert [item.text for item in found] == ["helmet", "rope"]
    assert found[0].score > found[1].score > 0
    # helmets are in three pictures; of all phrases 8 are seen and 7 are not; a tenth of what is counted is the prior
    prior = {"dog": 0.21, "helmet": 0.31, "rope": 0.61, "wall": 0.41}
    a, b, total = 3 + prior["helmet"], 0 + prior["helmet"], sum(prior.values())
    expected = (log(a / (8 + total - a)) - log(b / (7 + total - b))) / sqrt(1 / a + 1 / b)
    assert found[0].score == pytest.approx(expected)


def test_names_with_the_patterns_own_words_come_first() -> None:
    found = name(climbing(), seen=[0, 1, 2, 3], words=("climbing rope",))
    assert [item.text for item in found] == ["rope", "helmet"]
    assert found[0].score < found[1].score


def test_names_must_be_said_of_two_pictures_of_the_evidence() -> None:
    phrases = climbing()
    found = rank_names(
        phrases, among=np.arange(8), seen=np.arange(8) < 4, words=("helmet",), evidence=np.array([2, 3]),
        max_share=1.0, n_names=5,
    )  # fmt: skip
    assert [item.text for item in found] == ["rope"]


def test_names_that_too_many_captions_have_are_left_out_while_there_are_others() -> None:
    # of 15 captions 6 have the rope, 3 a helmet
    assert [item.text for item in name(climbing(), seen=[0, 1, 2, 3], max_share=0.4)] == ["helmet", "rope"]
    assert [item.text for item in name(climbing(), seen=[0, 1, 2, 3], max_share=0.39)] == ["helmet"]
    assert [item.text for item in name(climbing(), seen=[0, 1, 2, 3], max_share=0.1)] == ["helmet", "rope"]


def test_names_of_the_pattern_itself_may_be_common_but_stand_behind_its_rarer_ones() -> None:
    found = name(climbing(), seen=[0, 1, 2, 3], words=("rope",), max_share=0.3)
    assert [item.text for item in found] == ["rope", "helmet"]
    found = name(climbing(), seen=[0, 1, 2, 3], words=("rope", "helmet"), max_share=0.3)
    assert [item.text for item in found] == ["helmet", "rope"]


def test_names_share_counts_captions_not_pictures() -> None:
    rows = [
        np_caption(record, word, index)
        for record in "ab"
        for index, word in enumerate(["rope", "wall", "wall", "wall"])
    ]
    assert [item.text for item in name(phrases_of(*rows), seen=[0, 1], max_share=0.3)] == ["rope"]


def test_names_have_at_most_two_of_the_same_head() -> None:
    rows = [
        np_caption(record, f"{colour}/ADJ rope")
        for colour in ("red", "blue", "green")
        for record in (f"{colour}1", f"{colour}2")
    ]
    found = name(phrases_of(*rows, np_caption("other", "wall"), np_caption("more", "wall")), seen=[0, 1, 2, 3, 4, 5])
    assert [item.head for item in found] == ["rope", "rope"]


def test_names_say_whether_they_are_triggers_and_how_many_are_asked_is_kept() -> None:
    rows = [
        np_caption(record, word)
        for word in ("climbers/NOUN/climber", "rope")
        for record in (f"{word[0]}1", f"{word[0]}2")
    ]
    found = name(phrases_of(*rows, masks=[[True], [True], [False], [False]]), seen=[0, 1, 2, 3])
    assert {item.text: (item.head, item.is_trigger) for item in found} == {
        "climbers": ("climber", True),
        "rope": ("rope", False),
    }
    assert len(name(phrases_of(*rows), seen=[0, 1, 2, 3], n_names=1)) == 1
