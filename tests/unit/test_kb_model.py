from __future__ import annotations

import pytest

from kb.model import LONGEST_ID_BYTES, clean_text, label_of, node_id


def test_node_id_joins_label_and_parts() -> None:
    assert node_id("Image", "flickr", "sample_7.jpg") == "Image:flickr/sample_7.jpg"
    assert node_id("EventType", "Conflict.Attack") == "EventType:Conflict.Attack"


def test_node_id_keeps_apart_what_a_slash_could_confuse() -> None:
    assert node_id("Image", "a/b", "c") != node_id("Image", "a", "b/c")
    assert node_id("Image", "a%2Fb", "c") != node_id("Image", "a/b", "c")


def test_node_id_of_a_very_long_name_stays_short_and_distinct() -> None:
    first, second = (node_id("Image", "corpus", "é" * 5_000 + end) for end in "ab")
    assert len(first.encode()) <= LONGEST_ID_BYTES
    assert first.startswith("Image:corpus/éé")
    assert first != second


def test_label_of_reads_the_part_before_the_first_colon() -> None:
    assert label_of("Image:flickr/a:b") == "Image"


@pytest.mark.parametrize(("text", "clean"), [("a\ud83dz", "a\ufffdz"), ("naïve 😀", "naïve 😀"), ("", "")])
def test_clean_text_replaces_only_lone_surrogates(text: str, clean: str) -> None:
    assert clean_text(text) == clean
