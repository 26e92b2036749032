"""The real corpora beside the project are read and labelled without any help."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest

from corpora.labels import Labelling, label_records
from corpora.records import Corpus, read_corpus

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@lru_cache(maxsize=3)
def read(name: str) -> tuple[Corpus, Labelling]:
    if not (DATA / name).is_dir():
        pytest.skip(f"../shared/data/{name} is not there")
    corpus = read_corpus(str(DATA / name))
    return corpus, label_records(corpus.records, corpus.declaration)


@pytest.mark.parametrize(
    ("name", "ontology", "n_records", "n_labelled", "n_types", "sample"),
    [
        ("flickr-dev", "everyday", 4_814, 2_430, 13, {"Animal.Chase": 634, "Life.Celebrate": 63}),
        ("news-dev", "news", 1_517, 1_112, 11, {"Conflict.Attack": 196, "Movement.Transport": 31, "Sports": 115}),
        ("coco-dev", "everyday", 1_219, 884, 5, {"Travel.Vehicle": 160, "Sport": 186, "Life.Meal": 169, "Home": 141}),
    ],
)
def test_dev_corpora_are_read_and_labelled_as_they_are(
    name: str, ontology: str, n_records: int, n_labelled: int, n_types: int, sample: dict[str, int]
) -> None:
    corpus, labelling = read(name)
    counts = Counter(event_type for types in labelling.table["eventTypes"].to_pylist() for event_type in types)
    assert corpus.records["status"].to_pylist() == ["ok"] * n_records
    assert labelling.ontology.name == ontology
    assert labelling.table["code"].null_count == n_records
    assert (counts.total(), len(counts)) == (n_labelled, n_types)
    assert {event_type: counts[event_type] for event_type in sample} == sample


def test_dev_corpora_triggers_find_what_the_column_says() -> None:
    corpus, labelling = read("flickr-dev")
    records = corpus.records.slice(0, 1_500)
    found = label_records(records, corpus.declaration, ontology="everyday", mode="triggers")
    column = labelling.table["eventTypes"].to_pylist()[:1_500]
    pairs = zip(column, found.table["eventTypes"].to_pylist(), strict=True)
    assert all(set(by_column) <= set(by_triggers) for by_column, by_triggers in pairs)


def test_dev_corpora_mask_what_made_the_labels() -> None:
    _, labelling = read("flickr-dev")
    masks = [re.compile(pattern, re.IGNORECASE) for pattern in labelling.mask_patterns]
    masked = {word for word in ("surfer", "puppy", "jumping", "rappelling", "wetsuit", "stair") if _hit(masks, word)}
    assert masked == {"surfer", "puppy", "jumping", "rappelling"}


def _hit(masks: list[re.Pattern[str]], word: str) -> bool:
    return any(mask.search(word) for mask in masks)
