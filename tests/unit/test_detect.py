from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from corpora.columns import find_columns
from corpora.folder import Folder, locate
from corpora.readers.detect import choose_reader
from corpora.readers.sheet import Sheet
from corpora.records import read_corpus
from miner.errors import CorpusError, StorageError

if TYPE_CHECKING:
    from pathlib import Path


def fill(folder: Path, *names: str) -> Folder:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return Folder(str(folder))


@pytest.mark.parametrize(
    ("names", "reader", "paths"),
    [
        (["manifest.csv", "triggers.toml", "notes.csv"], "table", ("manifest.csv",)),
        (["captions.jsonl", "metadata.jsonl"], "table", ("captions.jsonl",)),
        (["metadata.jsonl", "extra.csv"], "imagefolder", ("metadata.jsonl",)),
        (["a/metadata.csv", "b/metadata.jsonl", "c/x.jpg"], "imagefolder", ("a/metadata.csv", "b/metadata.jsonl")),
        (["00001.tar", "00000.tar", "00000.parquet", "00000_stats.json"], "webdataset", ("00000.tar", "00001.tar")),
        (["annotations/captions_val.json", "annotations/instances.json"], "coco", ("annotations/captions_val.json",)),
        (["captions.json"], "coco", ("captions.json",)),
        (["whatever.parquet", "x.jpg"], "table", ("whatever.parquet",)),
        ([".manifest.csv", "other.tsv"], "table", ("other.tsv",)),
    ],
)
def test_detect_chooses_by_what_the_folder_has(
    tmp_path: Path, names: list[str], reader: str, paths: tuple[str, ...]
) -> None:
    choice = choose_reader(fill(tmp_path, *names), None, "auto")
    assert (choice.name, choice.paths) == (reader, paths)


def test_detect_obeys_the_reader_asked_for(tmp_path: Path) -> None:
    folder = fill(tmp_path, "manifest.csv", "metadata.jsonl", "0.tar", "captions.json")
    chosen = [choose_reader(folder, None, name).paths for name in ("table", "imagefolder", "webdataset", "coco")]
    assert chosen == [("manifest.csv",), ("metadata.jsonl",), ("0.tar",), ("captions.json",)]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["manifest.csv", "captions.jsonl"], r"more than one file to read: captions\.jsonl, manifest\.csv"),
        (["captions_train.json", "captions_val.json"], r"more than one .* captions_train\.json, captions_val\.json"),
        (["metadata.csv", "metadata.jsonl"], "more than one"),
        (["a.csv", "b.csv"], "more than one"),
        (["a.jpg", "b/c.jpg"], "it has a.jpg, b/"),
        ([], "it is empty"),
    ],
)
def test_detect_says_what_it_found_where_nothing_or_too_much_fits(
    tmp_path: Path, names: list[str], message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        choose_reader(fill(tmp_path, *names), None, "auto")


def test_detect_refuses_unknown_readers_and_files(tmp_path: Path) -> None:
    folder = fill(tmp_path, "a.xlsx")
    with pytest.raises(CorpusError, match="There is no reader 'excel'; there are: auto, table"):
        choose_reader(folder, None, "excel")
    with pytest.raises(CorpusError, match=r"'a\.xlsx' is of no known kind"):
        choose_reader(folder, "a.xlsx", "auto")
    with pytest.raises(CorpusError, match="of no known kind"):
        choose_reader(folder, "captions.json", "table")


@pytest.mark.parametrize("location", ["nowhere", "nowhere/manifest.csv", "memory://nowhere"])
def test_detect_location_that_does_not_exist_is_an_error(location: str) -> None:
    with pytest.raises(CorpusError, match=f"There is no corpus at '{location}'"):
        read_corpus(location)


def test_detect_unknown_kind_of_url_is_an_error() -> None:
    with pytest.raises(StorageError, match="'gopher://x' cannot be opened"):
        read_corpus("gopher://x")


def test_detect_location_may_be_a_file_and_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "corpus/any name.txt")
    monkeypatch.chdir(tmp_path)
    folder, file = locate("corpus/any name.txt")
    assert (folder.url, folder.name, file) == (str(tmp_path / "corpus"), "corpus", "any name.txt")
    assert choose_reader(folder, file, "auto").name == "table"


# Columns --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (("ID", "File Name", "Caption"), {"id": "ID", "image": "File Name", "caption": "Caption"}),
        (("image_id", "path", "text", "label"), {"id": "image_id", "image": "path", "caption": "text", "event": "label"}),
        (("title", "caption", "img"), {"image": "img", "caption": "caption"}),
        (("image", "headline", "Event-Type"), {"image": "image", "caption": "headline", "event": "Event-Type"}),
    ],
)  # fmt: skip
def test_columns_usual_names_are_known(columns: tuple[str, ...], expected: dict[str, str]) -> None:
    assert find_columns(Sheet(columns, ()), {}) == {field: (name,) for field, name in expected.items()}


def test_columns_asked_for_win() -> None:
    found = find_columns(Sheet(("image", "caption", "alt"), ()), {"caption": "alt"})
    assert found["caption"] == ("alt",)


@pytest.mark.parametrize(
    ("columns", "asked", "message"),
    [
        (("id", "picture"), {}, "No column for image and caption; the columns are: id, picture"),
        (("image", "words"), {}, "No column for caption; the columns are: image, words"),
        (("image", "caption"), {"event": "kind"}, "no column 'kind' for 'event'; the columns are: image, caption"),
        (("image", "caption"), {"box": "x"}, "Columns can be named for id, image, .*, not for 'box'"),
    ],
)
def test_columns_missing_are_named(columns: tuple[str, ...], asked: dict[str, str], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        find_columns(Sheet(columns, ()), asked)


# Declarations ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    (tmp_path / "a.jpg").write_bytes(b"a")
    line = {"image": "a.jpg", "caption": "x", "alt": "y", "kind": "Riot"}
    (tmp_path / "captions.jsonl").write_text(json.dumps(line))
    return tmp_path


def test_declaration_is_read(corpus: Path) -> None:
    (corpus / "corpus.toml").write_text(
        'name = "riots"\nontology = "own.toml"\nlanguage = "en"\nmask_patterns = [\'riot\\w*\']\n'
        '[aliases]\nRiot = "Conflict.Demonstrate"\n[columns]\ncaption = "alt"\nevent = "kind"\n'
    )
    (corpus / "triggers.toml").write_text("[[rule]]\nevent = 'Chase'\npattern = 'dogs?\\b.*\\brun'\n")
    read = read_corpus(str(corpus))
    assert read.declaration.name == "riots"
    assert read.declaration.ontology == str(corpus / "own.toml")
    assert read.declaration.mask_patterns == (r"riot\w*", r"dogs?\b", r"\brun")
    assert read.records.select(["captions", "events"]).to_pylist() == [{"captions": ["y"], "events": ["Riot"]}]


def test_declaration_columns_give_way_to_those_asked_for(corpus: Path) -> None:
    (corpus / "corpus.toml").write_text('[columns]\ncaption = "alt"\n')
    assert read_corpus(str(corpus), columns={"caption": "caption"}).records["captions"].to_pylist() == [["x"]]


def test_declaration_is_optional(corpus: Path) -> None:
    declaration = read_corpus(str(corpus)).declaration
    assert (declaration.name, declaration.ontology, declaration.mask_patterns) == (corpus.name, None, ())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("corpus.toml", "name = ", r"corpus\.toml of corpus .* cannot be read"),
        ("corpus.toml", "lisence = 'x'", "is wrong at 'lisence'"),
        ("corpus.toml", "language = 'English'", "is wrong at 'language'"),
        ("corpus.toml", "mask_patterns = ['(']", r"'\(' is not a regular expression"),
        ("triggers.toml", "[[rule]]\nevent = 'x'", r"is wrong at 'rule\.0\.pattern'"),
        ("triggers.toml", "[[rule]]\nevent = 'x'\npattern = '['", "is not a regular expression"),
    ],
)
def test_declaration_mistakes_are_named(corpus: Path, name: str, content: str, message: str) -> None:
    (corpus / name).write_text(content)
    with pytest.raises(CorpusError, match=message):
        read_corpus(str(corpus))
