"""What the ranking knows of each mined pattern: its measures, and what decisions about patterns with its items say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

__all__ = ["MEASURES", "item_matrix", "measure_patterns", "recall_items"]

Float64s = npt.NDArray[np.float64]

MEASURES = (
    "log count", "confidence", "log lift", "-log p", "-log q", "proven", "grounding", "name score", "name is trigger",
    "words in name", "sure role",
)  # fmt: skip
SURE_ENOUGH = 30.0
"""-log10 of p and q values beyond which more says nothing."""


def measure_patterns(patterns: pa.Table) -> Float64s:
    """Return the measures of patterns, each with mean 0 and standard deviation 1 (0 where all are the same).

    Args:
        patterns: Schema PATTERNS.

    Returns:
        float64, (n patterns, n `MEASURES`).
    """
    names = patterns["name"].to_pylist()
    scores = [own[0] if own else 0.0 for own in patterns["alternativeScores"].to_pylist()]
    roles = [max((role["score"] for role in own), default=0.0) for own in patterns["roles"].to_pylist()]
    columns = [
        np.log1p(_numbers(patterns, "classCount")),
        _numbers(patterns, "confidence"),
        np.log(np.maximum(_numbers(patterns, "lift"), 1e-3)),
        _surprise(_numbers(patterns, "pValue", missing=1.0)),
        _surprise(_numbers(patterns, "qLink", missing=1.0)),
        _numbers(patterns, "proven"),
        _numbers(patterns, "grounding"),
        np.array(scores, dtype=np.float64),
        np.array([bool(flags) for flags in patterns["nameFlags"].to_pylist()], dtype=np.float64),
        np.array([len(name.split()) for name in names], dtype=np.float64),
        np.array(roles, dtype=np.float64),
    ]
    table = np.stack(columns, axis=1)
    spread = table.std(axis=0) if len(table) else np.ones(len(MEASURES))
    centred = table - (table.mean(axis=0) if len(table) else 0.0)
    return np.asarray(np.clip(centred / np.where(spread > 1e-9, spread, 1.0), -4.0, 4.0))


def _numbers(patterns: pa.Table, name: str, missing: float = 0.0) -> Float64s:
    values = patterns[name].combine_chunks().to_numpy(zero_copy_only=False).astype(np.float64)
    return np.asarray(np.nan_to_num(values, nan=missing))


def _surprise(values: Float64s) -> Float64s:
    return np.asarray(np.minimum(-np.log10(np.maximum(values, 1e-300)), SURE_ENOUGH))


def item_matrix(lists: Sequence[Sequence[object]]) -> sparse.csr_matrix:
    """Return which pattern has which item or word: float64 zeros and ones, (n patterns, n items)."""
    codes: dict[object, int] = {}
    indices = [codes.setdefault(item, len(codes)) for own in lists for item in dict.fromkeys(own)]
    indptr = np.cumsum([0, *(len(dict.fromkeys(own)) for own in lists)])
    return sparse.csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(lists), max(1, len(codes))))


def recall_items(items: sparse.csr_matrix, verdicts: Mapping[int, float]) -> Float64s:
    """Tell for each pattern how others with its items were judged.

    It is the mean over its items of (accepted - rejected) / (accepted + rejected + 1), its own verdict left out.

    Args:
        items: Of each pattern.
        verdicts: From rows to 1 (accepted), -1 (rejected) or what lies between.

    Returns:
        float64, (n patterns,), in (-1, 1).
    """
    rows = np.fromiter(verdicts, dtype=np.int64)
    signs = np.fromiter(verdicts.values(), dtype=np.float64)
    judged = items[rows]
    for_them, all_of_them = judged.T @ signs, np.asarray(judged.sum(axis=0)).ravel()
    share = items @ (for_them / (all_of_them + 1))
    own = items[rows].multiply((for_them - signs[:, None]) / np.maximum(all_of_them, 1.0))
    share[rows] = np.asarray(own.sum(axis=1)).ravel()
    return np.asarray(share / np.maximum(np.asarray(items.sum(axis=1)).ravel(), 1.0))
