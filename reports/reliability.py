"""Whether probabilities of event types mean what they say: a reliability curve from what `eventminer evaluate images` measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.numerals import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE, LEFT, RIGHT, TOP, BOTTOM = 420.0, 60.0, 16.0, 14.0, 48.0
MOST_RADIUS, LEAST_RADIUS = 11.0, 3.0
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
ECE, MACRO_F1 = "expected calibration error", "macro-f1 of event types"
Z = 1.959964
"""Of a 95 % interval."""


@dataclass(frozen=True)
class Dot:
    """Pictures of about the same probability.

    Attributes:
        x: Place of the mean probability.
        y: Place of the share that was right.
        radius: Its area stands for how many they are.
        low: Place of the lower end of the 95 % interval of the share.
        high: Place of the upper end.
        said: Mean probability, as text.
        came: Share that was right, as text.
        interval: Its interval, as text.
        n: How many pictures.
    """

    x: float
    y: float
    radius: float
    low: float
    high: float
    said: str
    came: str
    interval: str
    n: int


@dataclass(frozen=True)
class Curve:
    """Everything a template needs to draw and to tell.

    Attributes:
        corpus: What was measured on.
        holdout: Share of the photo groups that was held out, as text.
        seeds: Of the splits, as text.
        n: Pictures of all splits.
        error: Expected calibration error, as text, with its interval where there is one.
        scores: Macro-F1 of the model and of the probe, as text, by what they are called.
        dots: By rising probability.
        ticks: Place and text, the same on both axes.
        size: Side of the drawing.
        start: Where both axes begin, from the left and from above.
        end: Where they end.
    """

    corpus: str
    holdout: str
    seeds: str
    n: int
    error: str
    scores: Mapping[str, str]
    dots: tuple[Dot, ...]
    ticks: tuple[tuple[float, float, str], ...]
    size: float
    start: tuple[float, float]
    end: tuple[float, float]


def draw_reliability(measured: Mapping[str, Any]) -> Curve | None:
    """Return the reliability curve, none where nothing was measured.

    Args:
        measured: Content of `RUN/image-evaluation.json`, empty without it.
    """
    bins = measured.get("curve") or ()
    if not bins:
        return None
    most = max(int(each["n"]) for each in bins)
    rows = {(row["measure"], row["method"]): row for row in measured.get("rows", ())}
    scores = {method: row for (measure, method), row in rows.items() if measure == MACRO_F1}
    return Curve(
        corpus=str(measured["corpus"]),
        holdout=percent(float(measured["holdout"])),
        seeds=", ".join(map(str, measured["seeds"])),
        n=sum(int(each["n"]) for each in bins),
        error=next((_with_interval(row) for (measure, _), row in rows.items() if measure == ECE), ""),
        scores={method: _with_interval(row) for method, row in scores.items()},
        dots=tuple(_dot(each, most) for each in bins),
        ticks=tuple((_across(tick), _up(tick), percent(tick)) for tick in TICKS),
        size=SIZE,
        start=(LEFT, SIZE - BOTTOM),
        end=(SIZE - RIGHT, TOP),
    )


def _dot(each: Mapping[str, Any], most: int) -> Dot:
    said, came, n = float(each["confidence"]), float(each["accuracy"]), int(each["n"])
    low, high = wilson(came, n)
    return Dot(
        x=_across(said),
        y=_up(came),
        radius=round(max(LEAST_RADIUS, MOST_RADIUS * (n / most) ** 0.5), 1),
        low=_up(low),
        high=_up(high),
        said=percent(said),
        came=percent(came),
        interval=f"{percent(low)} to {percent(high)}",
        n=n,
    )


def wilson(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of n.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * (share * (1 - share) / n + Z * Z / (4 * n * n)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def _across(value: float) -> float:
    return round(LEFT + (SIZE - RIGHT - LEFT) * value, 1)


def _up(value: float) -> float:
    return round(SIZE - BOTTOM - (SIZE - BOTTOM - TOP) * value, 1)


def _with_interval(row: Mapping[str, Any]) -> str:
    value = row.get("value")
    if value is None:
        return "not measured"
    interval = f" ({row['low']:.3f} to {row['high']:.3f})" if row.get("low") is not None else ""
    return f"{value:.3f}{interval}"
