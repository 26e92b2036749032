"""What is handed over to extract from: the records of `eventminer run`, read one after another."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from corpora.records import read_corpus
from corpora.texts import NewRecord, TextRecord, open_new, open_sentences
from miner.errors import CorpusError
from tests.gold_files import sentence, write_sentences

if TYPE_CHECKING:
    from pathlib import Path

    from corpora.texts import NewCorpus

IMAGES = ("a.jpg", "b.jpg", "c.jpg")

Captions = dict[str, list[str]]

NASTY = {
    "one caption a line, no ids": (
        "manifest.csv",
        "image,caption\na.jpg,one\nb.jpg, two \na.jpg,three\nnone.jpg,four\na.jpg,\n,five\nc.jpg\n",
    ),
    "ids that come again": (
        "captions.jsonl",
        [
            {"id": "x", "image": "a.jpg", "caption": "one"},
            {"id": "x", "image": "b.jpg", "captions": ["", " two ", None, 7]},
            {"id": "x#2", "image": "c.jpg", "caption": "three"},
            {"id": "x", "image": "c.jpg", "caption": "four"},
            {"id": None, "image": "a.jpg", "caption": "five"},
            {"id": "", "image": "a.jpg", "caption": "six"},
            {"id": 12.0, "image": "a.jpg", "caption": "se\ud83dven \u0007"},
            "no object",
            {"id": "y", "image": "../outside.jpg", "caption": "eight"},
        ],
    ),
    "other names of columns": (
        "captions.jsonl",
        [
            {"recordId": "x", "photo": "a.jpg", "headline": "one", "title": "not this"},
            {"recordId": "y", "photo": "b.jpg", "Headline": "two"},
        ],
    ),
    "one caption a line, no ids, in JSON": (
        "captions.jsonl",
        [{"image": f"{name}.jpg", "alt": f"{name} {n}"} for n in range(3) for name in "abc"],
    ),
}


def write(folder: Path, name: str, content: str | list[object]) -> str:
    for image in IMAGES:
        (folder / image).write_bytes(image.encode())
    text = content if isinstance(content, str) else "\n".join(map(json.dumps, content))
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def captions_of(new: NewCorpus) -> Captions:
    found: Captions = {}
    for text in new.texts():
        own = found.setdefault(text.id, [])
        assert text.caption == len(own), "captions are numbered as in the record"
        own.append(text.text)
    return found


@pytest.mark.parametrize("case", NASTY)
@pytest.mark.parametrize("images", [True, False])
def test_texts_are_read_as_run_reads_records(tmp_path: Path, case: str, images: bool) -> None:
    location = write(tmp_path, *NASTY[case])  # type: ignore[arg-type]
    rows = read_corpus(location).records.to_pylist()
    readable = [row for row in rows if row["captions"]]
    assert captions_of(open_new(location, Counter(), images=images)) == {r["record"]: r["captions"] for r in readable}


@pytest.mark.parametrize("case", NASTY)
def test_pictures_are_those_that_run_reads(tmp_path: Path, case: str) -> None:
    location = write(tmp_path, *NASTY[case])  # type: ignore[arg-type]
    rows = [row for row in read_corpus(location).records.to_pylist() if row["image"] is not None]
    found = [record for record in open_new(location, Counter()).records if record.image is not None]
    assert sorted((r.id, r.image, r.code, r.image_hash) for r in found) == sorted(
        (row["record"], row["image"], row["code"], row["imageHash"]) for row in rows
    )


def test_texts_heed_the_columns_of_the_corpus_and_those_that_are_asked_for(tmp_path: Path) -> None:
    location = write(tmp_path, "m.csv", "id,image,caption,words,more\na,a.jpg,one,two,three\n")
    (tmp_path / "corpus.toml").write_text('[columns]\ncaption = "words"\n', encoding="utf-8")
    assert captions_of(open_new(location, Counter())) == {"a": ["two"]}
    assert captions_of(open_new(location, Counter(), columns={"caption": "more", "event": "x"})) == {"a": ["three"]}


def test_texts_need_no_pictures_and_pictures_no_texts(tmp_path: Path) -> None:
    notes: Counter[str] = Counter()
    texts = open_new(write(tmp_path, "texts.csv", "id,caption\na,They met\n"), notes)
    assert texts.images is None
    assert captions_of(texts) == {"a": ["They met"]}
    (picture,) = open_new(write(tmp_path, "pictures.csv", "id,image\nb,b.jpg\n"), notes).records
    assert (picture.id, picture.image, picture.texts) == ("b", "b.jpg", ())
    mixed = list(open_new(write(tmp_path, "m.csv", "id,image,caption\na,,They met\nb,b.jpg,\n"), notes).records)
    assert [(record.image, len(record.texts)) for record in mixed] == [(None, 1), ("b.jpg", 0)]
    assert notes == {"records without a text": 2, "records without a picture": 1}
    with pytest.raises(CorpusError, match="No column for image or caption; the columns are: id, words"):
        open_new(write(tmp_path, "none.csv", "id,words\na,b\n"), notes)


def test_texts_say_what_is_wrong_with_records(tmp_path: Path) -> None:
    notes: Counter[str] = Counter()
    lines = '{"id": "a", "caption": "one"}\n{\n7\n{"id": "a", "caption": "two"}\n{"id": "b", "caption": []}\n'
    assert captions_of(open_new(write(tmp_path, "c.jsonl", lines), notes)) == {"a": ["one"], "a#2": ["two"]}
    assert notes == {
        "records left out: unreadable-line": 1,
        "records left out: not-an-object": 1,
        "records with an id that was there before, numbered": 1,
        "records without a text": 1,
    }


def test_documents_end_with_their_last_record(tmp_path: Path) -> None:
    rows = [("a", "d"), ("b", "e"), ("c", None), ("d", None), ("e", "d"), ("f", "d"), ("a", None)]
    content = [{"id": name, "caption": "x", "docId": document} for name, document in rows]
    found = list(open_new(write(tmp_path, "c.jsonl", list[object](content)), Counter()).records)
    assert [(record.id, record.document, record.ends) for record in found] == [
        ("a", "d", ()),
        ("b", "e", ("e",)),
        ("c", "c", ("c",)),
        ("d", "d", ()),
        ("e", "d", ()),
        ("f", "d", ("d",)),
        ("a#2", "a", ("a",)),
    ]


def test_a_document_of_merged_lines_ends_with_its_last_record(tmp_path: Path) -> None:
    lines = "image,caption,document\na.jpg,one,d\nb.jpg,two,d\na.jpg,three,\nc.jpg,four,c\n"
    found = list(open_new(write(tmp_path, "m.csv", lines), Counter()).records)
    assert [(record.id, record.document, record.ends) for record in found] == [
        ("b.jpg", "d", ()),
        ("a.jpg", "d", ("d", "a.jpg")),
        ("c.jpg", "c", ("c",)),
    ]


def test_a_picture_of_two_documents_leaves_the_captions_where_they_are_and_ends_both(tmp_path: Path) -> None:
    lines = "image,caption,document\na.jpg,one,D1\nc.jpg,,D1\na.jpg,two,D2\nb.jpg,three,D2\na.jpg,four,\nc.jpg,,D3\n"
    notes: Counter[str] = Counter()
    found = list(open_new(write(tmp_path, "m.csv", lines), notes).records)
    assert [(r.id, r.document, [(t.text, t.document) for t in r.texts], r.ends) for r in found] == [
        ("b.jpg", "D2", [("three", "D2")], ()),
        ("a.jpg", "D1", [("one", "D1"), ("two", "D2"), ("four", "D1")], ("D2", "a.jpg")),
        ("c.jpg", "D1", [], ("D1", "D3")),
    ]
    assert notes["pictures of several documents, joined with texts of the first alone"] == 2


def test_records_of_one_id_are_one_document_and_end_it_together(tmp_path: Path) -> None:
    lines = "id,caption\nx,one\ny,two\nx,three\nx,four\n"
    found = list(open_new(write(tmp_path, "m.csv", lines), Counter()).records)
    assert [(record.id, record.document, record.texts[0].document, record.ends) for record in found] == [
        ("x", "x", "x", ()),
        ("y", "y", "y", ("y",)),
        ("x#2", "x", "x", ()),
        ("x#3", "x", "x", ("x",)),
    ]


def test_sentences_of_gold_files_come_without_gold_and_with_ids_of_their_own(tmp_path: Path) -> None:
    died = sentence("doc_3", "He died", ("Life:Die", (1, 2), []))
    path = write_sentences(tmp_path / "gold.json", died, sentence("doc_3", "She \ud83d left"))
    notes: Counter[str] = Counter()
    assert list(open_sentences(path, notes).records) == [
        NewRecord("doc_3", "doc", (TextRecord("doc_3", "doc", "He died"),)),
        NewRecord("doc_3#2", "doc", (TextRecord("doc_3#2", "doc", "She \ufffd left"),), original="doc_3"),
    ]
    assert notes == {"sentences with an id that was there before, numbered": 1}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("[ONE]\n[ONE]", "something comes after the end of the list"),
        ("[ONE] rubbish", "something comes after the end of the list"),
        ("[ONE ONE]", "neither ',' nor ']' comes after element 1"),
        ("[ONE", "neither ',' nor ']' comes after element 1"),
        ("[ONE,, ONE]", "element 2: Expecting value"),
        ("[ONE,]", "element 2: "),
        ("[,ONE]", "element 1: Expecting value"),
        ("[", "element 1: Expecting value"),
    ],
)
def test_a_file_of_sentences_that_is_no_json_list_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    one = json.dumps(sentence("d_0", "He died"))
    (tmp_path / "gold.json").write_text(content.replace("ONE", one), encoding="utf-8")
    with pytest.raises(CorpusError, match=f"is not a JSON file of M2E2: {complaint}"):
        open_sentences(tmp_path / "gold.json", Counter())
    (tmp_path / "gold.json").write_text(f" \n[ {one} ,\t{one}\n]\r\n ", encoding="utf-8")
    assert [record.id for record in open_sentences(tmp_path / "gold.json", Counter()).records] == ["d_0", "d_0#2"]


def test_sentences_are_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpora.m2e2.PART_CHARS", 7)
    path = write_sentences(tmp_path / "gold.json", *(sentence(f"d_{n}", f"He, [{n}] died") for n in range(5)))
    assert [record.id for record in open_sentences(path, Counter()).records] == [f"d_{n}" for n in range(5)]
    path.write_text(path.read_text(encoding="utf-8")[:-3], encoding="utf-8")
    with pytest.raises(CorpusError, match="is not a JSON file of M2E2"):
        open_sentences(path, Counter())
