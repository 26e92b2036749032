"""The reliability curve: how it is pooled, drawn and told."""

from __future__ import annotations

import numpy as np
import pytest

from kb.evaluate.images import Bin, calibration_error, pool_curves, reliability
from kb.evaluate.rating import wilson_interval
from reports.page import template_environment
from reports.reliability import draw_reliability, wilson

MEASURED = {
    "corpus": "<scenes>",
    "holdout": 0.4,
    "seeds": [0, 1],
    "curve": [
        {"share": 0.2, "confidence": 0.5, "accuracy": 0.25, "n": 20},
        {"share": 0.8, "confidence": 1.0, "accuracy": 1.0, "n": 80},
    ],
    "rows": [
        {"measure": "expected calibration error", "method": "model", "value": 0.05, "low": 0.04, "high": 0.06},
        {"measure": "macro-f1 of event types", "method": "probe", "value": 0.9, "low": None, "high": None},
    ],
}


def test_bins_count_their_pictures_and_pool_by_them() -> None:
    probabilities = np.array([[0.9, 0.1], [0.95, 0.05], [0.4, 0.6]], dtype=np.float32)
    curve = reliability(probabilities, np.array([0, 1, 1]))
    assert [(each.n, round(each.accuracy, 2)) for each in curve] == [(1, 1.0), (2, 0.5)]
    pooled = pool_curves([[Bin(1.0, 0.92, 0.5, 2)], [Bin(0.25, 0.42, 1.0, 1), Bin(0.75, 0.96, 1.0, 3)]])
    assert [each.n for each in pooled] == [1, 5]
    assert pooled[1].share == pytest.approx(5 / 6)
    assert pooled[1].confidence == pytest.approx((2 * 0.92 + 3 * 0.96) / 5)
    assert pooled[1].accuracy == pytest.approx(0.8)
    assert calibration_error(pooled) == pytest.approx(1 / 6 * 0.58 + 5 / 6 * (0.944 - 0.8))


def test_marks_lie_where_they_should_and_intervals_hold_them() -> None:
    curve = draw_reliability(MEASURED)
    assert curve is not None
    half, sure = curve.dots
    middle = (curve.start[0] + curve.end[0]) / 2
    assert (half.x, sure.x) == (middle, curve.end[0])
    assert half.y == pytest.approx(curve.start[1] + (curve.end[1] - curve.start[1]) / 4)
    assert sure.y == curve.end[1]
    assert half.low > half.y > half.high
    assert sure.radius == pytest.approx(2 * half.radius, abs=0.1)
    assert wilson(0.25, 20) == pytest.approx(wilson_interval(5, 20))
    assert (curve.n, curve.error, curve.scores) == (100, "0.050 (0.040 to 0.060)", {"probe": "0.900"})


def test_the_section_says_in_a_table_what_the_curve_shows() -> None:
    template = template_environment().get_template("reliability.html.j2")
    html = template.render(reliability=draw_reliability(MEASURED))
    assert "&lt;scenes&gt;" in html
    assert "<strong>25\N{NARROW NO-BREAK SPACE}%</strong>" in html
    assert html.count("<circle") == 2
    assert "Expected calibration error" in html
    assert "eventminer evaluate images RUN" in template.render(reliability=draw_reliability({}))
