"""Extraction from texts, by rules and by trained models, from Python and from the command line."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from corpora.texts import NewCorpus, TextRecord, read_file_text
from kb.extract.evoked import Evoked, SeenPattern
from kb.extract.mention import Argument, Mention, Picture, TextSpan
from kb.extract.rules import RuleModel
from kb.extract.text import TextExtractor
from kb.ontology import load_ontology
from miner.text.pieces import PieceParser
from miner.text.pipeline import resolve_pipeline

if TYPE_CHECKING:
    from typing import TextIO

NEWS = load_ontology("news")
STORY = "Soldiers attacked the city on Monday. Nothing else happened.\n\nThe police arrested protesters in Paris."


@pytest.fixture(scope="module")
def parser() -> PieceParser:
    return PieceParser(resolve_pipeline())


def extractor(parser: PieceParser, *patterns: SeenPattern) -> TextExtractor:
    return TextExtractor(RuleModel(NEWS, {"funeral": "Life.Die"}), parser, Evoked(patterns))


def test_text_mentions_say_where_they_are_in_the_whole_text(parser: PieceParser) -> None:
    mentions = list(extractor(parser).extract([TextRecord("r", "d", STORY)]))
    assert [(m.event_type, m.trigger.text) for m in mentions if m.trigger][:2] == [
        ("Conflict.Attack", "attacked"), ("Justice.Arrest-Jail", "arrested"),
    ]  # fmt: skip
    spans = [m.trigger for m in mentions] + [a.span for m in mentions for a in m.arguments]
    assert all(span and STORY[span.start : span.end] == span.text for span in spans)
    roles = {(a.role, a.span.text) for m in mentions for a in m.arguments if a.span}
    assert {("Target", "city"), ("Person", "protesters"), ("Agent", "police")} <= roles


def test_text_mentions_name_the_patterns_that_argue_for_them(parser: PieceParser) -> None:
    tank = SeenPattern("Pattern:1", "Conflict.Attack", 0.9, ("tank",), (), (1,), "Instrument")
    flower = SeenPattern("Pattern:2", "Life.Die", 0.9, ("soldier",), (), (1,), None)
    found = list(extractor(parser, tank, flower).extract([TextRecord("r", "d", "Tanks attacked the soldiers.")]))
    (attack,) = [mention for mention in found if mention.event_type == "Conflict.Attack"]
    assert attack.score == pytest.approx(0.6)
    assert attack.patterns in ((), ("Pattern:1",))
    plain = list(extractor(parser).extract([TextRecord("r", "d", "Tanks attacked the soldiers.")]))
    assert plain[0].score == pytest.approx(0.5)


def test_text_in_other_languages_and_empty_ones_are_counted(parser: PieceParser) -> None:
    texts = [
        "",
        "  \n",
        "Die Soldaten haben gestern die Stadt angegriffen und viele Menschen getötet.",
        "1234 5678",
        STORY,
    ]
    found = extractor(parser)
    mentions = list(found.extract(TextRecord(str(n), "d", text) for n, text in enumerate(texts)))
    assert {mention.record for mention in mentions} == {"4"}
    assert found.counts["texts left out: empty"] == 2
    assert found.counts["texts left out: language de"] == 1
    assert found.counts["texts left out: no words"] == 1
    assert found.counts["texts"] == 5


def test_a_long_text_counts_once_and_unreadable_characters_are_said(parser: PieceParser) -> None:
    found = extractor(parser)
    parts = [TextRecord("a", "a", "Nothing happened."), TextRecord("a", "a", "Nothing \ufffd happened.", first=17)]
    assert list(found.extract(parts)) == []
    assert found.counts["texts"] == 1
    assert found.counts["texts, or parts of one, with characters that could not be read"] == 1


def texts_of_file(name: str, file: TextIO) -> list[TextRecord]:
    return list(NewCorpus(read_file_text(name, file)).texts())


def test_text_of_any_length_is_read_in_parts() -> None:
    long = ("Soldiers attacked the city. " * 40 + "\n\n") * 200
    parts = texts_of_file("long", io.StringIO(long))
    assert len(parts) > 2
    assert "".join(part.text for part in parts) == long
    assert [part.first for part in parts[1:]] == [
        parts[0].first + len(parts[0].text),
        *[p.first + len(p.text) for p in parts[1:-1]],
    ]
    one_line = "x " * 500_000
    assert max(len(part.text) for part in texts_of_file("line", io.StringIO(one_line))) < 400_000
    assert [part.text for part in texts_of_file("empty", io.StringIO(""))] == [""]


def test_text_parts_of_a_long_file_keep_their_place(parser: PieceParser) -> None:
    text = "Nothing happened here.\n\n" * 4_000 + "Soldiers attacked the city."
    (mention,) = extractor(parser).extract([r for r in texts_of_file("f", io.StringIO(text)) if "attacked" in r.text])
    assert mention.trigger == (text.index("attacked"), text.index("attacked") + 8, "attacked")


def test_mention_json_has_the_keys_of_the_contract() -> None:
    argument = Argument("Victim", 0.51239, TextSpan(0, 2, "He"), patterns=("p",))
    row = Mention(
        "r", "d", "Life.Die", 0.987654, TextSpan(3, 7, "died"), arguments=(argument,), patterns=("p",)
    ).as_json()
    assert json.loads(json.dumps(row)) == {
        "record": "r", "document": "d", "eventType": "Life.Die", "trigger": {"start": 3, "end": 7, "text": "died"},
        "image": None, "score": 0.9877,
        "arguments": [{"role": "Victim", "start": 0, "end": 2, "text": "He", "score": 0.5124, "patterns": ["p"]}],
        "patterns": ["p"],
    }  # fmt: skip
    seen = Mention("r", "d", "Life.Die", 1.0, image=Picture("a.jpg", (1, 2, 3, 4)), caption=0).as_json()
    assert seen["trigger"] is None
    assert seen["image"] == {"path": "a.jpg", "box": [1, 2, 3, 4]}
    assert seen["caption"] == 0
