from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpora.labels import LABELS
from corpora.records import RECORDS
from miner.visual.encode import IMAGES
from reports.losses import (
    Counter,
    CounterTable,
    Loss,
    dropped_images,
    dropped_labels,
    dropped_records,
    find_copies,
    image_notes,
    label_balance,
    read_counters,
    record_notes,
)


def record(name: str, *, code: str | None = None, notes: list[str] | None = None) -> dict[str, object]:
    status = "bad" if code else "ok"
    return {
        "record": name,
        "where": f"m.csv:{name[1:]}",
        "status": status,
        "code": code,
        "reason": code and f"{code}!",
        "notes": notes or [],
    }


def records(*rows: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=RECORDS)


def images(*rows: dict[str, object]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=IMAGES)


def test_dropped_records_counts_codes_most_frequent_first_with_three_examples() -> None:
    table = records(record("r1", code="b"), record("r2"), *(record(f"r{i}", code="a") for i in range(3, 8)))
    assert dropped_records(table) == [
        Loss("a", 5, ("m.csv:3: a!", "m.csv:4: a!", "m.csv:5: a!")),
        Loss("b", 1, ("m.csv:1: b!",)),
    ]


def test_dropped_records_of_a_clean_corpus_is_empty() -> None:
    assert dropped_records(records(record("r1"))) == []


def test_dropped_images_leaves_out_records_that_were_dropped_before() -> None:
    table = images(
        {"record": "r1", "status": "bad", "code": "missing-image", "reason": "gone"},
        {"record": "r2", "status": "bad", "code": "truncated", "reason": "ends early"},
        {"record": "r3", "status": "ok"},
    )
    rows = records(record("r1", code="missing-image"), record("r2"), record("r3"))
    assert dropped_images(table, rows) == [Loss("truncated", 1, ("r2: ends early",))]


def test_dropped_labels_counts_unknown_events() -> None:
    rows = [{"record": "r1", "code": "unknown-event", "reason": "no type 'Sprot'"}, {"record": "r2"}]
    losses = dropped_labels(pa.Table.from_pylist(rows, schema=LABELS))
    assert losses == [Loss("unknown-event", 1, ("r1: no type 'Sprot'",))]


def test_notes_are_counted_for_used_records_and_pictures_only() -> None:
    table = records(
        record("r1", notes=["no-caption", "cut"]), record("r2", notes=["cut"]), record("r3", code="x", notes=["cut"])
    )
    assert record_notes(table) == [Loss("cut", 2, ("r1", "r2")), Loss("no-caption", 1, ("r1",))]
    noted = images(
        {"record": "r1", "status": "ok", "note": "turned"}, {"record": "r2", "status": "bad", "note": "turned"}
    )
    assert image_notes(noted) == [Loss("turned", 1, ("r1",))]


def test_label_balance_counts_every_type_of_a_record() -> None:
    rows = [
        {"record": "r1", "eventTypes": ["B", "C"]},
        {"record": "r2", "eventTypes": ["B"]},
        {"record": "r3", "eventTypes": []},
    ]
    assert label_balance(pa.Table.from_pylist(rows, schema=LABELS)) == ({"B": 2, "C": 1}, 1)


def test_find_copies_counts_pictures_beyond_the_first_and_names_the_largest() -> None:
    rows = [{"record": f"r{i}", "status": "ok", "row": i} for i in range(7)]
    table = images({"record": "bad", "status": "bad", "row": None}, *rows)
    copies = find_copies(table, np.array([0, 1, 0, 3, 3, 3, 6]), n_largest=1, n_shown=2)
    assert (copies.n_pictures, copies.n_groups, copies.largest) == (3, 2, (("r3", "r4"),))
    assert copies.sizes == ((3, 1), (2, 1))


def test_find_copies_without_copies() -> None:
    assert (
        find_copies(images({"record": "r", "status": "ok", "row": 0}), np.array([0]), n_largest=3, n_shown=3).n_groups
        == 0
    )


def test_read_counters_turns_nested_counts_into_lines_and_tables() -> None:
    lines, tables = read_counters(
        {
            "rules": {
                "itemsetsTested": {"2": 48210},
                "p": 3.456e-19,
                "types": {"A.B": {"n": 1, "is_m": True}, "B": {"n": 2}},
            }
        }
    )
    assert lines == [Counter("rules: itemsets tested: 2", "48,210"), Counter("rules: p", "3.46e-19")]
    assert tables == [CounterTable("rules: types", ("n", "is m"), (("A.B", ("1", "yes")), ("B", ("2", ""))))]
