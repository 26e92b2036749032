"""Geometry of the overview plot: support against confidence, with names where they fit.

Templates draw what is computed here; positions are SVG user units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.numerals import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

LEFT, RIGHT, TOP, BOTTOM = 60.0, 16.0, 14.0, 44.0
CHARACTER = 6.3
LINE = 14.0
MARK = 5.0
MAX_LABEL = 24
Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Point:
    """One pattern in the plot."""

    pattern: str
    name: str
    event_type: str
    rank: int
    support: float
    confidence: float
    proven: bool


@dataclass(frozen=True)
class Mark:
    """A point with its place."""

    point: Point
    x: float
    y: float


@dataclass(frozen=True)
class Label:
    """A name that fits beside its mark."""

    point: Point
    text: str
    x: float
    y: float
    anchor: str


@dataclass(frozen=True)
class Tick:
    """A grid line and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Scatter:
    """Everything a template needs to draw the plot."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]


def scatter(points: Sequence[Point], *, width: float, height: float) -> Scatter:
    """Place patterns by support (logarithmic, rightwards) and confidence (upwards).

    Names are set greedily, the best pattern of each event type first, and only where they hide neither a mark nor
    another name.
    """
    left, right, top, bottom = LEFT, width - RIGHT, TOP, height - BOTTOM
    low, high = _range([point.support for point in points])
    floor = _floor([point.confidence for point in points])

    def across(support: float) -> float:
        return left + (right - left) * math.log(max(support, low) / low) / math.log(high / low)

    def up(confidence: float) -> float:
        return bottom - (bottom - top) * (confidence - floor) / (1 - floor)

    marks = tuple(Mark(p, round(across(p.support), 1), round(up(p.confidence), 1)) for p in points)
    n_ticks = max(3, int((right - left) // 70))
    return Scatter(
        width=width,
        height=height,
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        x_ticks=tuple(Tick(round(across(s), 1), percent(s)) for s in _log_ticks(low, high, n_ticks)),
        y_ticks=tuple(Tick(round(up(c), 1), percent(c)) for c in _linear_ticks(floor)),
        marks=marks,
        labels=_label(marks, (left, 0.0, width, bottom)),
    )


def _range(supports: Sequence[float]) -> tuple[float, float]:
    positive = [support for support in supports if support > 0] or [0.01]
    return min(positive) / 1.3, min(1.0, max(positive) * 1.3)


def _floor(confidences: Sequence[float]) -> float:
    """Take a full tenth somewhat below the least confidence."""
    return min(0.9, max(0.0, math.floor(10 * min(confidences, default=0.0) - 0.25) / 10))


def _log_ticks(low: float, high: float, n_most: int) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**exponent for exponent in exponents for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= n_most:
            return ticks
    return ticks[:: -(-len(ticks) // n_most)]


def _linear_ticks(floor: float) -> list[float]:
    step = 2 if floor < 0.5 else 1
    return [tenth / 10 for tenth in range(10, round(floor * 10) - 1, -step)]


def _label(marks: Sequence[Mark], bounds: Rectangle) -> tuple[Label, ...]:
    taken = [(m.x - MARK, m.y - MARK, m.x + MARK, m.y + MARK) for m in marks]
    labels = []
    for mark in sorted(marks, key=lambda m: (m.point.rank, -m.point.confidence, m.point.pattern)):
        text = mark.point.name
        text = text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"
        for x, y, anchor in _places(mark):
            area = _area(x, y, anchor, len(text) * CHARACTER)
            if _within(area, bounds) and not any(_overlap(area, other) for other in taken):
                taken.append(area)
                labels.append(Label(mark.point, text, round(x, 1), round(y, 1), anchor))
                break
    return tuple(labels)


def _places(mark: Mark) -> tuple[tuple[float, float, str], ...]:
    aside = MARK + 3
    return (
        (mark.x + aside, mark.y + 4, "start"),
        (mark.x - aside, mark.y + 4, "end"),
        (mark.x, mark.y - aside - 2, "middle"),
        (mark.x, mark.y + aside + 9, "middle"),
    )


def _area(x: float, y: float, anchor: str, length: float) -> Rectangle:
    start = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * length
    return (start, y - LINE + 4, start + length, y + 4)


def _within(area: Rectangle, bounds: Rectangle) -> bool:
    return area[0] >= bounds[0] and area[1] >= bounds[1] and area[2] <= bounds[2] and area[3] <= bounds[3]


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
