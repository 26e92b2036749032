from __future__ import annotations

import json
import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from corpora.records import Corpus, read_corpus
from miner.errors import CorpusError, ImageError

if TYPE_CHECKING:
    from pathlib import Path


def make_corpus(folder: Path, *lines: object, images: tuple[str, ...] = ("a.jpg", "b.jpg", "c.jpg")) -> Path:
    """Write `captions.jsonl` (objects as JSON, bytes as they are) and image files whose content is their name."""
    folder.mkdir(exist_ok=True)
    for name in images:
        (folder / name).write_bytes(name.encode())
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    (folder / "captions.jsonl").write_bytes(b"\n".join(raw))
    return folder


def record(number: int, **values: object) -> dict[str, object]:
    return {"id": f"r{number}", "image": f"{'abc'[number]}.jpg", "caption": "A dog .", **values}


def read_rows(folder: Path) -> list[dict[str, Any]]:
    return list(read_corpus(str(folder)).records.to_pylist())


def codes(folder: Path) -> list[str | None]:
    return [row["code"] for row in read_rows(folder)]


def test_records_keep_the_first_of_each_id(tmp_path: Path) -> None:
    again = record(1, id="r0")
    rows = read_rows(make_corpus(tmp_path, record(0), again, record(2, id="r0#2"), record(2, id="r0")))
    assert [(row["record"], row["code"]) for row in rows] == [
        ("r0", None),
        ("r0#3", "duplicate-id"),
        ("r0#2", None),
        ("r0#4", "duplicate-id"),
    ]
    assert rows[1]["reason"] == "id 'r0' is already at captions.jsonl:1"


def test_records_name_the_place_of_unreadable_lines(tmp_path: Path) -> None:
    rows = read_rows(make_corpus(tmp_path, record(0), b"{broken", b"", b"[1, 2]", b"null", b"[" * 100_000, record(1)))
    assert [(row["record"], row["code"]) for row in rows] == [
        ("r0", None),
        ("captions.jsonl:2", "unreadable-line"),
        ("captions.jsonl:4", "not-an-object"),
        ("captions.jsonl:5", "not-an-object"),
        ("captions.jsonl:6", "unreadable-line"),
        ("r1", None),
    ]
    assert rows[2]["reason"] == "the line is a JSON list, not an object"


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("none.jpg", "missing-image"),
        ("empty.jpg", "empty-image"),
        ("folder", "unreadable-image"),
        ("../outside.jpg", "path-outside"),
        ("folder/../../outside.jpg", "path-outside"),
        ("..\\outside.jpg", "path-outside"),
        ("link.jpg", "path-outside"),
        ("linked/outside.jpg", "path-outside"),
        (".", "path-outside"),
        ("https://example.org/a.jpg", "remote-image"),
        ("file:///etc/hostname", "remote-image"),
        ("x" * 5_000 + ".jpg", "unreadable-image"),
        ("", "no-image"),
        (None, "no-image"),
        ({"bytes": "..."}, "no-image"),
    ],
)
def test_records_whose_image_cannot_be_used_say_why(tmp_path: Path, image: object, code: str) -> None:
    (tmp_path / "outside.jpg").write_bytes(b"secret")
    corpus = make_corpus(tmp_path / "corpus", record(0), record(1, image=image))
    (corpus / "empty.jpg").touch()
    (corpus / "folder").mkdir()
    (corpus / "link.jpg").symlink_to("../outside.jpg")
    (corpus / "linked").symlink_to("..")
    good, bad = read_rows(corpus)
    assert (good["code"], good["imageBytes"]) == (None, 5)
    assert (bad["status"], bad["code"], bad["imageBytes"], bad["imageHash"]) == ("bad", code, None, None)
    assert bad["reason"]


def test_records_absolute_path_outside_is_bad(tmp_path: Path) -> None:
    (tmp_path / "outside.jpg").write_bytes(b"secret")
    corpus = make_corpus(tmp_path / "corpus", record(0), record(1, image=str(tmp_path / "outside.jpg")))
    assert codes(corpus) == [None, "path-outside"]


def test_records_paths_inside_are_made_relative(tmp_path: Path) -> None:
    corpus = make_corpus(
        tmp_path / "corpus",
        record(0, image=str(tmp_path / "corpus" / "a.jpg")),
        record(1, image="./x/../b.jpg"),
        record(2, image="inner.jpg"),
    )
    (corpus / "inner.jpg").symlink_to("c.jpg")
    assert [row["image"] for row in read_rows(corpus)] == ["a.jpg", "b.jpg", "inner.jpg"]


def test_records_in_a_linked_folder_can_be_read(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "corpus", record(0), record(1, image=str(tmp_path / "link" / "b.jpg")))
    (tmp_path / "link").symlink_to(corpus)
    assert [row["image"] for row in read_rows(tmp_path / "link")] == ["a.jpg", "b.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_records_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path, record(0), record(1, image="pipe.jpg"))
    os.mkfifo(corpus / "pipe.jpg")
    assert codes(corpus) == [None, "unreadable-image"]


def test_records_captions_are_repaired_and_noted(tmp_path: Path) -> None:
    rows = read_rows(
        make_corpus(
            tmp_path,
            record(0, caption=["", "  A dog . ", None, 7, {"raw": "x"}]),
            b'{"id": "r1", "image": "b.jpg", "caption": "caf\xe9 \x80 \xc3\xa9"}',
            b'{"id": "r2", "image": "c.jpg", "caption": "half \\ud83d, whole \\ud83d\\ude00, bell \\u0007"}',
        )
    )
    assert [row["captions"] for row in rows] == [["A dog .", "7"], ["café € é"], ["half \ufffd, whole 😀, bell"]]
    assert [row["notes"] for row in rows] == [
        ["empty-caption", "not-text"],
        ["not-utf8"],
        ["control-character", "surrogate"],
    ]


def test_records_captions_of_any_script_and_length_are_kept(tmp_path: Path) -> None:
    captions = ["كلب يركض في الحديقة", "👩‍👩‍👧 👍🏽", "e\u0301 \u200f", "word " * 50_000 + "end"]
    (row,) = read_rows(make_corpus(tmp_path, record(0, captions=captions)))
    assert row["captions"] == [caption.strip() for caption in captions]


def test_records_without_a_caption_stay_usable(tmp_path: Path) -> None:
    rows = read_rows(make_corpus(tmp_path, record(0), record(1, caption=" "), record(2, caption=None)))
    assert [(row["status"], row["notes"]) for row in rows] == [
        ("ok", []),
        ("ok", ["empty-caption", "no-caption"]),
        ("ok", ["no-caption"]),
    ]


def test_records_without_ids_merge_the_lines_of_an_image(tmp_path: Path) -> None:
    lines = [
        {"image": "a.jpg", "caption": "one", "event": "Eat"},
        {"image": "b.jpg", "caption": "other"},
        {"image": "a.jpg", "caption": "two", "event": "Swim"},
    ]
    first, second = read_rows(make_corpus(tmp_path, *lines))
    assert (first["record"], first["captions"], first["events"]) == ("a.jpg", ["one", "two"], ["Eat", "Swim"])
    assert first["notes"] == ["merged-lines"]
    assert (second["record"], second["captions"], second["notes"]) == ("b.jpg", ["other"], [])


def test_records_event_values_are_split_unless_declared_whole(tmp_path: Path) -> None:
    corpus = make_corpus(
        tmp_path, record(0, event="Eat; Swim|Eat"), record(1, event="Rock;Roll"), record(2, event=["a;b", "none"])
    )
    (corpus / "corpus.toml").write_text('[aliases]\n"Rock;Roll" = "Culture.Perform"\n')
    assert [row["events"] for row in read_rows(corpus)] == [["Eat", "Swim"], ["Rock;Roll"], ["a;b"]]


@pytest.mark.parametrize("value", [None, "", " ", "None", "nan", "NULL", "n/a", "-", [], float("nan")])
def test_records_event_values_that_mean_none(tmp_path: Path, value: object) -> None:
    assert read_rows(make_corpus(tmp_path, record(0, event=value)))[0]["events"] == []


def test_records_take_licence_and_credit_of_the_corpus(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path, record(0), record(1, license="CC0", author="Her"))
    (corpus / "corpus.toml").write_text('licence = "CC BY 4.0"\ncredit = "Example Agency"\n')
    rows = read_rows(corpus)
    assert [(row["licence"], row["credit"]) for row in rows] == [("CC BY 4.0", "Example Agency"), ("CC0", "Her")]


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_records_empty_corpus_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CorpusError, match="is empty"):
        read_corpus(str(make_corpus(tmp_path, content)))


def test_records_none_usable_is_an_error_that_names_the_reason(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path, record(0, image="x.jpg"), record(1, image="y.jpg"), record(2, image="../z.jpg"))
    with pytest.raises(CorpusError, match=r"None of the 3 records .* 2 are 'missing-image', .*x\.jpg does not exist"):
        read_corpus(str(corpus))


def test_records_unreadable_file_is_an_error_that_names_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"captions\.jsonl:1: the line is not valid JSON"):
        read_corpus(str(make_corpus(tmp_path, b"\x89PNG", b"\x00\x01")))


def test_records_progress_ends_at_the_number_of_records(tmp_path: Path) -> None:
    seen: list[int] = []
    lines = [{"id": str(n), "image": "a.jpg", "caption": "x"} for n in range(1_100)]
    read_corpus(str(make_corpus(tmp_path, *lines)), on_progress=seen.append)
    assert seen == [512, 1_024, 1_100]


def test_records_are_in_the_order_of_the_input(tmp_path: Path) -> None:
    lines = [{"id": str(n * 7_919 % 1_000), "image": "a.jpg", "caption": "x"} for n in range(1_000)]
    assert [row["record"] for row in read_rows(make_corpus(tmp_path, *lines))] == [line["id"] for line in lines]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    (tmp_path / "outside.jpg").write_bytes(b"secret")
    return read_corpus(str(make_corpus(tmp_path / "corpus", record(0))))


def test_records_images_open_after_pickling(corpus: Corpus) -> None:
    source = pickle.loads(pickle.dumps(corpus.images))  # noqa: S301 - our own bytes
    assert source.open("a.jpg") == b"a.jpg"


@pytest.mark.parametrize(
    ("image", "code"),
    [("../outside.jpg", "path-outside"), ("/etc/hostname", "path-outside"), ("../shard.tar::x.jpg", "path-outside"),
     ("none.jpg", "missing-image"), ("none.tar::x.jpg", "missing-image"), ("\x00", "path-outside")],
)  # fmt: skip
def test_records_images_outside_cannot_be_opened(corpus: Corpus, image: str, code: str) -> None:
    with pytest.raises(ImageError) as caught:
        corpus.open_image(image)
    assert caught.value.code == code
