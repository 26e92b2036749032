"""What was dropped and why, counted from the tables of a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

N_EXAMPLES = 3


@dataclass(frozen=True)
class Loss:
    """Rows of one table that share a reason."""

    code: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Copies:
    """Pictures that are copies of one another: beyond the first of each group, groups, their sizes, and the largest."""

    n_pictures: int
    n_groups: int
    sizes: tuple[tuple[int, int], ...]
    largest: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Counter:
    """One number a stage counted, with the path of its names."""

    name: str
    value: str


@dataclass(frozen=True)
class CounterTable:
    """Counters of the same names for several things, such as event types."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def dropped_records(records: pa.Table) -> list[Loss]:
    """Count records that could not be used; examples say where they stand in the corpus."""
    bad = records.filter(pc.equal(records["status"], "bad"))
    return _by_code(bad.select(["code", "reason"]), bad["where"])


def dropped_images(images: pa.Table, records: pa.Table) -> list[Loss]:
    """Count pictures that could not be used although their records could."""
    dropped = records.filter(pc.equal(records["status"], "bad"))["record"].combine_chunks()
    bad = images.filter(pc.not_equal(images["status"], "ok"))
    bad = bad.filter(pc.invert(pc.is_in(bad["record"], value_set=dropped)))
    return _by_code(bad.select(["code", "reason"]), bad["record"])


def dropped_labels(labels: pa.Table) -> list[Loss]:
    """Count event values that mean no event type."""
    bad = labels.filter(pc.is_valid(labels["code"]))
    return _by_code(bad.select(["code", "reason"]), bad["record"])


def image_notes(images: pa.Table) -> list[Loss]:
    """Count what was done to pictures that were used."""
    noted = images.filter(pc.and_(pc.equal(images["status"], "ok"), pc.is_valid(images["note"])))
    table = pa.table({"code": noted["note"], "reason": pa.nulls(noted.num_rows, pa.string())})
    return _by_code(table, noted["record"])


def record_notes(records: pa.Table) -> list[Loss]:
    """Count remarks about records that were used all the same."""
    used = records.filter(pc.equal(records["status"], "ok"))
    parents = pc.list_parent_indices(used["notes"])
    table = pa.table({"code": pc.list_flatten(used["notes"]), "reason": pa.nulls(len(parents), pa.string())})
    return _by_code(table, pc.take(used["record"], parents))


def _by_code(table: pa.Table, where: pa.ChunkedArray) -> list[Loss]:
    codes = pc.fill_null(table["code"], "unknown")
    counts = {row["values"]: row["counts"] for row in pc.value_counts(codes).to_pylist()}
    losses = []
    for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        rows = np.flatnonzero(pc.equal(codes, code).to_numpy(zero_copy_only=False))[:N_EXAMPLES]
        texts = [(where[int(i)].as_py(), table["reason"][int(i)].as_py()) for i in rows]
        losses.append(
            Loss(code, count, tuple(f"{place}: {reason}" if reason else str(place) for place, reason in texts))
        )
    return losses


def label_balance(labels: pa.Table) -> tuple[dict[str, int], int]:
    """Count records per event type, and records without any."""
    counts = {
        row["values"]: row["counts"] for row in pc.value_counts(pc.list_flatten(labels["eventTypes"])).to_pylist()
    }
    lengths = pc.fill_null(pc.list_value_length(labels["eventTypes"]), 0)
    n_unlabelled = pc.sum(pc.equal(lengths, 0)).as_py() or 0
    return dict(sorted(counts.items())), n_unlabelled


def find_copies(images: pa.Table, groups: np.ndarray, *, n_largest: int, n_shown: int) -> Copies:
    """Count near-duplicates and name the records of the largest photo groups.

    Args:
        images: IMAGES.
        groups: int64, (n_rows,), photo group of each encoded picture.
        n_largest: Groups to name.
        n_shown: Records to name of each.
    """
    ids, sizes = np.unique(groups, return_counts=True)
    repeated = ids[sizes > 1]
    largest = repeated[np.argsort(-sizes[sizes > 1], kind="stable")][:n_largest]
    encoded = images.filter(pc.is_valid(images["row"]))
    rows = encoded["row"].to_numpy()
    named = []
    for group in largest:
        members = np.flatnonzero(groups[rows] == group)[:n_shown]
        named.append(tuple(encoded["record"].take(members).to_pylist()))
    by_size = zip(*np.unique(sizes[sizes > 1], return_counts=True), strict=True)
    of_sizes = tuple((int(size), int(count)) for size, count in by_size)[::-1]
    return Copies(int(sizes[sizes > 1].sum() - repeated.size), int(repeated.size), of_sizes, tuple(named))


def read_counters(counters: Mapping[str, object], path: str = "") -> tuple[list[Counter], list[CounterTable]]:
    """Turn nested counters into plain lines, and mappings of mappings into tables."""
    lines: list[Counter] = []
    tables: list[CounterTable] = []
    for key, value in counters.items():
        name = f"{path}: {_words(str(key))}" if path else _words(str(key))
        if not isinstance(value, Mapping):
            lines.append(Counter(name, _text(value)))
        elif value and all(isinstance(row, Mapping) for row in value.values()):
            tables.append(_counter_table(name, value))
        else:
            more_lines, more_tables = read_counters(value, name)
            lines += more_lines
            tables += more_tables
    return lines, tables


def _counter_table(name: str, rows: Mapping[str, Mapping[str, object]]) -> CounterTable:
    columns = tuple(dict.fromkeys(str(column) for row in rows.values() for column in row))
    body = tuple((str(key), tuple(_text(row.get(column, "")) for column in columns)) for key, row in rows.items())
    return CounterTable(name, tuple(map(_words, columns)), body)


def _words(key: str) -> str:
    """Write a camelCase or snake_case key as words; other names, such as event types, stay."""
    if not key[:1].islower():
        return key
    return re.sub(r"(?<=[a-z0-9])[A-Z]|_", lambda match: f" {match[0].strip('_').lower()}", key)


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
