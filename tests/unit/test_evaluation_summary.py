from __future__ import annotations

from typing import Any

import pytest

from miner.run.evaluation import Kept, Measure, summarise


def value(measure: str, method: str, values: list[float], kind: str = "mean") -> dict[str, Any]:
    return {"measure": measure, "method": method, "values": values, "kind": kind}


def split(seed: int, ours: list[float], probe: list[float], other: list[float]) -> Kept:
    """R-precision of names by our method, the probe and the baseline; every other name is a concept."""
    name = "r-precision of names"
    values = [
        value("patterns", "ours", [1.0] * len(ours), "sum"),
        value(name, "ours", ours),
        value(name, "probe", probe),
        value(name, "visual-only", other),
        value("concepts", "ours", [1.0] * len(ours), "sum"),
        value("concepts", "visual-only", [1.0] * len(other), "sum"),
    ]
    return Kept("c", seed, values, [])


def summarised(*kept: Kept) -> dict[tuple[str, str], Measure]:
    return {(row.measure, row.method): row for row in summarise(kept, "c", 0)}


def test_splits_without_patterns_of_ours_are_left_out_of_ratios_and_rows_say_their_splits() -> None:
    rows = summarised(split(0, [0.2, 0.4], [0.4, 0.8], [0.3, 0.3]), split(1, [], [], [0.9] * 50))
    names = rows["ratio, r-precision of names", "ours / visual-only"]
    assert names.value == pytest.approx(1.0)
    assert (names.n, names.seeds) == (2, [0])
    concepts = rows["ratio, concepts", "ours / visual-only"]
    assert (concepts.value, concepts.n, concepts.seeds) == (1.0, 2, [0])
    assert rows["concepts", "ours"].seeds == [0, 1]
    assert rows["concepts", "ours"].value == 1.0
    assert rows["r-precision of names", "ours"].seeds == [0]
    assert rows["r-precision of names", "visual-only"].seeds == [0, 1]


def test_ratios_to_what_is_measured_on_the_same_names_compare_each_with_itself() -> None:
    rows = summarised(split(0, [0.1, 0.2, 0.4], [0.2, 0.4, 0.8], [0.2, 0.4, 0.8]))
    same, other = (rows["ratio, r-precision of names", f"ours / {name}"] for name in ("probe", "visual-only"))
    assert (same.value, same.low, same.high) == (0.5, 0.5, 0.5)
    assert other.value == 0.5
    assert other.low is not None
    assert other.high is not None
    assert other.low < 0.4
    assert other.high > 0.6


def test_ratios_are_empty_where_our_method_finds_nothing_at_all() -> None:
    rows = summarised(split(0, [], [], [0.5]), split(1, [], [], [0.5]))
    found = rows["ratio, concepts", "ours / visual-only"]
    assert (found.value, found.low, found.high, found.n, found.seeds) == (None, None, None, 0, [])
