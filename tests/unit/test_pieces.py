from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from miner.text.pieces import PieceParser, cut_pieces
from miner.text.pipeline import resolve_pipeline


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
