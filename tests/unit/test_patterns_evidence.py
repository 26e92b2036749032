from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from miner.patterns.evidence import heat_box
from miner.visual.geometry import Box, Geometry

# Three by three cells of 32 pixels.
PLAIN = Geometry(96, 96, left=0, top=0, scale=1, input_size=96, stride=32)
WIDE = Geometry(400, 192, left=104, top=0, scale=2, input_size=96, stride=32)
TALL = Geometry(96, 300, left=0, top=102, scale=1, input_size=96, stride=32)


def box_of(*hot: int, geometry: Geometry = PLAIN, heat: float = 1.0, rest: float = 0.0) -> Box:
    values = np.full(geometry.grid**2, rest, dtype=np.float32)
    values[list(hot)] = heat
    return heat_box(values, geometry)


@pytest.mark.parametrize(
    ("cells", "box"),
    [
        pytest.param([4], (32, 32, 64, 64), id="centre"),
        pytest.param([0], (0, 0, 32, 32), id="first corner"),
        pytest.param([8], (64, 64, 96, 96), id="last corner"),
        pytest.param([5], (64, 32, 96, 64), id="right edge"),
        pytest.param([0, 1], (0, 0, 64, 32), id="two cells"),
        pytest.param([1, 4, 7], (32, 0, 64, 96), id="a column"),
        pytest.param(range(9), (0, 0, 96, 96), id="everything alike"),
    ],
)
def test_heat_box_holds_the_cells_that_are_hot(cells: list[int], box: Box) -> None:
    assert box_of(*cells) == box


def test_heat_box_is_cut_at_half_of_the_maximum() -> None:
    heat = np.array([0, 0, 0, 1, 0.25, 0, 0, 0, 0], dtype=np.float32)
    # from the middle of the first cell (16) to that of the second (48) heat falls from 1 to 1/4: half of it lies at 37.3
    x0, y0, x1, y1 = heat_box(heat, PLAIN)
    assert (x0, y0, y1) == (0, 32, 64)
    assert x1 == pytest.approx(16 + 32 * 2 / 3, abs=4)


def test_heat_box_leaves_out_a_second_place_that_does_not_touch() -> None:
    heat = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0.9], dtype=np.float32)
    assert heat_box(heat, PLAIN) == (0, 0, 32, 32)


@pytest.mark.parametrize(
    ("geometry", "box"),
    [(WIDE, (168, 64, 232, 128)), (TALL, (32, 134, 64, 166)), (replace(PLAIN, left=-40, width=56), (0, 32, 24, 64))],
)
def test_heat_box_is_in_pixels_of_the_original(geometry: Geometry, box: Box) -> None:
    assert box_of(4, geometry=geometry) == box


def test_heat_box_without_any_heat_is_the_strongest_cell() -> None:
    assert box_of(6, heat=-1, rest=-5) == (0, 64, 32, 96)
    assert box_of(2, heat=0, rest=-1) == (64, 0, 96, 32)


def test_heat_box_of_a_faint_peak_among_cold_cells_is_its_cell() -> None:
    assert box_of(4, heat=0.01, rest=-10) == (32, 32, 64, 64)


def test_heat_box_where_the_last_cells_reach_beyond_the_input() -> None:
    cut = Geometry(80, 80, left=0, top=0, scale=1, input_size=80, stride=32)
    assert box_of(4, geometry=cut) == (32, 32, 64, 64)
    assert box_of(8, geometry=cut) == (64, 64, 80, 80)
    assert box_of(8, geometry=cut, rest=-100) == (64, 64, 80, 80)


def test_box_of_a_picture_between_bars_lies_in_the_picture() -> None:
    """96 x 32 px between bars of 32: the rows of bars repeat the row of the picture, whose right cell is the hottest."""
    wide = Geometry(96, 32, left=0, top=-32, scale=1, input_size=96, stride=32)
    heat = np.array([0, 0, 1] * 3, np.float32)
    x0, y0, x1, y1 = heat_box(heat, wide)
    assert (y0, x1, y1) == (0, 96, 32)
    assert 48 <= x0 <= 68
    assert heat_box(-1 - heat[::-1], wide) == (32, 0, 64, 32)
