from __future__ import annotations

import pytest

from reports.comparison import compare_methods


def row(method: str, value: float | None, measure: str = "m", **more: object) -> dict[str, object]:
    return {
        "measure": measure,
        "method": method,
        "corpus": "c",
        "value": value,
        "low": None,
        "high": None,
        "n": 3,
        **more,
    }


def test_panels_share_a_scale_from_nothing_to_a_full_step() -> None:
    """0 to 0.4 in steps of 0.1: 0.1 lies at a quarter, the interval from 0.2 to 0.35 at a half and is 37.5 long."""
    (panel,) = compare_methods([row("a", 0.3, low=0.2, high=0.35), row("b", 0.1)])
    assert panel.ticks == ((0.0, "0"), (25.0, "0.1"), (50.0, "0.2"), (75.0, "0.3"), (100.0, "0.4"))
    assert [(r.method, r.at, r.start, r.width, r.interval) for r in panel.rows] == [
        ("a", 75.0, 50.0, 37.5, "0.2 to 0.35"),
        ("b", 25.0, None, 0.0, ""),
    ]


def test_panels_hold_values_below_nothing() -> None:
    (panel,) = compare_methods([row("a", 0.1), row("b", -0.02, low=-0.04, high=0.0)])
    assert panel.ticks[0][0] == 0.0
    places = {r.method: r.at for r in panel.rows}
    assert 0 < places["b"] < places["a"] <= 100


def test_panels_keep_the_mark_of_a_method_and_the_order_of_measures() -> None:
    rows = [row("a", 1.0), row("b", 2.0), row("b", 1.0, "n"), row("a", 3.0, "n"), row("a", None, "o")]
    first, second = compare_methods(rows)
    assert (first.measure, second.measure) == ("m", "n")
    shapes = {r.method: r.shape for r in first.rows}
    assert shapes == {r.method: r.shape for r in second.rows}
    assert len(set(shapes.values())) == 2


def test_panels_of_one_value_of_nothing() -> None:
    (panel,) = compare_methods([row("a", 0.0, seeds=[0, 1])])
    assert panel.rows[0].at == 0.0
    assert panel.seeds == "0, 1"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_panels_leave_out_what_is_no_number(value: float | None) -> None:
    assert compare_methods([row("a", value)]) == []
