from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kb.evaluate.box_truth import BoxedThing, find_boxes, read_boxes
from kb.evaluate.boxes import BoxScore, evaluate_boxes, iou, summarise_boxes
from miner.errors import CorpusError
from miner.patterns.assemble import PATTERNS
from miner.patterns.evidence import EVIDENCE
from tests.kb_run import pattern_row

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"a": (100, 100), "b": (100, 50)}
TYRE = BoxedThing(frozenset({"tyre"}), "A", {"a": ((0, 0, 40, 20),), "b": ((50, 0, 100, 50),)})


def evidence_of(record: str, box: list[float]) -> dict[str, object]:
    image = f"images/{record}.jpg"
    return {"pattern": "P1", "record": record, "image": image, "box": box, "score": 1.0, "group": 0}


def evaluated(
    *places: tuple[str, list[float]], thing: BoxedThing = TYRE, **pattern: object
) -> tuple[list[tuple[str, float, bool]], int, int]:
    row = pattern_row("P1", "A", 1, "tyre") | {"nameHead": "tyre", "alternatives": ["tyre"]} | pattern
    evidence = [evidence_of(record, box) for record, box in places]
    found = evaluate_boxes(
        pa.Table.from_pylist([row], schema=PATTERNS), pa.Table.from_pylist(evidence, schema=EVIDENCE), SIZES, [thing]
    )
    scores = [(score.record, score.iou["pattern"], score.pointing["pattern"]) for score in found.scores]
    return scores, found.unknown, found.not_shown


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ((0, 0, 4, 4), (0, 0, 4, 4), 1),
        ((0, 0, 4, 4), (2, 0, 6, 4), 8 / 24),
        ((0, 0, 4, 4), (4, 0, 8, 4), 0),
        ((0, 0, 4, 4), (1, 1, 3, 3), 4 / 16),
        ((0, 0, 1, 1), (5, 5, 6, 6), 0),
    ],
)
def test_iou_by_hand(one: tuple[float, ...], other: tuple[float, ...], value: float) -> None:
    assert iou(one, other) == pytest.approx(value)
    assert iou(other, one) == pytest.approx(value)


def test_boxes_are_compared_where_the_picture_shows_the_thing() -> None:
    scores, unknown, not_shown = evaluated(("a", [0, 0, 20, 20]), ("b", [0, 0, 50, 50]), ("c", [0, 0, 1, 1]))
    assert scores == [("a", 0.5, True), ("b", 0.0, False)]
    assert (unknown, not_shown) == (0, 1)


def test_boxes_are_compared_with_the_nearest_of_several() -> None:
    two = BoxedThing(frozenset({"tyre"}), None, {"a": ((0, 0, 10, 10), (60, 60, 80, 80))})
    assert evaluated(("a", [60, 60, 80, 80]), thing=two)[0] == [("a", 1.0, True)]


def test_boxes_are_found_by_the_name_of_the_image() -> None:
    for key in ("images/a.jpg", "a.jpg", "a"):
        thing = BoxedThing(frozenset({"tyre"}), None, {key: ((0, 0, 20, 20),)})
        assert evaluated(("a", [0, 0, 20, 20]), thing=thing)[0] == [("a", 1.0, True)]


@pytest.mark.parametrize(
    ("changes", "unknown"),
    [
        ({"name": "burning tyres", "nameHead": "tyre", "alternatives": []}, 0),
        ({"name": "smoke", "nameHead": "smoke", "alternatives": ["smoke", "fire", "the tyre"]}, 0),
        ({"name": "smoke", "nameHead": "smoke", "alternatives": ["smoke", "fire", "car", "tyre"]}, 1),
        ({"eventType": "B"}, 1),
    ],
)
def test_a_pattern_is_about_what_its_first_names_or_head_say(changes: dict[str, Any], unknown: int) -> None:
    assert evaluated(("a", [0, 0, 20, 20]), **changes)[1] == unknown


def score(pattern: str, value: float, share: float) -> BoxScore:
    methods = {"pattern": value, "whole-picture": 0.1}
    return BoxScore(pattern, "tyre", "a", share, methods, dict.fromkeys(methods, True))


def test_summary_is_of_all_boxes_and_by_size_with_intervals_over_patterns() -> None:
    scores = [score("P1", 0.2, 0.05), score("P1", 0.4, 0.15), score("P2", 0.9, 0.2)]
    found = {(row.measure, row.method): row for row in summarise_boxes(scores, seed=0)}
    assert found["box iou", "pattern"].value == pytest.approx(0.5)
    assert (found["box iou", "pattern"].low, found["box iou", "pattern"].high) == pytest.approx((0.3, 0.9))
    sizes = {size: found[f"box iou, {size}", "pattern"].value for size in ("small", "medium", "large")}
    assert sizes == {"small": 0.2, "medium": 0.4, "large": 0.9}
    assert found["box iou", "whole-picture"].value == pytest.approx(0.1)
    assert found["box pointing", "pattern"].n == 3


ROWS = [
    {"record": "007", "name": "A Tyre", "x0": 1, "y0": 2, "x1": 3, "y1": 4},
    {"record": "007", "name": "tyre", "x0": 5, "y0": 5, "x1": 9, "y1": 9},
    {"record": "b", "name": "flag", "x0": 0, "y0": 0, "x1": 9, "y1": 9},
]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "tsv", "parquet"])
def test_boxes_are_read_from_tables(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"boxes.{suffix}"
    if suffix == "jsonl":
        path.write_text("\n".join(json.dumps(row) for row in ROWS))
    elif suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        comma = "\t" if suffix == "tsv" else ","
        lines: list[list[object]] = [list(ROWS[0]), *(list(row.values()) for row in ROWS)]
        path.write_text("\n".join(comma.join(map(str, line)) for line in lines))
    flag, tyre = read_boxes(path)
    assert flag.names == {"flag"}
    assert flag.event_type is None
    assert tyre.boxes == {"007": [(1, 2, 3, 4), (5, 5, 9, 9)]}
    if suffix != "tsv":
        assert find_boxes(tmp_path) == path


def test_boxes_of_a_table_may_be_lists_and_belong_to_an_event_type(tmp_path: Path) -> None:
    path = tmp_path / "boxes.jsonl"
    path.write_text('{"image": "a.jpg", "name": "tyre", "box": [1, 2, 3, 4], "eventType": "A"}\n')
    (thing,) = read_boxes(path)
    assert (thing.event_type, thing.boxes) == ("A", {"a.jpg": [(1, 2, 3, 4)]})


def test_boxes_are_read_from_coco_instances_without_crowds(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    annotations = [
        {"image_id": 1, "category_id": 3, "bbox": [10, 20, 5, 6]},
        {"image_id": 1, "category_id": 3, "bbox": [0, 0, 90, 90], "iscrowd": 1},
    ]
    images, categories = [{"id": 1, "file_name": "0001.jpg"}], [{"id": 3, "name": "car"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    (thing,) = read_boxes(path)
    assert thing.names == {"car"}
    assert thing.boxes == {"0001.jpg": [(10, 20, 15, 26)]}


def test_boxes_are_read_from_the_truth_of_a_generated_corpus(tmp_path: Path) -> None:
    planted = {"eventType": "A", "name": "tyres", "names": ["burning tyre"], "boxes": {"a": [[0, 0, 1, 1]]}}
    (tmp_path / "truth.json").write_text(json.dumps({"patterns": [planted], "groups": []}))
    (thing,) = read_boxes(find_boxes(tmp_path))
    assert thing.names == {"tyres", "burning tyre"}
    assert thing.event_type == "A"
    assert thing.boxes == {"a": ((0, 0, 1, 1),)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"name": "tyre", "box": [0, 0, 1, 1]}',
        '{"record": "a", "name": "tyre", "box": [0, 0, 1]}',
        '{"record": "a", "name": "tyre", "box": [3, 0, 1, 1]}',
        "tyre",
    ],
)
def test_files_that_hold_no_boxes_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "boxes.jsonl"
    path.write_text(text)
    with pytest.raises(CorpusError, match="box"):
        read_boxes(path)


def test_a_corpus_without_boxes_says_what_it_may_have(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"truth\.json"):
        find_boxes(tmp_path)
