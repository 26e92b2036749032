"""Stages of the rules: cast votes, mine them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from miner.rules.transactions import Transactions
from miner.run.encoded import Encoded
from miner.run.split_stage import training_records
from miner.run.spread import Workplace, mine_file
from miner.run.stage import Context, WholeStage
from miner.run.votes import Ballot, cast_votes, cut_regions
from miner.store.formats import read_array, read_table, write_json, write_table
from miner.visual.filters import Fired
from miner.visual.registry import load_backbone

if TYPE_CHECKING:
    from pathlib import Path

    from miner.store.artefact import Artefact

VOTES = "transactions.parquet"
REGIONS = "regions.parquet"


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
    votes = cast_votes(ballot, n_visual=n_visual, n_text=n_text)
    write_table(directory / VOTES, votes.to_table())
    visual = context.config.visual
    if visual.scope == "region":
        encoded = Encoded(context.inputs["encode"])
        cells = encoded.rows("cells", np.arange(encoded.n_rows))
        regions = cut_regions(votes, cells, load_backbone(visual.backbone).grid)
        write_table(directory / REGIONS, regions.to_table())


def mined_file(transactions: Artefact) -> Path:
    """Return the table that rules are mined from: of regions where votes are cut into such, else of votes."""
    return transactions.file(REGIONS if REGIONS in transactions.files else VOTES)


def read_regions(transactions: Artefact) -> Transactions | None:
    """Return the regions of the votes, none where items fire in whole pictures."""
    if REGIONS not in transactions.files:
        return None
    return Transactions.from_table(read_table(transactions.file(REGIONS)))


def by_record(path: Path, column: str) -> dict[str, list[Any]]:
    """Return one column of a table by record."""
    table = read_table(path, ["record", column])
    return dict(zip(table["record"].to_pylist(), table[column].to_pylist(), strict=True))


def _make_rules(context: Context, directory: Path) -> None:
    path = mined_file(context.inputs["transactions"])
    place = Workplace(context.executor, context.spread, context.n_threads)
    result = mine_file(path, context.config.mine, place)
    write_table(directory / "rules.parquet", result.rules)
    write_json(directory / "summary.json", result.summary)


TRANSACTIONS = WholeStage(
    name="transactions",
    version=1,
    inputs=("label", "encode", "groups", "split", "filters", "text-items"),
    settings=("visual.scope", "visual.backbone"),
    libraries=("pyarrow",),
    make=_make_transactions,
)
MINE = WholeStage(
    name="mine",
    version=6,
    inputs=("transactions",),
    settings=("mine",),
    libraries=("numpy", "pyarrow", "scipy"),
    make=_make_rules,
)
