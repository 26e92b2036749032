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
    (panel,), _ = compare_methods([row("a", 0.3, low=0.2, high=0.35), row("b", 0.1)])
    assert panel.ticks == ((0.0, "0"), (25.0, "0.1"), (50.0, "0.2"), (75.0, "0.3"), (100.0, "0.4"))
    assert [(r.method, r.at, r.start, r.width, r.interval) for r in panel.rows] == [
        ("a", 75.0, 50.0, 37.5, "0.200 to 0.350"),
        ("b", 25.0, None, 0.0, ""),
    ]


def test_panels_hold_values_below_nothing() -> None:
    (panel,), _ = compare_methods([row("a", 0.1), row("b", -0.02, low=-0.04, high=0.0)])
    assert panel.ticks[0][0] == 0.0
    places = {r.method: r.at or 0.0 for r in panel.rows}
    assert 0 < places["b"] < places["a"] <= 100


def test_panels_put_ours_first_and_what_belongs_to_a_method_after_it() -> None:
    methods = ["text-only", "x", "visual-only probe", "visual-only", "probe", "ours"]
    (panel,), _ = compare_methods([row(method, 0.5) for method in methods])
    assert [(r.method, r.shape, r.reference) for r in panel.rows] == [
        ("ours", "disc", False),
        ("probe", "disc", True),
        ("visual-only", "square", False),
        ("visual-only probe", "square", True),
        ("text-only", "diamond", False),
        ("x", "bar", False),
    ]


def test_panels_keep_the_order_of_measures_and_say_what_they_mean() -> None:
    panels, _ = compare_methods([row("a", 1.0, "concepts"), row("a", 3.0, "consistency, x"), row("b", 2.0, "concepts")])
    assert [panel.measure for panel in panels] == ["concepts", "consistency, x"]
    assert [len(panel.rows) for panel in panels] == [2, 1]
    assert panels[1].meaning.startswith("How alike")


def test_panels_of_one_value_of_nothing() -> None:
    (panel,), _ = compare_methods([row("a", 0.0, seeds=[0, 1])])
    assert panel.rows[0].at == 0.0
    assert panel.seeds == "0, 1"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_panels_show_where_a_method_could_not_be_measured(value: float | None) -> None:
    (panel,), empty = compare_methods([row("a", value), row("b", 1.0), row("a", value, "never")])
    assert [(r.method, r.at, r.value) for r in panel.rows] == [("a", None, "\u2013"), ("b", 100.0, "1")]
    assert empty == ["never"]
