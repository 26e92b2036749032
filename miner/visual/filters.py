"""Visual items: which filters and classes fire in which picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from miner.errors import ConfigError
from miner.visual.quantiles import in_chunks, select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.config import VisualConfig
    from miner.visual.backbone import Backbone
    from miner.visual.quantiles import Rows

Float32 = npt.NDArray[np.float32]

FEW_GROUPS = 10_000
SHARE_OF_FEW = 0.05
SHARE_OF_MANY = 0.02


class Fired(NamedTuple):
    """Visual items that fire, as the rows of a sparse matrix.

    Attributes:
        indptr: int64, (n + 1,): where each picture's items start and end in `indices`.
        indices: int32: items, ascending within a picture.
    """

    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int32]


def item_columns(backbone: Backbone, items: Literal["filters", "classes", "both"]) -> tuple[slice, ...]:
    """Return where the visual items of each wanted family stand among all.

    Raises:
        ConfigError: Classes alone are wanted of a network that has none.
    """
    filters, classes = slice(0, backbone.n_filters), slice(backbone.n_filters, backbone.n_items)
    if items == "filters" or (items == "both" and not backbone.n_classes):
        return (filters,)
    if not backbone.n_classes:
        raise ConfigError(
            f'visual.items is "classes"; {backbone.name} has no classifier, so only filters',
            hint='set visual.items to "filters"',
        )
    return (filters, classes) if items == "both" else (classes,)


def fire_items(
    maxima: Rows, representatives: npt.NDArray[np.int64], backbone: Backbone, cfg: VisualConfig
) -> tuple[Float32, Fired]:
    """Find which visual items fire in which picture, as configured.

    Args:
        maxima: float16, (n, n_items) of the backbone; may lie on the disk, a bounded part of it is in memory at once.
        representatives: int64: one row for each photo group, to fit thresholds on.
        backbone: The network.
        cfg: Which items, and when they fire.

    Returns:
        Thresholds, float32, (n_items,): infinity for items that are not wanted, NaN where there are none since the top k fire;
        and what fires.

    Raises:
        ConfigError: Classes alone are wanted of a network that has none.
    """
    families = item_columns(backbone, cfg.items)
    if cfg.firing == "top_k":
        return np.full(backbone.n_items, np.nan, np.float32), fired_top_k(maxima, cfg.top_k, families)
    share = firing_share(cfg, len(representatives))
    thresholds = np.full(backbone.n_items, np.inf, np.float32)
    for family in families:
        thresholds[family] = fit_thresholds(maxima, fires_top=share, rows=representatives)[family]
    return thresholds, fired(maxima, thresholds)


def fire_again(maxima: Rows, thresholds: Float32, backbone: Backbone, cfg: VisualConfig) -> Fired:
    """Find which visual items fire in further pictures, with thresholds that `fire_items` gave.

    Args:
        maxima: (n, n_items).
        thresholds: float32, (n_items,).
        backbone: The network.
        cfg: When items fire.
    """
    if cfg.firing == "top_k":
        return fired_top_k(maxima, cfg.top_k, item_columns(backbone, cfg.items))
    return fired(maxima, thresholds)


def firing_share(cfg: VisualConfig, n_groups: int) -> float:
    """Return the share of photo groups in which an item fires: the configured one, or by their number."""
    if cfg.fires_top > 0:
        return cfg.fires_top
    return SHARE_OF_FEW if n_groups < FEW_GROUPS else SHARE_OF_MANY


def fit_thresholds(maxima: Rows, *, fires_top: float, rows: npt.NDArray[np.int64] | None = None) -> Float32:
    """Find the value above which each visual item fires in a given share of pictures.

    With m pictures an item fires in k = max(1, round(fires_top * m)) of them, within 1 / m of the share; in fewer where
    values around the threshold are equal. A class may have to be below 0 in most pictures; only the order counts.
    Values are counted, not sorted (see `miner.visual.quantiles`): however they are cut into shards, the result is the same.

    Args:
        maxima: float16, (n, n_items).
        fires_top: Share of pictures, above 0 and below 1.
        rows: The m pictures that count, one of each photo group; none for all.

    Returns:
        float32, (n_items,). A dead item, which no picture moves above 0, gets infinity.

    Raises:
        ConfigError: The share is out of range.
    """
    if not 0 < fires_top < 1:
        raise ConfigError(f"fires_top is {fires_top}; it must be above 0 and below 1")
    chosen = np.arange(maxima.shape[0]) if rows is None else rows
    m, n_items = len(chosen), maxima.shape[1]
    if m == 0:
        return np.full(n_items, np.inf, np.float32)
    # the k + 1st largest value does not fire any more
    place = max(m - 1 - max(1, round(fires_top * m)), 0)
    values, largest = select(in_chunks(maxima, chosen), place, n_items)
    return np.where(largest > 0, values, np.float32(np.inf))


def fired(maxima: Rows, thresholds: Float32) -> Fired:
    """Return the visual items whose maximum is above their threshold.

    Args:
        maxima: (n, n_items).
        thresholds: float32, (n_items,).
    """
    return _stack([_nonzero(chunk > thresholds) for chunk in in_chunks(maxima, np.arange(maxima.shape[0]))()])


def fired_top_k(maxima: Rows, k: int, families: Sequence[slice] = (slice(None),)) -> Fired:
    """Return the k visual items of each picture with the largest maxima; of equals the first, and none that is not above 0.

    Args:
        maxima: (n, n_items).
        k: Most items of each family per picture.
        families: Columns of the items that compete with each other; others never fire.

    Source: Li, Liu, Shen, van den Hengel, "Mid-level deep pattern mining", CVPR 2015 (20 filters).
    """
    chunks = in_chunks(maxima, np.arange(maxima.shape[0]))
    return _stack([_nonzero(_top(chunk.astype(np.float32), k, families)) for chunk in chunks()])


def _top(values: Float32, k: int, families: Sequence[slice]) -> npt.NDArray[np.bool_]:
    """Mark the k largest positive values of each row and family."""
    marks = np.zeros(values.shape, bool)
    for family in families:
        best = np.argsort(-values[:, family], axis=1, kind="stable")[:, :k]
        np.put_along_axis(marks[:, family], best, values=True, axis=1)
    marks &= values > 0
    return marks


def _nonzero(marks: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return how many marks each row has, and their columns."""
    return marks.sum(axis=1, dtype=np.int64), np.nonzero(marks)[1].astype(np.int32)


def _stack(chunks: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]]) -> Fired:
    counts = np.concatenate([np.zeros(1, np.int64), *(counts for counts, _ in chunks)])
    indices = np.concatenate([np.empty(0, np.int32), *(columns for _, columns in chunks)])
    return Fired(np.cumsum(counts), indices)
