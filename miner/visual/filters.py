"""Visual items: which filters fire in which picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.errors import ConfigError

if TYPE_CHECKING:
    from miner.config import VisualConfig

Float32 = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating[Any]]

FEW_GROUPS = 10_000
SHARE_OF_FEW = 0.05
SHARE_OF_MANY = 0.02
MAX_CHUNK = 1 << 22


class Fired(NamedTuple):
    """Filters that fire, as the rows of a sparse matrix.

    Attributes:
        indptr: int64, (n + 1,): where each picture's filters start and end in `indices`.
        indices: int32: filters, ascending within a picture.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]


def firing_share(cfg: VisualConfig, n_groups: int) -> float:
    """Return the share of photo groups in which a filter fires: the configured one, or by their number."""
    if cfg.fires_top > 0:
        return cfg.fires_top
    return SHARE_OF_FEW if n_groups < FEW_GROUPS else SHARE_OF_MANY


def fit_thresholds(maxima: Floats, *, fires_top: float) -> Float32:
    """Find the value above which each filter fires in a given share of pictures.

    With m pictures a filter fires in k = max(1, round(fires_top * m)) of them, within 1 / m of the share; in fewer where
    values around the threshold are equal or too few are above 0.

    Args:
        maxima: (m, n_filters), at least 0: one representative of each photo group.
        fires_top: Share of pictures, above 0 and below 1.

    Returns:
        float32, (n_filters,). A dead filter, which no picture moves above 0, gets infinity.

    Raises:
        ConfigError: The share is out of range.
    """
    if not 0 < fires_top < 1:
        raise ConfigError(f"fires_top is {fires_top}; it must be above 0 and below 1")
    m, n_filters = maxima.shape
    thresholds = np.full(n_filters, np.inf, np.float32)
    if m == 0:
        return thresholds
    # the k + 1st largest value does not fire any more
    place = max(m - 1 - max(1, round(fires_top * m)), 0)
    step = max(1, MAX_CHUNK // m)
    for start in range(0, n_filters, step):
        values = np.sort(maxima[:, start : start + step].astype(np.float32), axis=0)
        thresholds[start : start + step] = np.where(values[-1] > 0, values[place], np.inf)
    return thresholds


def fired(maxima: Floats, thresholds: Float32) -> Fired:
    """Return the filters whose maximum is above their threshold.

    Args:
        maxima: (n, n_filters).
        thresholds: float32, (n_filters,).
    """
    step = max(1, MAX_CHUNK // max(1, maxima.shape[1]))
    chunks = [_nonzero(maxima[start : start + step] > thresholds) for start in range(0, len(maxima), step)]
    return _stack(chunks)


def fired_top_k(maxima: Floats, k: int) -> Fired:
    """Return the k filters of each picture with the largest maxima; of equals the first, and none that is 0.

    Args:
        maxima: (n, n_filters), at least 0.
        k: Most filters per picture.

    Source: Li, Liu, Shen, van den Hengel, "Mid-level deep pattern mining", CVPR 2015 (20 filters).
    """
    step = max(1, MAX_CHUNK // max(1, maxima.shape[1]))
    chunks = [
        _nonzero(_top(maxima[start : start + step].astype(np.float32), k)) for start in range(0, len(maxima), step)
    ]
    return _stack(chunks)


def _top(values: Float32, k: int) -> npt.NDArray[np.bool_]:
    """Mark the k largest positive values of each row."""
    best = np.argsort(-values, axis=1, kind="stable")[:, :k]
    marks = np.zeros(values.shape, bool)
    np.put_along_axis(marks, best, values=True, axis=1)
    marks &= values > 0
    return marks


def _nonzero(marks: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return how many marks each row has, and their columns."""
    return marks.sum(axis=1, dtype=np.int64), np.nonzero(marks)[1].astype(np.int32)


def _stack(chunks: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]]) -> Fired:
    counts = np.concatenate([np.zeros(1, np.int64), *(counts for counts, _ in chunks)])
    indices = np.concatenate([np.empty(0, np.int32), *(columns for _, columns in chunks)])
    return Fired(np.cumsum(counts), indices)
