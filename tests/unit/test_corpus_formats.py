"""What is particular to single formats; what they share is in tests/contracts/test_readers.py."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpora.records import Corpus, read_corpus
from miner.errors import CorpusError

if TYPE_CHECKING:
    from pathlib import Path


def write_json(path: Path, document: object) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def rows_of(corpus: Corpus) -> list[dict[str, Any]]:
    return list(corpus.records.to_pylist())


def write_shard(path: Path, members: list[tuple[str, bytes]], mode: str = "w") -> None:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, data in members:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


# Parquet --------------------------------------------------------------------------------------------------------------


def test_parquet_numbers_and_missing_values_become_text(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    table = pa.table({"id": [12.0], "image": ["a.jpg"], "caption": ["x"], "date": [None], "label": [float("nan")]})
    pq.write_table(table, tmp_path / "manifest.parquet")
    (row,) = rows_of(read_corpus(str(tmp_path)))
    assert (row["record"], row["time"], row["events"]) == ("12", None, [])


def test_parquet_embedded_images_are_not_taken_for_paths(tmp_path: Path) -> None:
    table = pa.table({"image": [{"bytes": b"\xff", "path": "a.jpg"}], "text": ["x"]})
    pq.write_table(table, tmp_path / "manifest.parquet")
    with pytest.raises(CorpusError, match="No column for image; the columns are: text"):
        read_corpus(str(tmp_path))


def test_parquet_damaged_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "manifest.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(CorpusError, match=r"manifest.parquet is not a readable Parquet file"):
        read_corpus(str(tmp_path))


# MS-COCO --------------------------------------------------------------------------------------------------------------


def coco(folder: Path, **changes: object) -> Path:
    (folder / "a.jpg").write_bytes(b"a")
    document = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [{"image_id": 1, "caption": "x"}]}
    write_json(folder / "captions_val.json", {**document, **changes})
    return folder / "captions_val.json"


def test_coco_ids_match_as_text(tmp_path: Path) -> None:
    coco(tmp_path, annotations=[{"image_id": "1", "caption": "x"}, {"image_id": 1, "caption": "y"}])
    assert rows_of(read_corpus(str(tmp_path)))[0]["captions"] == ["x", "y"]


def test_coco_entries_that_fit_nowhere_are_bad_rows(tmp_path: Path) -> None:
    images = [{"id": 1, "file_name": "a.jpg"}, {"file_name": "b.jpg"}, "c.jpg", {"id": 2}]
    coco(tmp_path, images=images, annotations=[{"image_id": 1, "caption": "x"}, {"image_id": 9, "caption": "y"}, 5])
    assert [(row["where"], row["code"]) for row in rows_of(read_corpus(str(tmp_path)))] == [
        ("captions_val.json:images[0]", None),
        ("captions_val.json:images[1]", "not-an-object"),
        ("captions_val.json:images[2]", "not-an-object"),
        ("captions_val.json:images[3]", "no-image"),
        ("captions_val.json:annotations[1]", "unknown-image"),
        ("captions_val.json:annotations[2]", "unknown-image"),
    ]


def test_coco_file_in_annotations_belongs_to_the_folder_above(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    coco(tmp_path).rename(tmp_path / "annotations" / "instances.json")
    corpus = read_corpus(str(tmp_path / "annotations" / "instances.json"))
    assert (corpus.declaration.name, corpus.open_image("a.jpg")) == (tmp_path.name, b"a")


@pytest.mark.parametrize("document", [[1], {"images": []}, {"images": {}, "annotations": []}])
def test_coco_other_json_is_an_error(tmp_path: Path, document: object) -> None:
    write_json(tmp_path / "captions.json", document)
    with pytest.raises(CorpusError, match=r"captions.json is not a COCO captions file"):
        read_corpus(str(tmp_path))


# Image folders --------------------------------------------------------------------------------------------------------


def test_imagefolder_reads_each_split_and_images_without_metadata(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / split / "deep").mkdir(parents=True)
        (tmp_path / split / "metadata.csv").write_text("file_name,text\ndeep/a.jpg,x\nb.jpg,y\n")
        for name in ("deep/a.jpg", "b.jpg", "c.PNG", "readme.md"):
            (tmp_path / split / name).write_bytes(name.encode())
    rows = rows_of(read_corpus(str(tmp_path)))
    assert [(row["record"], row["captions"], row["notes"]) for row in rows] == [
        ("test/deep/a.jpg", ["x"], []),
        ("test/b.jpg", ["y"], []),
        ("test/c.PNG", [], ["no-caption", "not-in-metadata"]),
        ("train/deep/a.jpg", ["x"], []),
        ("train/b.jpg", ["y"], []),
        ("train/c.PNG", [], ["no-caption", "not-in-metadata"]),
    ]
    assert [row["where"] for row in rows[:3]] == ["test/metadata.csv:2", "test/metadata.csv:3", "test/c.PNG"]


def test_imagefolder_paths_out_of_a_split_but_inside_the_corpus_are_fine(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "a.jpg").write_bytes(b"a")
    lines = [{"file_name": "../a.jpg", "text": "x"}, {"file_name": "../../b.jpg", "text": "x"}]
    (tmp_path / "train" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert [row["code"] for row in rows_of(read_corpus(str(tmp_path)))] == [None, "path-outside"]


def test_imagefolder_needs_file_name(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("image,text\na.jpg,x\n")
    with pytest.raises(CorpusError, match=r"metadata.csv needs a column 'file_name'; its columns are: image, text"):
        read_corpus(str(tmp_path))


# WebDataset -----------------------------------------------------------------------------------------------------------


def test_webdataset_samples_with_missing_or_doubled_members(tmp_path: Path) -> None:
    members = [
        ("in/1.jpg", b"one"), ("in/1.seg.png", b"mask"), ("in/1.txt", b"caf\xe9"),
        ("2.txt", b"no image"),
        ("3.png", b"three"), ("3.json", b'{"caption": "of three", "url": "https://example.org/3"}'), ("3.txt", b"text"),
        ("4.jpg", b"four"), ("4.json", b"[broken"),
        ("4.jpg", b"four again"),
    ]  # fmt: skip
    write_shard(tmp_path / "0.tar", members)
    rows = rows_of(read_corpus(str(tmp_path)))
    assert [(row["record"], row["code"], row["captions"], row["notes"]) for row in rows] == [
        ("1", None, ["café"], ["not-utf8"]),
        ("0.tar::2", "no-image", [], []),
        ("3", None, ["of three"], []),
        ("4", None, [], ["no-caption", "unreadable-metadata"]),
        ("4#2", "duplicate-id", [], []),
    ]
    assert (rows[0]["image"], rows[0]["imageBytes"]) == ("0.tar::in/1.jpg", 3)
    assert rows[2]["source"] == "https://example.org/3"


def test_webdataset_cut_off_shard_keeps_what_is_whole(tmp_path: Path) -> None:
    write_shard(tmp_path / "0.tar", [("1.jpg", b"1" * 2_000), ("1.txt", b"x"), ("2.jpg", b"2" * 2_000)])
    whole = (tmp_path / "0.tar").read_bytes()
    (tmp_path / "0.tar").write_bytes(whole[: whole.index(b"2" * 2_000) + 1_000])
    assert [row["code"] for row in rows_of(read_corpus(str(tmp_path)))] == [None, "truncated-image"]


def test_webdataset_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    write_shard(tmp_path / "0.tar", [("1.jpg", b"one"), ("1.txt", b"x")])
    with tarfile.open(tmp_path / "0.tar", "a") as tar:
        link = tarfile.TarInfo("2.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "secret.jpg"
        tar.addfile(link)
    corpus = read_corpus(str(tmp_path / "0.tar"))
    assert [(row["record"], row["code"]) for row in rows_of(corpus)] == [("0.tar::2.jpg", "not-a-file"), ("1", None)]


def test_webdataset_compressed_shard_is_an_error(tmp_path: Path) -> None:
    write_shard(tmp_path / "0.tar", [("1.jpg", b"one")], "w:gz")
    with pytest.raises(CorpusError, match=r"0.tar is not a readable, uncompressed tar file"):
        read_corpus(str(tmp_path))
