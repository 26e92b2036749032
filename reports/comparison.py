"""Methods side by side: what `eventminer evaluate patterns` measured, as points with intervals on one scale per measure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.numerals import MISSING, decimal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# Methods in the order in which they are shown, and their marks, so that they differ without colour.
FAMILIES = {"ours": "disc", "visual-only": "square", "mdpm": "dash", "text-only": "diamond"}
OTHER = "bar"
OUR_REFERENCES = ("filter-set", "probe", "base-rate")
MEANINGS = {
    "r-precision of names": "Pictures ranked by a pattern, cut where as many are left as have its name in a caption: the share that has it. "
    "Beside it the best set of its visual items, a probe that was trained on the name, and chance.",
    "concepts without trigger names": "Different names that are specific to their event type, those left out that have a word which "
    "decides what an event type is.",
    "concepts": "Different names that are specific to their event type.",
    "concepts seen": "Different names that captions say where the pattern is seen.",
    "discrimination": "Of the labelled pictures in which a pattern is seen, the share that has its event type.",
    "representation": "Of the pictures of an event type, the share in which some pattern of it is seen.",
    "redundancy": "How far a pattern is seen in the same pictures as another of its event type; less is better.",
    "patterns seen nowhere": "Of those that are compared, in the pictures that mining did not see.",
    "distinct heads in the top ten": "Different nouns by which the first ten patterns of an event type are called, divided by their number.",
    "top ten, of one photo group": "Patterns among the first ten of an event type whose evidence is one photograph; there should be none.",
    "consistency": "How alike the patches of a pattern look to a network that did not mine, beyond random patches of the same event type.",
    "stability": "Patterns of one half of the corpus that are found in the other half as well.",
    "patterns, labels shuffled": "There should be none.",
    "patterns, pictures shuffled": "There should be none.",
    "patterns": "Mined from what was not held out.",
    "ratio": "The value of one method divided by that of the other.",
}
"""What measures mean, by name or by how the name begins."""


@dataclass(frozen=True)
class Row:
    """One method on one scale.

    Attributes:
        method: Its name.
        shape: Of its mark.
        reference: Whether it is a reference that belongs to a method, such as a probe, drawn hollow.
        at: Where the value lies, in hundredths of the scale; None where nothing could be measured.
        start: Where the interval begins, None without one.
        width: How long it is.
        value: As text.
        interval: As text, empty without one.
        n: How many things were measured.
    """

    method: str
    shape: str
    reference: bool
    at: float | None
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
        meaning: What it says, empty if that is not known.
        corpus: What was measured on.
        seeds: Of the splits, as text.
        ticks: Place in hundredths and text.
        rows: Ours first, then the baselines; what belongs to a method after it.
    """

    measure: str
    meaning: str
    corpus: str
    seeds: str
    ticks: tuple[tuple[float, str], ...]
    rows: tuple[Row, ...]


def compare_methods(rows: Iterable[Mapping[str, Any]]) -> tuple[list[Panel], list[str]]:
    """Gather measures by name and corpus, in the order in which they come.

    Args:
        rows: With `measure`, `method`, `corpus`, `value`, `low`, `high`, `n` and `seeds`; `value` may be missing.

    Returns:
        One panel per measure, and the measures for which no method has a value.
    """
    panels: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        panels[str(row["measure"]), str(row["corpus"])].append(row)
    measured = {key: own for key, own in panels.items() if any(map(_is_measured, own))}
    empty = [measure for measure, corpus in panels if (measure, corpus) not in measured]
    return [_panel(measure, corpus, own) for (measure, corpus), own in measured.items()], empty


def _is_measured(row: Mapping[str, Any]) -> bool:
    value = row.get("value")
    return isinstance(value, int | float) and math.isfinite(value)


def _panel(measure: str, corpus: str, rows: Sequence[Mapping[str, Any]]) -> Panel:
    kept = [row for row in rows if _is_measured(row)]
    ends = [float(row[key]) for row in kept for key in ("value", "low", "high") if row.get(key) is not None]
    low, high = _scale(min(0.0, *ends), max(ends))

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    ticks = tuple((place(value), decimal(value) if value else "0") for value in _ticks(low, high))
    seeds = {_text(row.get("seeds")) for row in rows} - {""}
    drawn = tuple(_row(row, place) for row in sorted(rows, key=_rank))
    return Panel(measure, _meaning(measure), corpus, "; ".join(sorted(seeds)), ticks, drawn)


def _meaning(measure: str) -> str:
    return MEANINGS.get(measure) or next((text for name, text in MEANINGS.items() if measure.startswith(name)), "")


def _family(method: str) -> str:
    """Return the method that something belongs to: what has no method in its name belongs to ours."""
    if method in OUR_REFERENCES:
        return "ours"
    return next((family for family in FAMILIES if method == family or method.startswith(f"{family} ")), "")


def _rank(row: Mapping[str, Any]) -> tuple[int, bool]:
    """Put our method first, and what belongs to a method after it; the rest stays in order."""
    family = _family(str(row["method"]))
    place = list(FAMILIES).index(family) if family else len(FAMILIES)
    return place, str(row["method"]) != family


def _row(row: Mapping[str, Any], place: Callable[[float], float]) -> Row:
    method = str(row["method"])
    family = _family(method)
    at, start, width, interval, value = None, None, 0.0, "", MISSING
    if _is_measured(row):
        at, value = place(float(row["value"])), _number(float(row["value"]))
        if row.get("low") is not None and row.get("high") is not None:
            low, high = float(row["low"]), float(row["high"])
            start, width, interval = place(low), place(high) - place(low), f"{_number(low)} to {_number(high)}"
    reference = bool(family) and method != family and "/" not in method
    shape = FAMILIES.get(family, OTHER)
    return Row(method, shape, reference, at, start, round(width, 2), value, interval, _text(row.get("n")))


def _number(value: float) -> str:
    """Write a share with three decimals and anything larger with three digits, so that a column can be compared."""
    return f"{value:.3f}" if abs(value) < 1 and value else decimal(value)


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
