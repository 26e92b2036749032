"""Methods side by side: what `eventminer evaluate patterns` measured, as points with intervals on one scale per measure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.numerals import decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# The shapes of marks, so that methods differ without colour; the first is the method of the run.
SHAPES = ("disc", "square", "diamond", "ring", "bar")


@dataclass(frozen=True)
class Row:
    """One method on one scale.

    Attributes:
        method: Its name.
        shape: Of its mark.
        at: Where the value lies, in hundredths of the scale.
        start: Where the interval begins, None without one.
        width: How long it is.
        value: As text.
        interval: As text, empty without one.
        n: How many things were measured.
    """

    method: str
    shape: str
    at: float
    start: float | None
    width: float
    value: str
    interval: str
    n: str


@dataclass(frozen=True)
class Panel:
    """One measure on one corpus, all methods on the same scale.

    Attributes:
        measure: Its name.
        corpus: What was measured on.
        seeds: Of the splits, as text.
        ticks: Place in hundredths and text.
        rows: In the order given.
    """

    measure: str
    corpus: str
    seeds: str
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]


def compare_methods(rows: Iterable[Mapping[str, Any]]) -> list[Panel]:
    """Gather measures by name and corpus, in the order in which they come.

    Args:
        rows: With `measure`, `method`, `corpus`, `value`, `low`, `high`, `n` and `seeds`; rows without a value are left out.
    """
    panels: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    methods: dict[str, str] = {}
    for row in rows:
        if isinstance(row.get("value"), int | float) and math.isfinite(row["value"]):
            panels[str(row["measure"]), str(row["corpus"])].append(row)
            methods.setdefault(str(row["method"]), SHAPES[len(methods) % len(SHAPES)])
    return [_panel(measure, corpus, own, methods) for (measure, corpus), own in panels.items()]


def _panel(measure: str, corpus: str, rows: Sequence[Mapping[str, Any]], shapes: Mapping[str, str]) -> Panel:
    ends = [float(row[key]) for row in rows for key in ("value", "low", "high") if row.get(key) is not None]
    low, high = _scale(min(0.0, *ends), max(ends))

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    ticks = tuple((place(value), decimal(value) if value else "0") for value in _ticks(low, high))
    seeds = {_text(row.get("seeds")) for row in rows} - {""}
    drawn = tuple(_row(row, place, shapes[str(row["method"])]) for row in rows)
    return Panel(measure, corpus, "; ".join(sorted(seeds)), ticks, drawn)


def _row(row: Mapping[str, Any], place: Callable[[float], float], shape: str) -> Row:
    start, width, interval = None, 0.0, ""
    if row.get("low") is not None and row.get("high") is not None:
        low, high = float(row["low"]), float(row["high"])
        start, width, interval = place(low), place(high) - place(low), f"{decimal(low)} to {decimal(high)}"
    return Row(
        str(row["method"]),
        shape,
        place(float(row["value"])),
        start,
        round(width, 2),
        decimal(float(row["value"])),
        interval,
        _text(row.get("n")),
    )


def _scale(least: float, most: float) -> tuple[float, float]:
    """Return the ends of a scale that holds 0 and ends at a full step."""
    step = _step(max(most - least, 1e-9))
    return math.floor(least / step) * step, max(math.ceil(most / step - 1e-9) * step, step)


def _step(extent: float) -> float:
    """Return a step of 1, 2 or 5 times a power of ten of which four or so cover the extent."""
    power = 10.0 ** math.floor(math.log10(extent / 4))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= extent / 4 - 1e-12)


def _ticks(low: float, high: float) -> list[float]:
    step = _step(high - low)
    return [round(low + i * step, 12) for i in range(int((high - low) / step + 1e-6) + 1)]


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
