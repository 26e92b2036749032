from __future__ import annotations

import pytest

from miner.text.phrases import find_phrases, join_phrases, npmi, with_phrases
from miner.text.sentences import caption_sentences, record_sentences
from miner.text.vocabulary import count_words, find_occurrences
from miner.text.words import Word, content_words, stop_words
from tests.spoken import caption, captions_table, said, unmasked


def content(*texts: str, **columns: list[str]) -> list[list[str]]:
    table = captions_table(*(caption(str(number), 0, text, **columns) for number, text in enumerate(texts)))
    return [[word.text for word in row] for row in content_words(table, unmasked(table))]


def test_content_words_are_lemmas_of_nouns_verbs_and_adjectives() -> None:
    text = "the/DET wet/ADJ dogs/NOUN/dog quickly/ADV ran/VERB/run into/ADP 3/NUM lakes/NOUN/lake ./PUNCT"
    assert content(text) == [["wet", "dog", "run", "lake"]]


def test_stop_words_light_verbs_and_odd_tokens_are_left_out() -> None:
    assert content("is/VERB/be goes/VERB/go x @home http://a.b t-shirt 3d " + "a" * 50) == [["t-shirt"]]


def test_masked_words_are_left_out() -> None:
    table = said("red dog")
    assert [[word.text for word in row] for row in content_words(table, [[False, True]])] == [["red"]]


def test_named_entities_are_left_out_where_they_are_written_as_names() -> None:
    kinds = ["PERSON", "PERSON", "DATE", "GPE", "ORG"]
    texts = ("Joe/PROPN Biden/PROPN winter/NOUN beach/NOUN Reuters/NOUN",)
    assert content(*texts, entities=kinds) == [["winter", "beach"]]


def test_proper_nouns_outside_names_count_as_in_headlines() -> None:
    assert content("Famous/PROPN Festival/PROPN") == [["famous", "festival"]]


def test_without_parts_of_speech_all_but_stop_words_count() -> None:
    assert content("the dog is on a sofa", pos=[""] * 6) == [["dog", "sofa"]]


def test_stop_words_of_an_unknown_language_are_none() -> None:
    assert stop_words("xx-unknown") == frozenset()
    assert "und" in stop_words("de")


def trucks(*others: str) -> tuple[list[list[Word]], frozenset[str]]:
    table = said(*["fire truck"] * 5, *others)
    words = list(content_words(table, unmasked(table)))
    return words, find_phrases(table, words)


def test_phrases_are_neighbours_that_keep_together() -> None:
    assert trucks(*["red dog"] * 20)[1] == {"fire truck", "red dog"}
    assert trucks(*["fire", "truck"] * 200)[1] == frozenset()


def test_phrases_need_five_records_and_a_modifier_of_its_noun() -> None:
    others = [caption(str(number), 0, "red dog") for number in range(20)]
    rare = captions_table(*others, *(caption(f"r{number}", 0, "fire truck") for number in range(4)))
    assert "fire truck" not in find_phrases(rare, list(content_words(rare, unmasked(rare))))
    one_record = captions_table(*others, *(caption("r", number, "fire truck") for number in range(9)))
    assert "fire truck" not in find_phrases(one_record, list(content_words(one_record, unmasked(one_record))))
    verbs = captions_table(*others, *(caption(f"r{number}", 0, "man rides/VERB") for number in range(9)))
    assert find_phrases(verbs, list(content_words(verbs, unmasked(verbs)))) == {"red dog"}


@pytest.mark.parametrize(("counts", "value"), [((10, 10, 10, 100), 1.0), ((1, 10, 10, 100), 0.0), ((5, 5, 5, 5), 1.0)])
def test_npmi_of_always_and_of_chance(counts: tuple[int, int, int, int], value: float) -> None:
    assert npmi(*counts) == pytest.approx(value)


def test_joined_phrases_replace_their_words_and_found_ones_stand_beside_them() -> None:
    words = [Word("big", 0, 0), Word("fire", 1, 1), Word("truck", 2, 2), Word("stop", 4, 4)]
    phrases = {"fire truck", "truck stop"}
    assert [word.text for word in join_phrases(words, phrases)] == ["big", "fire truck", "stop"]
    assert with_phrases(words, phrases) == [*words[:2], Word("fire truck", 1, 2), *words[2:]]


def test_caption_sentences_keep_function_words_and_hide_masked_ones() -> None:
    table = said("a/DET dog on/ADP the/DET fire trucks/NOUN/truck ./PUNCT")
    masks = [[False, True, False, False, False, False, False]]
    words = [join_phrases(row, {"fire truck"}) for row in content_words(table, masks)]
    assert caption_sentences(table, masks, words) == [["a", "_", "on", "the", "fire truck"]]


def test_record_sentences_join_the_captions_of_a_record() -> None:
    words = [[Word("dog", 0, 0)], [Word("cat", 0, 0), Word("sofa", 1, 1)], []]
    assert record_sentences(["a", "b", "a"], words) == [["dog"], ["cat", "sofa"]]


def test_words_are_counted_by_record_not_by_caption() -> None:
    sentences = [["dog", "dog"], ["dog"], ["dog", "cat"], ["cat"], ["ant"]]
    vocabulary = count_words(sentences, ["a", "a", "b", "c", "d"], min_count=2)
    assert vocabulary.words == ("cat", "dog")
    assert vocabulary.counts.tolist() == [2, 2]


def test_occurrences_cover_every_caption_and_record_even_without_words() -> None:
    sentences = [["dog", "dog", "ant"], [], ["cat"]]
    vocabulary = count_words(sentences[:1] + sentences[2:], ["a", "b"], min_count=1)
    found = find_occurrences(sentences, ["a", "b", "a"], vocabulary)
    assert vocabulary.words == ("ant", "cat", "dog")
    assert found.captions.toarray().tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert found.records.toarray().tolist() == [[1, 1, 1], [0, 0, 0]]
