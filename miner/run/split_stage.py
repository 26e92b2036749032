"""The stage that decides which records mining may see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from miner.run.split import split_records
from miner.run.stage import Context, WholeStage
from miner.store.formats import read_array, read_table, write_table

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from miner.store.artefact import Artefact


def training_records(split: Artefact) -> frozenset[str]:
    """Return the records that mining may see."""
    table = read_table(split.file("split.parquet"))
    pairs = zip(table["record"].to_pylist(), table["heldOut"].to_pylist(), strict=True)
    return frozenset(record for record, held_out in pairs if not held_out)


def group_representatives(groups: Artefact, split: Artefact, *, held_out: bool = False) -> npt.NDArray[np.int64]:
    """Return the encoded rows that stand for the photo groups of one part of the split, ascending, int64."""
    images = read_table(groups.file("images.parquet"), ["record", "row"])
    encoded = images.filter(images["row"].is_valid())["record"].to_pylist()
    training = training_records(split)
    group_of = read_array(groups.file("groups.npy"))
    in_part = np.array([(record in training) != held_out for record in encoded], dtype=bool)
    return np.unique(group_of[in_part]).astype(np.int64)


def records_of_groups(groups: Artefact, rows: npt.NDArray[np.int64]) -> list[list[str]]:
    """Return the encoded records of photo groups, copies included, in their order.

    Args:
        groups: The artefact.
        rows: int64: encoded rows that stand for photo groups, as of `group_representatives`.
    """
    images = read_table(groups.file("images.parquet"), ["record", "row"])
    encoded = images.filter(images["row"].is_valid())["record"].to_pylist()
    found: dict[int, list[str]] = {int(row): [] for row in rows}
    for record, group in zip(encoded, read_array(groups.file("groups.npy")).tolist(), strict=True):
        if group in found:
            found[group].append(record)
    return list(found.values())


def _make_split(context: Context, directory: Path) -> None:
    records = read_table(context.inputs["read"].file("records.parquet"), ["record", "captions"])
    images = read_table(context.inputs["groups"].file("images.parquet"), ["record", "row"])
    groups = read_array(context.inputs["groups"].file("groups.npy"))
    rows = zip(images["record"].to_pylist(), images["row"].to_pylist(), strict=True)
    group_of = {record: int(groups[row]) for record, row in rows if row is not None}
    holdout = context.config.holdout
    table = split_records(
        records["record"].to_pylist(),
        [texts or [] for texts in records["captions"].to_pylist()],
        group_of,
        share=holdout.share,
        seed=holdout.seed,
    )
    write_table(directory / "split.parquet", table)


SPLIT_STAGE = WholeStage(
    name="split",
    version=1,
    inputs=("read", "groups"),
    settings=("holdout",),
    libraries=("numpy", "pyarrow", "scipy"),
    make=_make_split,
)
