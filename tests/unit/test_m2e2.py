from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpora.m2e2 import looks_like_m2e2, read_gold, read_sentences
from miner.errors import CorpusError
from tests.gold_files import sentence, write_images, write_sentences

DATA = Path(__file__).parents[3] / "shared" / "data" / "m2e2-dev"


def test_m2e2_turns_words_into_characters(tmp_path: Path) -> None:
    row = sentence("d_0", "Rebels attacked Aleppo .", ("Conflict:Attack", (1, 2), [("Place", 2, 3)]))
    gold = read_gold([write_sentences(tmp_path / "text.json", row)])
    (mention,) = gold.sentences["d_0"].mentions
    assert mention.event_type == "Conflict.Attack"
    assert mention.trigger == (7, 15, "attacked")
    assert mention.arguments[0].span == (16, 22, "Aleppo")


def test_m2e2_merges_a_sentence_that_stands_in_two_files(tmp_path: Path) -> None:
    one = sentence("d_0", "Rebels attacked and killed him", ("Conflict:Attack", (1, 2), [("Attacker", 0, 1)]))
    other = sentence(
        "d_0",
        "Rebels attacked and killed him",
        ("Life:Die", (3, 4), []),
        ("Conflict:Attack", (1, 2), [("Attacker", 0, 1), ("Target", 4, 5)]),
    )
    gold = read_gold([write_sentences(tmp_path / "a.json", one), write_sentences(tmp_path / "b.json", other)])
    attack, death = gold.sentences["d_0"].mentions
    assert [argument.role for argument in attack.arguments] == ["Attacker", "Target"]
    assert death.event_type == "Life.Die"
    assert gold.problems == {"sentences in two files, merged": 1}
    assert gold.name == "a.json+b.json"


def test_m2e2_leaves_out_what_is_out_of_range_and_counts_it(tmp_path: Path) -> None:
    row = sentence(
        "d_0",
        "He died",
        ("Life:Die", (1, 2), [("Victim", 0, 1), ("Place", 5, 6)]),
        ("Life:Die", (2, 3), []),
        ("Life:Die", (1, 2), []),
    )
    gold = read_gold([write_sentences(tmp_path / "text.json", row)])
    (mention,) = gold.sentences["d_0"].mentions
    assert [argument.role for argument in mention.arguments] == ["Victim"]
    assert gold.problems == {
        "arguments out of range, left out": 1,
        "triggers out of range, left out": 1,
        "mentions given twice, merged": 1,
    }


def test_m2e2_keeps_triggers_that_overlap(tmp_path: Path) -> None:
    row = sentence("d_0", "a chemical attack", ("Conflict:Attack", (1, 3), []), ("Conflict:Attack", (2, 3), []))
    assert len(read_gold([write_sentences(tmp_path / "text.json", row)]).sentences["d_0"].mentions) == 2


def test_m2e2_reads_boxes_and_pairs(tmp_path: Path) -> None:
    images = write_images(tmp_path / "image.json", {"d_3": ("Life:Die", {"Victim": [(1, 2, 3, 4), (5, 5, 5, 9)]})})
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("d_0\td_3.jpg\tLife:Die\n", encoding="utf-8")
    gold = read_gold([images, pairs])
    assert [argument.box for argument in gold.images["d_3"].arguments] == [(1, 2, 3, 4)]
    assert gold.pairs == (("d_0", "d_3", "Life.Die"),)
    assert gold.problems == {"boxes without extent, left out": 1}


@pytest.mark.parametrize(
    ("content", "complaint"), [("[1]", "no sentences"), ("{", "not a JSON file"), ('{"a": 1}', "no event_type")]
)
def test_m2e2_refuses_other_files(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "gold.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=complaint):
        read_gold([path])


def test_m2e2_refuses_pairs_without_three_columns(tmp_path: Path) -> None:
    path = tmp_path / "pairs.txt"
    path.write_text("d_0\td_1.jpg\tLife:Die\nd_0 d_1\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="Line 2"):
        read_gold([path])


def test_m2e2_sentences_for_extraction_carry_no_gold(tmp_path: Path) -> None:
    path = write_sentences(tmp_path / "text.json", sentence("d_0", "He died", ("Life:Die", (1, 2), [])))
    (found,) = read_sentences(path)
    assert (found.id, found.document, found.text) == ("d_0", "d", "He died")
    assert not found.mentions
    assert not found.words
    assert looks_like_m2e2(path)


def test_m2e2_does_not_take_other_lists_for_sentences(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps([{"id": 1}]), encoding="utf-8")
    assert not looks_like_m2e2(path)


@pytest.mark.skipif(not DATA.is_dir(), reason="the data of M2E2 is not there")
def test_m2e2_development_half_has_599_mentions_and_23_shared_sentences() -> None:
    alone = read_gold([DATA / "text_only_event.json"])
    both = read_gold([DATA / "text_only_event.json", DATA / "text_multimedia_event.json"])
    assert sum(len(sentence.mentions) for sentence in alone.sentences.values()) == 599
    assert sum(len(sentence.mentions) for sentence in both.sentences.values()) == 702
    assert both.problems == {"sentences in two files, merged": 23}
