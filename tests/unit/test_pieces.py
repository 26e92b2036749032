from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from miner.text import pieces, word_forms
from miner.text.pieces import PieceParser, cut_pieces
from miner.text.pipeline import open_pipeline, resolve_pipeline
from miner.text.word_forms import remembered_forms

if TYPE_CHECKING:
    import pytest


def test_pieces_end_where_sentences_do_and_not_behind_abbreviations() -> None:
    text = 'He met Mr. Li. The U.S. Army left! "Yes." She said so.\n\nnew one'
    assert [piece for _, piece in cut_pieces(text)] == [
        "He met Mr. Li.", "The U.S. Army left!", '"Yes."', "She said so.", "new one",
    ]  # fmt: skip


def test_pieces_of_text_without_sentences_are_bounded() -> None:
    pieces = list(cut_pieces("word " * 1_000, max_chars=100))
    assert max(len(piece) for _, piece in pieces) <= 100
    assert len(list(cut_pieces("x" * 1_000, max_chars=100))) == 10
    assert not list(cut_pieces(" \n\n "))


@given(st.text(alphabet="aB. \n!?\"'U", max_size=200))
def test_pieces_lie_where_they_say_and_lose_no_letter(text: str) -> None:
    pieces = list(cut_pieces(text, max_chars=20))
    assert all(text[first : first + len(piece)] == piece for first, piece in pieces)
    assert sum(c.isalpha() for _, piece in pieces for c in piece) == sum(c.isalpha() for c in text)


def test_pieces_get_entities_only_where_asked() -> None:
    parser = PieceParser(resolve_pipeline())
    plain = parser.parse(["Rebels attacked Aleppo in Syria."])
    assert not plain[0].entities
    parser.add_entities(plain)
    assert {plain[0].text[plain[0].starts[e.start] : plain[0].ends[e.end - 1]] for e in plain[0].entities} >= {"Syria"}
    assert plain == parser.parse(["Rebels attacked Aleppo in Syria."], entities=True)
    assert plain[0].covered(7, 15) == [1]
    assert plain[0].children()[1][0] == 0


TRAPS = [
    "There is a war, ain't it? I'm gonna let's go, c'mon y'all.",
    "They don't have what they had; it 's his 's.  \n He 'd gone there.",
    "Do it! What did she do? But for me, them 's the rules.",
    "  ",
    "U.S. troops, who 've met 300 rebels in Aleppo, shot them.",
]


def test_remembered_words_are_those_of_the_whole_pipeline() -> None:
    parser = PieceParser(resolve_pipeline())
    wanted = PieceParser(resolve_pipeline(), remember=False).parse(TRAPS)
    assert parser.parse(TRAPS) == wanted
    assert parser.parse(TRAPS[::-1]) == wanted[::-1]


def test_words_are_learnt_again_once_too_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_forms, "MOST_REMEMBERED", 5)
    parser = PieceParser(resolve_pipeline())
    first = parser.parse(TRAPS)
    assert [parser.parse([text])[0] for text in TRAPS] == first


def test_vocabulary_stops_growing_once_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = PieceParser(resolve_pipeline())
    words = parser._nlp.vocab.strings  # noqa: SLF001 - what grows
    first = parser.parse(TRAPS)
    before = len(words)
    monkeypatch.setattr(pieces, "MOST_WORDS", before)
    parser.parse(["Quixotic zyzzyvas outmanoeuvred Brobdingnagian wombats."])
    assert len(words) == before
    assert parser.parse(TRAPS) == first
    monkeypatch.setattr(pieces, "MOST_WORDS", before + 1)
    parser.parse(["Quixotic zyzzyvas outmanoeuvred Brobdingnagian wombats."])
    assert len(words) > before


def test_words_are_remembered_only_of_pipelines_that_judge_single_words() -> None:
    nlp = open_pipeline(resolve_pipeline())
    assert remembered_forms(nlp) is not None
    nlp.get_pipe("attribute_ruler").add([[{"POS": "NOUN"}]], {"LEMMA": "x"})  # type: ignore[attr-defined]
    assert remembered_forms(nlp) is None
    nlp.remove_pipe("parser")
    assert remembered_forms(nlp) is None
    assert remembered_forms(open_pipeline("blank:de")) is None
