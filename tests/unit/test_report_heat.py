from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from reports.album import Plate
from reports.heat import veil_uri
from reports.inputs import Heat
from reports.page import render_report
from tests.report_fakes import drawn_source, fake_inputs

LEFT_HALF = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32)
"""The detector looks at the left half of what it sees."""


def opacities(uri: str) -> list[list[int]]:
    image = Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))
    assert image.mode == "LA"
    opacity: list[list[int]] = np.asarray(image)[..., 1].tolist()
    return opacity


def test_veil_hides_what_the_detector_does_not_look_at() -> None:
    seen, unseen = opacities(veil_uri(LEFT_HALF))[0]
    assert seen == 0
    assert 150 < unseen < 255


def test_veil_is_thinner_where_there_is_more_heat() -> None:
    (row,) = opacities(veil_uri(np.array([[0.0, 0.25, 0.75, 1.0]], np.float32)))
    assert row == sorted(row, reverse=True)
    assert len(set(row)) == 4


def test_plate_places_boxes_of_the_picture_in_its_patch() -> None:
    plate = Plate("i1", None, "", window=(100.0, 50.0, 150.0, 100.0))
    assert plate.place((100.0, 50.0, 125.0, 75.0)) == (0.0, 0.0, 50.0, 50.0)
    assert plate.place((0.0, 0.0, 300.0, 200.0)) == (-200.0, -100.0, 600.0, 400.0)
    assert Plate("", None, "picture not available").place((0.0, 0.0, 1.0, 1.0)) is None


def test_report_lays_heat_maps_over_the_patches_that_have_them() -> None:
    inputs = fake_inputs(drawn_source(), n_patterns=2, n_evidence=3)
    first = inputs.evidence.to_pylist()[0]

    def widths(side: float) -> list[float]:
        heat = {(first["pattern"], first["record"]): Heat(LEFT_HALF, (0.0, 0.0, side, side))}
        page = render_report(replace(inputs, heat=lambda pattern, record: heat.get((pattern, record))))
        assert page.count(veil_uri(LEFT_HALF)) == 1
        return [float(part.split('width="')[1].split('"')[0]) for part in page.split('class="veil"')[1:]]

    (whole,), (half,) = widths(160.0), widths(80.0)
    assert whole == pytest.approx(2 * half, abs=0.2)


def test_report_without_heat_maps_offers_none() -> None:
    page = render_report(fake_inputs(drawn_source(), n_patterns=2, n_evidence=3))
    assert 'class="veil"' not in page
    assert 'id="show-heat"' not in page
