from __future__ import annotations

from itertools import combinations

import numpy as np

from reports.charts import CHARACTER, Label, Point, scatter


def point(name: str, rank: int, support: float, confidence: float) -> Point:
    return Point(f"P-{name}", name, f"Type.T{rank % 5}", rank, support, confidence, proven=True)


def points(n: int) -> list[Point]:
    rng = np.random.default_rng(1)
    return [point(f"pattern {i}", i // 5 + 1, 10 ** -rng.uniform(0.5, 3), rng.uniform(0.3, 1)) for i in range(n)]


def extent(label: Label) -> tuple[float, float]:
    length = len(label.text) * CHARACTER
    start = label.x - {"start": 0, "middle": length / 2, "end": length}[label.anchor]
    return start, start + length


def test_scatter_puts_more_support_right_and_more_confidence_up() -> None:
    few = [point("a", 1, 0.01, 0.5), point("b", 2, 0.1, 0.9)]
    a, b = scatter(few, width=500, height=300).marks
    assert a.x < b.x
    assert a.y > b.y


def test_scatter_keeps_every_mark_inside_its_frame() -> None:
    plot = scatter(points(200), width=350, height=300)
    assert len(plot.marks) == 200
    assert all(plot.left <= mark.x <= plot.right and plot.top <= mark.y <= plot.bottom for mark in plot.marks)


def test_scatter_names_do_not_overlap_and_stay_inside() -> None:
    plot = scatter(points(60), width=350, height=300)
    assert len(plot.labels) > 5
    for label in plot.labels:
        start, end = extent(label)
        assert plot.left <= start
        assert end <= plot.width
    for one, other in combinations(plot.labels, 2):
        apart = extent(one)[1] <= extent(other)[0] or extent(other)[1] <= extent(one)[0]
        assert apart or abs(one.y - other.y) >= 13


def test_scatter_names_the_best_pattern_first_where_two_coincide() -> None:
    same = [point(f"name {i}", 3 - i, 0.1, 0.5) for i in range(3)]
    labels = scatter(same, width=500, height=300).labels
    assert labels[0].text == "name 2"


def test_scatter_shortens_long_names() -> None:
    (label,) = scatter([point("n" * 80, 1, 0.1, 0.5)], width=500, height=300).labels
    assert label.text == "n" * 23 + "…"


def test_scatter_of_equal_or_zero_supports_is_finite() -> None:
    plot = scatter([point("n", 1, 0.0, 1.0)], width=500, height=300)
    assert plot.left <= plot.marks[0].x <= plot.right


def test_scatter_ticks_are_few_and_inside() -> None:
    plot = scatter(points(50), width=350, height=300)
    assert 2 <= len(plot.x_ticks) <= 5
    assert all(plot.left <= tick.at <= plot.right for tick in plot.x_ticks)
    assert plot.y_ticks[0].text.startswith("100")
