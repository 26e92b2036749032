from __future__ import annotations

import csv
import io
import re

import pyarrow as pa
import pytest

from kb.evaluate.rating import COLUMNS as READ_COLUMNS
from miner.errors import EvaluationError
from reports.rating import COLUMNS, N_PATCHES, RatedRun, Sheet, build_sheet, describe_key, render_sheet, write_csv
from tests.report_fakes import drawn_source, fake_inputs


def make_run(label: str, method: str, *, n_patterns: int = 3, boxes: bool = True) -> RatedRun:
    inputs = fake_inputs(drawn_source(), n_patterns=n_patterns)
    patterns = inputs.patterns.set_column(
        inputs.patterns.schema.get_field_index("method"), "method", pa.array([method] * len(inputs.patterns))
    )
    evidence = inputs.evidence
    if not boxes:
        empty = pa.array([[]] * len(evidence), pa.list_(pa.float64()))
        evidence = evidence.set_column(evidence.schema.get_field_index("box"), "box", empty)
    return RatedRun(
        label=label,
        corpus="drawn shapes",
        patterns=patterns,
        evidence=evidence,
        open_image=inputs.open_image,
        decode=inputs.decode,
    )


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    return build_sheet(
        [make_run("run-1", "ours"), make_run("run-2", "visual-only", n_patterns=2)], n_patterns=50, seed=4
    )


def test_sheet_takes_the_same_number_of_each_run_best_first(sheet: Sheet) -> None:
    """The second run has two patterns of each of three event types, so both give six."""
    methods = [item.method for item in sheet.items]
    assert (methods.count("ours"), methods.count("visual-only")) == (6, 6)
    assert {item.rank for item in sheet.items} == {1, 2}


def test_sheet_says_nothing_of_methods_runs_records_and_files(sheet: Sheet) -> None:
    shown = render_sheet(sheet) + write_csv(sheet)
    for secret in (
        "ours",
        "visual-only",
        "run-1",
        "run-2",
        "drawn shapes",
        "images/",
        *(i.pattern for i in sheet.items),
    ):
        assert secret not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", shown)


def test_sheet_order_mixes_methods_and_follows_the_seed(sheet: Sheet) -> None:
    runs = [make_run("run-1", "ours"), make_run("run-2", "visual-only", n_patterns=2)]
    methods = [item.method for item in sheet.items]
    assert methods not in (sorted(methods), sorted(methods, reverse=True))
    again, other = build_sheet(runs, n_patterns=50, seed=4), build_sheet(runs, n_patterns=50, seed=5)
    assert [item.id for item in again.items] == [item.id for item in sheet.items]
    assert {item.id for item in other.items}.isdisjoint(item.id for item in sheet.items)


def test_sheet_csv_and_key_name_the_same_ids_and_only_the_key_tells(sheet: Sheet) -> None:
    rows = list(csv.DictReader(io.StringIO(write_csv(sheet))))
    key = describe_key(sheet)
    items = key["items"]
    assert isinstance(items, list)
    assert [row["id"] for row in rows] == [item["id"] for item in items]
    assert {row["sheet"] for row in rows} == {key["sheet"]}
    assert {row["rating"] for row in rows} == {""}
    assert {item["method"] for item in items} == {"ours", "visual-only"}
    assert READ_COLUMNS == COLUMNS


def test_sheet_shows_whole_pictures_of_all_where_one_run_has_no_boxes() -> None:
    """Else patches would tell one method from the other."""
    mixed = build_sheet([make_run("a", "ours"), make_run("b", "text-only", boxes=False)], n_patterns=4, seed=0)
    assert not mixed.framed
    assert all(cut.box == () for item in mixed.items for cut in item.cuts)
    assert "frame" not in render_sheet(mixed).split("</header>")[0].split("<body")[1]


def test_sheet_shows_at_most_one_picture_per_photo_group(sheet: Sheet) -> None:
    assert all(0 < len(item.cuts) <= N_PATCHES for item in sheet.items)
    assert render_sheet(sheet).count("<img ") == sum(len(item.cuts) for item in sheet.items)


def test_sheet_of_a_run_without_patterns_is_refused() -> None:
    empty = make_run("empty", "ours")
    nothing = RatedRun(**{**vars(empty), "patterns": empty.patterns.slice(0, 0)})
    with pytest.raises(EvaluationError, match="'empty' has no pattern"):
        build_sheet([make_run("a", "ours"), nothing], n_patterns=5, seed=0)
