"""Which records mining may see: a seeded part of them can be held out to measure on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SPLIT = pa.schema([pa.field("record", pa.string(), nullable=False), pa.field("heldOut", pa.bool_(), nullable=False)])


def split_records(
    records: Sequence[str],
    captions: Sequence[Sequence[str]],
    group_of: Mapping[str, int],
    *,
    share: float,
    seed: int,
) -> pa.Table:
    """Hold out a share of the records, by photo group and caption.

    Records that show one photograph, or that have a caption in common, always fall on the same side.

    Args:
        records: Ids.
        captions: Of each record.
        group_of: Photo group of each record that has one.
        share: Of such bundles of records, held out.
        seed: Of the choice.

    Returns:
        Schema `SPLIT`, in the order of the records.
    """
    bundles = _bundles(records, captions, group_of)
    n_bundles = int(bundles.max()) + 1 if len(bundles) else 0
    held_out = np.zeros(n_bundles, dtype=bool)
    held_out[np.random.default_rng(seed).permutation(n_bundles)[: round(share * n_bundles)]] = True
    return pa.Table.from_arrays([pa.array(records, pa.string()), pa.array(held_out[bundles])], schema=SPLIT)


def _bundles(
    records: Sequence[str], captions: Sequence[Sequence[str]], group_of: Mapping[str, int]
) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Number the connected components of records that share a photograph or a caption."""
    ties: dict[tuple[str, str | int], int] = {}
    left, right = [], []
    for row, (record, texts) in enumerate(zip(records, captions, strict=True)):
        keys: list[tuple[str, str | int]] = [("caption", " ".join(text.lower().split())) for text in texts]
        if record in group_of:
            keys.append(("group", group_of[record]))
        for key in keys:
            left.append(row)
            right.append(len(records) + ties.setdefault(key, len(ties)))
    n = len(records) + len(ties)
    graph = sparse.coo_matrix(
        (np.ones(len(left), dtype=np.int8), (np.array(left, np.int64), np.array(right, np.int64))), shape=(n, n)
    )
    _, labels = sparse.csgraph.connected_components(graph, directed=False)
    _, bundles = np.unique(labels[: len(records)], return_inverse=True)
    return bundles.astype(np.int32)
