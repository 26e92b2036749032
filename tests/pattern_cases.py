"""Rules, votes and pictures small enough to check patterns by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from miner.patterns.pictures import Pictures, Votes
from miner.rules.ruleset import RULES
from miner.rules.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

N_CELLS = 9
"""Maps of three by three cells."""


def rule(visual: Sequence[int], text: Sequence[int], event_type: str = "A", **changes: object) -> dict[str, Any]:
    """Return a row of `RULES`, proven and with equal strength unless told otherwise."""
    numbers = dict.fromkeys(("support", "antecedentSupport", "confidence", "lift", "pValue", "pItem"), 0.01)
    row = {"visual": list(visual), "text": list(text), "eventType": event_type, "count": 4, "classCount": 4}
    return row | numbers | {"logP": -5.0, "qLink": 0.01, "proven": True} | changes


def rules_table(*rows: dict[str, Any]) -> pa.Table:
    """Return a table of schema `RULES`."""
    return pa.Table.from_pylist(list(rows), schema=RULES)


def votes_where(
    visual: Mapping[int, Sequence[int]],
    text: Mapping[int, Sequence[int]],
    labels: Sequence[int],
    event_types: Sequence[str] = ("A", "B"),
) -> Votes:
    """Return votes from the rows that have each item; every vote has a picture of its own."""
    rows = range(len(labels))
    transactions = Transactions.from_rows(
        [[item for item, where in visual.items() if row in where] for row in rows],
        [[item for item, where in text.items() if row in where] for row in rows],
        labels,
        event_types=event_types,
    )
    return Votes(transactions, np.arange(len(labels)))


def pictures_of(
    n: int, n_filters: int, *, cells: Mapping[int, Sequence[int]] | None = None, n_dims: int = 2
) -> Pictures:
    """Return featureless pictures; `cells` says in which cell a filter peaks in each of them, else in the first."""
    peaks: npt.NDArray[np.uint8] = np.zeros((n, n_filters), dtype=np.uint8)
    for item, where in (cells or {}).items():
        peaks[:, item] = where
    return Pictures(
        groups=np.arange(n),
        cells=peaks,
        pooled=np.zeros((n, n_filters), dtype=np.float16),
        projected=np.zeros((n, N_CELLS, n_dims), dtype=np.float16),
    )
