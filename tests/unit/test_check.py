from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from corpora.check import CorpusReport, Problem, Spread, check_corpus
from corpora.labels import label_records
from corpora.records import Corpus, read_corpus

if TYPE_CHECKING:
    from pathlib import Path

LINES = [
    {"id": "r0", "image": "0.jpg", "captions": ["A dog runs over the grass .", "Two dogs play"], "event": "Life:Eat"},
    {"id": "r1", "image": "1.jpg", "captions": ["Ein Mann fährt mit dem Fahrrad durch den Park"], "event": "Meal"},
    {"id": "r2", "image": "2.jpg", "captions": [], "event": "Gardening"},
    {"id": "r3", "image": "3.jpg", "captions": ["A man rides a bike through the park"], "event": ["Meal", "Life:Eat"]},
    {"id": "r3", "image": "3.jpg", "captions": ["again"], "event": "Meal"},
    {"id": "r5", "image": "none.jpg", "captions": ["no file"], "event": "Meal"},
    {"id": "r6", "image": "none.jpg", "captions": ["no file"]},
    {"id": "r7", "image": "7.jpg", "captions": ["A red car is parked in the street"]},
]
CONTENT = {"0.jpg": b"same", "1.jpg": b"other", "2.jpg": b"same", "3.jpg": b"three", "7.jpg": b"same"}


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    for name, data in CONTENT.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, LINES)))
    (tmp_path / "corpus.toml").write_text('name = "tiny"\nlanguage = "en"\n')
    return read_corpus(str(tmp_path))


def check(corpus: Corpus, *, images: pa.Table | None = None, groups: list[int] | None = None) -> CorpusReport:
    labelling = label_records(corpus.records, corpus.declaration)
    return check_corpus(
        corpus, labelling, image_problems=images, groups=None if groups is None else np.array(groups, np.int64)
    )


def make_images(rows: list[int | None]) -> pa.Table:
    """Return a table of encoded images: those without a row could not be decoded."""
    records = ["r0", "r1", "r2", "r3", "r3#2", "r5", "r6", "r7"]
    entries = [
        {"record": record, "status": "bad" if row is None else "ok", "row": row}
        | {"code": "truncated" if row is None else None, "reason": "the file ends early" if row is None else None}
        for record, row in zip(records, rows, strict=True)
    ]
    return pa.Table.from_pylist(entries)


def test_check_counts_records_and_labels(corpus: Corpus) -> None:
    report = check(corpus)
    assert (report.name, report.reader, report.ontology, report.label_mode) == ("tiny", "table", "everyday", "column")
    assert (report.n_records, report.n_usable, report.n_labelled, report.n_captions) == (8, 5, 3, 5)
    assert report.event_types == {"Life.Eat": 2, "Life.Meal": 2}
    assert report.bad_ratio == pytest.approx(3 / 8)
    assert report.image_bytes == 4 + 5 + 4 + 5 + 4


def test_check_gathers_problems_with_examples(corpus: Corpus) -> None:
    report = check(corpus)
    assert report.problems == (
        Problem(
            "missing-image",
            2,
            ("captions.jsonl:6: none.jpg does not exist", "captions.jsonl:7: none.jpg does not exist"),
        ),
        Problem("duplicate-id", 1, ("captions.jsonl:5: id 'r3' is already at captions.jsonl:4",)),
    )
    assert [(problem.code, problem.count) for problem in report.label_problems] == [("unknown-event", 1)]
    assert report.label_problems[0].examples[0].startswith("captions.jsonl:3: event 'Gardening' is not in ontology")
    assert report.notes == (Problem("no-caption", 1, ("captions.jsonl:3",)),)


def test_check_describes_captions(corpus: Corpus) -> None:
    report = check(corpus)
    assert report.captions_per_record == Spread(0, 1, 1.0, 2)
    assert report.caption_words == Spread(3, 8, 7.0, 9)
    assert report.caption_languages == {"en": 3, "und": 1, "de": 1}
    assert (report.declared_language, report.other_language) == ("en", 1)


def test_check_finds_exact_copies(corpus: Corpus) -> None:
    report = check(corpus)
    assert (report.exact_copies, report.near_copies) == (2, None)
    assert report.copy_examples == (("r0", "r2", "r7"),)


def test_check_finds_near_copies_by_photo_group(corpus: Corpus) -> None:
    report = check(corpus, images=make_images([0, 1, 2, 3, None, None, None, 4]), groups=[0, 1, 0, 1, 1])
    assert report.near_copies == 3
    assert report.copy_sizes == {3: 1, 2: 1}
    assert report.copy_examples == (("r1", "r3", "r7"), ("r0", "r2"))


def test_check_near_copies_without_an_image_table_go_by_position(corpus: Corpus) -> None:
    report = check(corpus, groups=[0, 1, 0, 3, 4])
    assert (report.near_copies, report.copy_examples) == (1, (("r0", "r2"),))


def test_check_counts_images_that_could_not_be_decoded(corpus: Corpus) -> None:
    report = check(corpus, images=make_images([0, None, 1, 2, None, None, None, 3]), groups=[0, 1, 2, 3])
    truncated = next(problem for problem in report.problems if problem.code == "truncated")
    assert truncated == Problem("truncated", 1, ("captions.jsonl:2: the file ends early",))
    assert (report.n_usable, report.n_labelled, report.event_types["Life.Meal"]) == (4, 2, 1)


def test_check_report_is_json_with_camel_case_keys(corpus: Corpus) -> None:
    report = json.loads(json.dumps(check(corpus).to_json()))
    assert report["nRecords"] == 8
    assert report["problems"][1] == {
        "code": "duplicate-id",
        "count": 1,
        "examples": ["captions.jsonl:5: id 'r3' is already at captions.jsonl:4"],
    }
    assert report["captionsPerRecord"] == {"smallest": 0, "median": 1, "mean": 1.0, "largest": 2}
    assert report["eventTypes"] == {"Life.Eat": 2, "Life.Meal": 2}
    assert report["badRatio"] == pytest.approx(0.375)
