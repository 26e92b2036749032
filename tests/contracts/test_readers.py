"""Every reader must give the same table for the same records; only the names of places may differ."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpora.records import RECORDS, Corpus, read_corpus

if TYPE_CHECKING:
    from pathlib import Path

    from tests.object_store import ObjectStore

Record = dict[str, Any]

RECORDS_IN: list[Record] = [
    {
        "id": "a1",
        "file": "a1.jpg",
        "captions": ["A dog runs .", "Brown dog, on grass"],
        "event": ["Animal:Chase"],
        "source": "Example Agency",
        "time": "2023-07-14T10:00:00",
        "licence": "CC BY 4.0",
        "credit": "A. Photographer",
    },
    {"id": "b2", "file": "b2.jpg", "captions": ["Das „Fest“ 😀 عيد\nzweite Zeile; mit | Zeichen"], "event": []},
    {"id": "c3", "file": "c3.jpg", "captions": [], "event": ["Life:Eat", "Life:Celebrate"]},
    {"id": "d4", "file": "d4.jpg", "captions": ["x" * 200_000], "event": ["Life:Eat"]},
    {"id": "e5", "file": "missing.jpg", "captions": ["no such file"], "event": ["Life:Eat"]},
]
OPTIONAL = ("source", "time", "licence", "credit")
IMAGES = {
    record["file"]: f"image of {record['id']}".encode() for record in RECORDS_IN if record["file"] != "missing.jpg"
}

HASHES = {
    "a1": "94ab13baf7d3461edcfc933073aed09c",
    "b2": "c4864a5dacdef48e9b8a07141a541400",
    "c3": "9cb332d82b40bfa51229fbec05f8d80e",
    "d4": "317cc1b653312b3af82501ed8343956f",
}
"""BLAKE2b of each image, 16 bytes, from Python's hashlib."""


def write_images(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in IMAGES.items():
        (folder / name).write_bytes(data)


def optional_values(record: Record) -> Record:
    return {name: record[name] for name in OPTIONAL if name in record}


def comparable(corpus: Corpus) -> list[Record]:
    """Drop what names a place: the format's own, and sentences that repeat it."""
    rows = corpus.records.drop_columns(["where", "image", "reason"]).to_pylist()
    return sorted(rows, key=lambda row: str(row["record"]))


class ReaderContract(ABC):
    reader: str
    has_missing_image = True

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write the records and their images in the format of this reader."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        self.write(tmp_path / "corpus")
        return tmp_path / "corpus"

    def expected(self) -> list[Record]:
        rows = []
        for record in RECORDS_IN:
            data = IMAGES.get(record["file"])
            if data is None and not self.has_missing_image:
                continue
            rows.append(self.expected_row(record, data))
        return rows

    def expected_row(self, record: Record, data: bytes | None) -> Record:
        ok = data is not None
        return {
            "record": record["id"],
            "captions": record["captions"],
            "events": record["event"],
            **{name: record.get(name) for name in OPTIONAL},
            "imageBytes": len(data) if data is not None else None,
            "imageHash": HASHES.get(record["id"]),
            "status": "ok" if ok else "bad",
            "code": None if ok else "missing-image",
            "notes": [] if record["captions"] else ["no-caption"],
        }

    def test_reader_gives_the_records(self, folder: Path) -> None:
        corpus = read_corpus(str(folder))
        assert corpus.records.schema == RECORDS
        assert comparable(corpus) == self.expected()

    def test_reader_is_detected(self, folder: Path) -> None:
        assert read_corpus(str(folder)).reader == self.reader

    def test_reader_can_be_named(self, folder: Path) -> None:
        assert comparable(read_corpus(str(folder), reader=self.reader)) == self.expected()

    def test_reader_images_can_be_opened(self, folder: Path) -> None:
        corpus = read_corpus(str(folder))
        usable = [row for row in corpus.records.to_pylist() if row["status"] == "ok"]
        assert {corpus.open_image(row["image"]) for row in usable} == set(IMAGES.values())

    def test_reader_takes_a_file_url(self, folder: Path) -> None:
        assert comparable(read_corpus(folder.as_uri())) == self.expected()

    def test_reader_takes_a_remote_folder(self, folder: Path) -> None:
        memory = fsspec.filesystem("memory")
        root = f"/{type(self).__name__}"
        memory.put(f"{folder}/", root, recursive=True)
        try:
            corpus = read_corpus(f"memory:/{root}")
            assert comparable(corpus) == self.expected()
            usable = [row for row in corpus.records.to_pylist() if row["status"] == "ok"]
            assert {corpus.open_image(row["image"]) for row in usable} == set(IMAGES.values())
        finally:
            memory.rm(root, recursive=True)

    def test_reader_takes_an_object_store(self, folder: Path, object_store: ObjectStore) -> None:
        corpus = read_corpus(object_store.put(folder, type(self).__name__))
        assert comparable(corpus) == self.expected()
        usable = [row for row in corpus.records.to_pylist() if row["status"] == "ok"]
        assert {corpus.open_image(row["image"]) for row in usable} == set(IMAGES.values())


class TestCsv(ReaderContract):
    reader = "table"
    delimiter, name = ",", "manifest.csv"

    def write(self, folder: Path) -> None:
        write_images(folder / "images")
        with (folder / self.name).open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file, delimiter=self.delimiter)
            lines.writerow(["id", "image", "captions", "event", *OPTIONAL])
            for record in RECORDS_IN:
                captions = json.dumps(record["captions"], ensure_ascii=False) if record["captions"] else ""
                optional = [record.get(name, "") for name in OPTIONAL]
                lines.writerow(
                    [record["id"], f"images/{record['file']}", captions, "|".join(record["event"]), *optional]
                )


class TestTsv(TestCsv):
    delimiter, name = "\t", "manifest.tsv"


class TestJsonl(ReaderContract):
    reader = "table"

    def write(self, folder: Path) -> None:
        write_images(folder / "images")
        lines = [json.dumps(self.entry(record), ensure_ascii=False) for record in RECORDS_IN]
        (folder / "captions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def entry(self, record: Record) -> Record:
        return {
            "id": record["id"],
            "image": f"images/{record['file']}",
            "captions": record["captions"],
            "event": record["event"],
            **optional_values(record),
        }


class TestParquet(ReaderContract):
    reader = "table"

    def write(self, folder: Path) -> None:
        write_images(folder / "images")
        rows = [
            {
                "id": record["id"],
                "path": f"images/{record['file']}",
                "captions": record["captions"],
                "labels": record["event"],
                **{name: record.get(name) for name in OPTIONAL},
            }
            for record in RECORDS_IN
        ]
        pq.write_table(pa.Table.from_pylist(rows), folder / "manifest.parquet")


class TestImagefolder(ReaderContract):
    reader = "imagefolder"

    def write(self, folder: Path) -> None:
        write_images(folder / "train")
        lines = [
            {"file_name": record["file"], "id": record["id"], "text": record["captions"], "label": record["event"]}
            | optional_values(record)
            for record in RECORDS_IN
        ]
        (folder / "train" / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")


class TestCoco(ReaderContract):
    reader = "coco"

    def write(self, folder: Path) -> None:
        write_images(folder / "val2017")
        images = [
            {"id": record["id"], "file_name": record["file"], "event": record["event"], "source": record.get("source")}
            | {"date_captured": record.get("time"), "credit": record.get("credit")}
            | ({"license": 4} if "licence" in record else {})
            for record in RECORDS_IN
        ]
        annotations = [
            {"id": number, "image_id": record["id"], "caption": caption}
            for record in reversed(RECORDS_IN)
            for number, caption in enumerate(record["captions"])
        ]
        licences = [{"id": 4, "name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"}]
        document = {"info": {}, "licenses": licences, "images": images, "annotations": annotations}
        (folder / "annotations").mkdir()
        (folder / "annotations" / "captions_val2017.json").write_text(json.dumps(document), encoding="utf-8")


class TestWebdataset(ReaderContract):
    reader = "webdataset"
    has_missing_image = False

    def write(self, folder: Path) -> None:
        folder.mkdir()
        present = [record for record in RECORDS_IN if record["file"] in IMAGES]
        for number, shard in enumerate((present[:2], present[2:])):
            with tarfile.open(folder / f"{number:05}.tar", "w") as tar:
                for record in shard:
                    self.add_sample(tar, record)

    def add_sample(self, tar: tarfile.TarFile, record: Record) -> None:
        captions = record["captions"]
        metadata = {"captions": captions, "event": record["event"], "key": record["id"]} | optional_values(record)
        if len(captions) == 1:
            del metadata["captions"]
        parts = {
            "jpg": IMAGES[record["file"]],
            "json": json.dumps(metadata).encode(),
            "txt": (captions[0] if captions else "").encode(),
        }
        for suffix, data in parts.items():
            member = tarfile.TarInfo(f"{record['id']}.{suffix}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
