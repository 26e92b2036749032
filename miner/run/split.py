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


def split_shared(
    known: Sequence[str],
    others: Sequence[str],
    captions: Sequence[Sequence[str]],
    group_of: Mapping[int, int],
) -> pa.Table:
    """Hold out the records of another corpus that have a photograph or a caption in common with one that is known.

    Records of the other corpus that are tied to such a record by a photograph or caption are held out with it.

    Args:
        known: Ids of the records of the known corpus.
        others: Ids of those of the other.
        captions: Of each known record, then of each other.
        group_of: Photo group over both corpora of each record that has one, by its place in the same order.

    Returns:
        Schema `SPLIT`, of the records of the other corpus in their order.
    """
    places = [str(place) for place in range(len(known) + len(others))]
    bundles = _bundles(places, captions, {str(place): group for place, group in group_of.items()})
    shared = np.isin(bundles[len(known) :], bundles[: len(known)])
    return pa.Table.from_arrays([pa.array(others, pa.string()), pa.array(shared)], schema=SPLIT)


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
