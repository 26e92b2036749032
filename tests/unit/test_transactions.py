"""Transactions: the Parquet form, what is put in order and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miner.errors import MiningError
from miner.rules.transactions import TRANSACTIONS, Transactions

TYPES = ("Life.Eat", "Sport.Climbing")
ITEMS = st.lists(st.lists(st.integers(0, 6), max_size=4), min_size=3, max_size=3)


def table(**columns: pa.Array) -> pa.Table:
    given = {
        "visual": pa.array([[1], [0, 2]], pa.list_(pa.int64())),
        "text": pa.array([[0], []], pa.list_(pa.int16())),
        "eventType": pa.array(["Sport.Climbing", None]),
    }
    return pa.table({**given, **columns})


@given(ITEMS, ITEMS)
def test_transactions_survive_the_round_trip(visual: list[list[int]], text: list[list[int]]) -> None:
    before = Transactions.from_rows(visual, text, [0, -1, 1], event_types=TYPES)
    before = replace(before, groups=np.array([7, 7, 9]), records=("a", "b", "c"))
    written = before.to_table()
    after = Transactions.from_table(written)
    assert written.schema.equals(TRANSACTIONS)
    assert after.to_table().equals(written)
    assert (after.event_types, after.n_visual, after.n_text) == (TYPES, before.n_visual, before.n_text)
    assert after.groups.tolist() == [7, 7, 9]


def test_transactions_need_only_items_and_event_types() -> None:
    read = Transactions.from_table(table())
    assert read.event_types == ("Sport.Climbing",)
    assert read.labels.tolist() == [0, -1]
    assert read.n_labelled == 1
    assert read.groups.tolist() == [0, 1]
    assert (read.n_visual, read.n_text) == (3, 1)


def test_transactions_of_a_file_are_sorted_and_unique() -> None:
    read = Transactions.from_table(table(visual=pa.array([[2, 0, 2], [1]], pa.list_(pa.int32()))))
    assert read.visual_indices.tolist() == [0, 2, 1]
    assert read.visual_indptr.tolist() == [0, 2, 3]


def test_transactions_may_be_empty() -> None:
    read = Transactions.from_table(table().slice(0, 0))
    assert len(read) == 0
    assert read.to_table().num_rows == 0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"visual": pa.array([1, 2])}, "'visual' must be list<int>, found int64"),
        ({"visual": pa.array([[1], [-1]])}, "'visual' has the negative item -1"),
        ({"text": pa.array([[1], None])}, "'text' has a null"),
        ({"eventType": pa.array([[1], [2]])}, "'eventType' must be string"),
        ({"group": pa.array(["one", "two"])}, "'group' must be integer"),
    ],
)
def test_transactions_refuse_columns_of_the_wrong_kind(columns: dict[str, pa.Array], message: str) -> None:
    with pytest.raises(MiningError, match=message):
        Transactions.from_table(table(**columns))


def test_transactions_name_the_missing_column() -> None:
    with pytest.raises(MiningError, match="column 'text' is missing; found visual, eventType"):
        Transactions.from_table(table().drop_columns("text"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.array([0, 2], np.int32)}, "a label is outside -1"),
        ({"visual_indices": np.array([2, 1, 0], np.int32)}, "sorted and unique"),
        ({"visual_indices": np.array([0, 1, 9], np.int32)}, r"visual items must lie in 0 \.\. 2, found 9"),
        ({"text_indptr": np.array([0, 1], np.int64)}, "text row pointers do not describe 2 rows"),
        ({"groups": np.array([1])}, "2 labels, 1 groups"),
    ],
)
def test_transactions_refuse_arrays_that_do_not_fit(change: dict[str, np.ndarray], message: str) -> None:
    good = Transactions.from_rows([[0], [1, 2]], [[0], [1]], [0, 1], event_types=TYPES)
    with pytest.raises(MiningError, match=message):
        replace(good, **change)  # type: ignore[arg-type]


def test_select_keeps_rows_in_the_given_order() -> None:
    all_rows = Transactions.from_rows([[0], [1, 2], []], [[0], [], [1]], [0, 1, -1], event_types=TYPES)
    chosen = all_rows.select(np.array([1, 0]))
    assert chosen.visual_indices.tolist() == [1, 2, 0]
    assert chosen.labels.tolist() == [1, 0]
    assert (chosen.n_visual, chosen.n_text) == (3, 2)
