"""Means over seeded splits, and quotients of them, with bootstrap intervals.

A sample has a list of values for each split: one per pattern, name or event type. Splits and values within them are drawn
again with replacement. The two samples of a quotient always have the same splits drawn; values within a split are drawn with the
same random numbers only where both samples have a value for the same things, as detector and probe have for the same names. To draw
those of different things alike would make intervals too narrow: both lists begin with their best, so they fall and rise together.

Source: Davison and Hinkley, "Bootstrap Methods and their Application" (1997), section 3.8 (two levels), and section 5.3 for the
percentile interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = npt.NDArray[np.float64]
Kind = Literal["mean", "sum"]

N_DRAWS = 2000


class Estimate(NamedTuple):
    """A number with its 95 % interval; `None` where there is nothing to estimate it from."""

    value: float | None
    low: float | None
    high: float | None
    n: int


def estimate(splits: Sequence[Sequence[float]], kind: Kind = "mean", *, seed: int) -> Estimate:
    """Average over splits what each has, as a mean or as a sum of its values.

    Args:
        splits: Values of each split.
        kind: Whether a split counts by the mean of its values, in which case empty splits are passed over, or by their sum.
        seed: Of the draws.
    """
    chosen = _usable(splits, kind)
    if not chosen:
        return Estimate(None, None, None, 0)
    low, high = _interval(_draw(chosen, kind, seed))
    return Estimate(float(np.mean([_reduce(values, kind) for values in chosen])), low, high, sum(map(len, chosen)))


def estimate_quotient(
    above: Sequence[Sequence[float]],
    below: Sequence[Sequence[float]],
    kind: Kind = "mean",
    *,
    seed: int,
    paired: bool = True,
) -> Estimate:
    """Divide the average of one sample by that of another from the same splits.

    Args:
        above: Values of each split.
        below: Values of the other sample in the same splits.
        kind: As of `estimate`.
        seed: Of the draws.
        paired: Whether the values of both samples are of the same things, in the same order.
    """
    pairs = [pair for pair in zip(above, below, strict=True) if kind == "sum" or all(pair)]
    a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    if not pairs or not (bottom := float(np.mean([_reduce(values, kind) for values in b]))):
        return Estimate(None, None, None, 0)
    value = float(np.mean([_reduce(values, kind) for values in a])) / bottom
    divisors = _draw(b, kind, seed, stream=0 if paired else 1)
    quotients = _draw(a, kind, seed)[divisors != 0] / divisors[divisors != 0]
    return Estimate(value, *_interval(quotients), sum(map(len, a)))


def _usable(splits: Sequence[Sequence[float]], kind: Kind) -> list[Sequence[float]]:
    return [values for values in splits if kind == "sum" or len(values)]


def _reduce(values: Sequence[float], kind: Kind) -> float:
    return float(np.mean(values) if kind == "mean" else np.sum(values))


def _draw(splits: Sequence[Sequence[float]], kind: Kind, seed: int, *, stream: int = 0) -> Floats:
    """Draw splits, the same in every stream, and values within each that was drawn; `N_DRAWS` averages."""
    rng = np.random.default_rng(seed)
    which = rng.integers(len(splits), size=(N_DRAWS, len(splits)))
    drawn = np.empty((N_DRAWS, len(splits)))
    for place, values in enumerate(splits):
        # Each split has random numbers of its own: a sample with more values in one split leaves the others as they are.
        own = np.random.default_rng([seed, place, stream])
        sample = np.asarray(values, dtype=np.float64)
        rows = own.integers(max(1, len(sample)), size=(N_DRAWS, len(sample)))
        drawn[:, place] = 0.0 if not len(sample) else _reduce_rows(sample[rows], kind)
    return np.asarray(np.take_along_axis(drawn, which, axis=1).mean(axis=1))


def _reduce_rows(values: Floats, kind: Kind) -> Floats:
    return np.asarray(values.mean(axis=1) if kind == "mean" else values.sum(axis=1))


def _interval(draws: Floats) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
