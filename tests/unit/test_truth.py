from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from corpora.truth import MinedPattern, PlantedPattern, Truth, normalise_name, read_truth, score_found
from miner.errors import CorpusError

if TYPE_CHECKING:
    from pathlib import Path

BOX = (1.0, 2.0, 30.0, 40.0)


def planted(name: str, records: str, event_type: str = "Disaster") -> PlantedPattern:
    return PlantedPattern(event_type, name, (name, f"{name}s"), dict.fromkeys(records, (BOX,)))


def mined(names: str, records: str, event_type: str = "Disaster") -> MinedPattern:
    return MinedPattern(event_type, tuple(names.split(", ")), frozenset(records))


def test_truth_finds_a_pattern_of_right_type_evidence_and_name() -> None:
    report = score_found([mined("the Boats, water", "abcd")], Truth((planted("boat", "abc"),), ()), k=1)
    (match,) = report.matches
    assert (match.found, match.position, match.jaccard, match.name) == (True, 0, 0.75, "the Boats")
    assert (report.recall, report.precision, report.k) == (1.0, 1.0, 1)


@pytest.mark.parametrize(
    "pattern",
    [
        mined("boat", "abcd", event_type="Sports"),
        mined("boat", "abc"),
        mined("water, house, tree, boat", "abcd"),
        mined("boat trip", "abcd"),
    ],
    ids=["other type", "too little evidence", "name only fourth", "other name"],
)
def test_truth_misses_a_pattern_with_one_thing_wrong(pattern: MinedPattern) -> None:
    truth = Truth((planted("boat", "abcdefg"),), ())
    report = score_found([pattern], truth, k=1)
    assert (report.recall, report.precision) == (0.0, 0.0)
    assert score_found([mined("boat", "abcd")], truth, k=1).recall == 1.0


def test_truth_accepts_evidence_that_overlaps_by_exactly_one_half() -> None:
    report = score_found([mined("boat", "ab")], Truth((planted("boat", "abcd"),), ()), k=1)
    assert report.matches[0].jaccard == 0.5
    assert report.matches[0].found


def test_truth_counts_copies_once() -> None:
    truth = Truth((planted("boat", "abxyz"),), (("a", "x"), ("a", "y"), ("b", "z")))
    shown_twice = score_found([mined("boat", "xycd")], truth, k=1).matches[0]
    assert shown_twice.jaccard == pytest.approx(1 / 4)
    assert score_found([mined("boat", "yb")], truth, k=1).matches[0].jaccard == 1.0


def test_truth_prefers_the_match_that_is_found_over_one_with_more_overlap() -> None:
    patterns = [mined("water", "abcd"), mined("boat", "abc")]
    match = score_found(patterns, Truth((planted("boat", "abcd"),), ()), k=2).matches[0]
    assert (match.position, match.jaccard, match.found) == (1, 0.75, True)


def test_truth_shows_the_nearest_miss() -> None:
    patterns = [mined("water", "a"), mined("water", "abcd")]
    match = score_found(patterns, Truth((planted("boat", "abcd"),), ()), k=2).matches[0]
    assert (match.position, match.jaccard, match.name, match.found) == (1, 1.0, None, False)


def test_truth_matches_nothing_without_common_evidence() -> None:
    match = score_found([mined("boat", "xy")], Truth((planted("boat", "ab"),), ()), k=1).matches[0]
    assert (match.position, match.jaccard, match.name, match.found) == (None, 0.0, None, False)


def test_truth_takes_recall_from_all_patterns_and_precision_from_the_first_k() -> None:
    truth = Truth((planted("boat", "ab"), planted("tent", "cd")), ())
    patterns = [mined("boat", "ab"), mined("boat", "bc"), mined("tent", "cd")]
    report = score_found(patterns, truth, k=2)
    assert (report.recall, report.precision, report.k) == (1.0, 0.5, 2)
    assert score_found(patterns, truth, k=9).precision == pytest.approx(2 / 3)


def test_truth_gives_nothing_for_no_patterns() -> None:
    report = score_found([], Truth((planted("boat", "ab"),), ()), k=5)
    assert (report.recall, report.precision, report.k) == (0.0, 0.0, 0)
    assert not report.matches[0].found


def test_truth_compares_names_without_case_article_and_hyphen() -> None:
    assert normalise_name("  The Goal-Net ") == "goal net"
    assert normalise_name("theatre") == "theatre"


def test_truth_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    pattern = {"eventType": "Disaster", "name": "boat", "names": ["boat"], "boxes": {"a": [[1, 2, 30, 40]]}}
    path.write_text(json.dumps({"patterns": [pattern], "groups": [["a", "b"]]}))
    assert read_truth(path) == Truth((PlantedPattern("Disaster", "boat", ("boat",), {"a": (BOX,)}),), (("a", "b"),))


@pytest.mark.parametrize("text", [None, "{", "[]", '{"groups": []}', '{"patterns": [{}], "groups": []}'])
def test_truth_refuses_other_files_by_name(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "truth.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CorpusError, match=r"truth\.json is no readable truth file"):
        read_truth(path)
