"""Stages of the rules: cast votes, mine them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miner.run.split_stage import training_records
from miner.run.spread import Workplace, mine_file
from miner.run.stage import Context, WholeStage
from miner.run.votes import Ballot, cast_votes
from miner.store.formats import read_array, read_table, write_json, write_table
from miner.visual.filters import Fired

if TYPE_CHECKING:
    from pathlib import Path

    from miner.store.artefact import Artefact


def read_fired(filters: Artefact) -> Fired:
    """Return which filters fire in each encoded picture."""
    return Fired(read_array(filters.file("indptr.npy")), read_array(filters.file("indices.npy")))


def _make_transactions(context: Context, directory: Path) -> None:
    images = read_table(context.inputs["groups"].file("images.parquet"), ["record", "row"])
    records = [row["record"] for row in images.to_pylist() if row["row"] is not None]
    types = by_record(context.inputs["label"].file("labels.parquet"), "eventTypes")
    words = by_record(context.inputs["text-items"].file("items.parquet"), "items")
    training = training_records(context.inputs["split"])
    ballot = Ballot(
        records=records,
        groups=read_array(context.inputs["groups"].file("groups.npy")),
        event_types=[types.get(record, []) for record in records],
        text_items=[words.get(record, []) for record in records],
        fired=read_fired(context.inputs["filters"]),
        voting=[record in training for record in records],
    )
    n_visual = len(read_array(context.inputs["filters"].file("thresholds.npy")))
    n_text = read_table(context.inputs["text-items"].file("text_items.parquet")).num_rows
    write_table(directory / "transactions.parquet", cast_votes(ballot, n_visual=n_visual, n_text=n_text).to_table())


def by_record(path: Path, column: str) -> dict[str, list[Any]]:
    """Return one column of a table by record."""
    table = read_table(path, ["record", column])
    return dict(zip(table["record"].to_pylist(), table[column].to_pylist(), strict=True))


def _make_rules(context: Context, directory: Path) -> None:
    path = context.inputs["transactions"].file("transactions.parquet")
    place = Workplace(context.executor, context.spread, context.n_threads)
    result = mine_file(path, context.config.mine, place)
    write_table(directory / "rules.parquet", result.rules)
    write_json(directory / "summary.json", result.summary)


TRANSACTIONS = WholeStage(
    name="transactions",
    version=1,
    inputs=("label", "groups", "split", "filters", "text-items"),
    libraries=("pyarrow",),
    make=_make_transactions,
)
MINE = WholeStage(
    name="mine",
    version=4,
    inputs=("transactions",),
    settings=("mine",),
    libraries=("numpy", "pyarrow", "scipy"),
    make=_make_rules,
)
