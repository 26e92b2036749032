from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from miner.visual.geometry import Geometry, View, geometry_of
from miner.visual.images import cut, decode_image, fit
from miner.visual.registry import load_backbone
from tests.pictures import to_bytes

LITE0 = load_backbone("efficientnet-lite0")
# x right, y down, in an upright picture: how each orientation is stored
STORED = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}


def test_geometry_of_a_square_is_that_by_hand() -> None:
    """512 px: the scale is 2, and the network sees 448 px from 32 on; a cell has 64."""
    _, geometry = fit(decode_image(to_bytes(Image.new("RGB", (512, 512))), max_pixels=10**6), LITE0)
    assert (geometry.left, geometry.top, geometry.scale) == (32, 32, 2)
    assert geometry.grid == 7
    assert geometry.cell_box(0) == (32, 32, 96, 96)
    assert geometry.cell_box(8) == (96, 96, 160, 160)
    assert geometry.cell_box(48) == (416, 416, 480, 480)
    assert geometry.to_original((0, 16, 224, 32)) == (32, 64, 480, 96)
    assert geometry.to_input((32, 64, 480, 96)) == (0, 16, 224, 32)


def test_geometry_of_a_wide_picture_looks_at_its_middle() -> None:
    """1000 x 256: nothing is scaled; 112 px each side of 500 are seen, from 16 px below the top."""
    _, geometry = fit(decode_image(to_bytes(Image.new("RGB", (1000, 256))), max_pixels=10**6), LITE0)
    assert geometry.to_original((0, 0, 224, 224)) == (388, 16, 612, 240)
    assert geometry.to_input((0, 0, 1000, 256)) == (0, 0, 224, 224)


def test_geometry_clips_boxes_to_the_picture() -> None:
    geometry = Geometry(100, 80, left=10, top=0, scale=0.5, input_size=224, stride=32)
    assert geometry.to_original((-50, -50, 500, 500)) == (0, 0, 100, 80)


def test_geometry_of_a_grid_that_overhangs_begins_and_ends_with_the_input() -> None:
    """240 px in 8 cells of 32, which need 256: the first and the last have 24 px left."""
    geometry = geometry_of(272, 272, load_backbone("efficientnet-lite1"))
    assert geometry.grid == 8
    assert geometry.cell_box(0) == (16, 16, 40, 40)
    assert geometry.cell_box(9) == (40, 40, 72, 72)
    assert geometry.cell_box(63) == (232, 232, 256, 256)
    assert geometry.frame == (8, 8, 264, 264)
    assert geometry.to_original(geometry.to_input((0, 100, 50, 272))) == (16, 100, 50, 256)


@pytest.mark.parametrize("cell", [-1, 49])
def test_geometry_refuses_a_cell_outside_the_map(cell: int) -> None:
    geometry = Geometry(256, 256, left=16, top=16, scale=1, input_size=224, stride=32)
    with pytest.raises(ValueError, match=f"cell {cell} is outside a map of 7 x 7"):
        geometry.cell_box(cell)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(400, 300), (300, 400), (2203, 1601), (1203, 3001)])
def test_geometry_finds_a_thing_where_it_was_drawn(orientation: int, size: tuple[int, int]) -> None:
    """A white square, seen by the network, lies in the upright original where it was drawn: turned, reduced or not."""
    width, height = size
    side = min(size) / 4
    drawn = (width / 2 - side, height / 2 - side / 2, width / 2, height / 2 + side)
    upright = Image.new("RGB", size)
    upright.paste((255, 255, 255), tuple(round(edge) for edge in drawn))  # type: ignore[arg-type]
    stored = STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = upright if stored is None else upright.transpose(Image.Transpose(stored))
    data = to_bytes(turned, "JPEG", quality=90, exif=exif)
    pixels, geometry = fit(decode_image(data, max_pixels=10**8, min_side=512), LITE0)
    assert (geometry.width, geometry.height) == size
    rows, columns = (np.flatnonzero((pixels[0] > 0).any(axis=axis)) for axis in (1, 0))
    seen = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    found = geometry.to_original(tuple(float(edge) for edge in seen))  # type: ignore[arg-type]
    # half an input pixel each side is what thresholding the edge can do
    assert np.abs(np.array(found) - drawn).max() <= 0.6 * geometry.scale + 0.5


def test_geometry_of_a_whole_wide_picture_reaches_from_edge_to_edge() -> None:
    """448 x 336: 2 px to the right and 1.5 px downwards for each of 224; a cell has 64 x 48."""
    geometry = geometry_of(448, 336, LITE0, "whole")
    assert geometry.frame == (0, 0, 448, 336)
    assert geometry.cell_box(0) == (0, 0, 64, 48)
    assert geometry.cell_box(48) == (384, 288, 448, 336)
    assert geometry.to_input((224, 168, 448, 336)) == (112, 112, 224, 224)
    assert geometry.is_full


def test_geometry_of_a_letterbox_has_bars_that_no_cell_stands_for() -> None:
    """448 x 320: 2 px either way; 160 of 224 rows are picture, from 32 on: the first and last row of cells are bars."""
    geometry = geometry_of(448, 320, LITE0, "letterbox")
    assert geometry.frame == (0, -64, 448, 384)
    assert geometry.seen == (range(1, 6), range(7))
    assert not geometry.is_full
    assert geometry.cell_box(7) == (0, 0, 64, 64)
    assert geometry.nearest_seen(3) == 10
    assert geometry.nearest_seen(24) == 24
    assert geometry.nearest_seen(48) == 41


def test_geometry_of_a_whole_panorama_is_stretched_twice_and_no_more() -> None:
    """896 x 224: a quarter as high as wide, so half of the input is picture: rows 56 to 168, cells 2 to 4 and a quarter of 1 and 5."""
    geometry = geometry_of(896, 224, LITE0, "whole")
    assert geometry.to_original((0, 56, 224, 168)) == (0, 0, 896, 224)
    assert geometry.seen == (range(2, 5), range(7))
    assert geometry.cell_box(21) == (0, 80, 128, 144)


@pytest.mark.parametrize("view", ["centre", "letterbox", "whole"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 7), (9000, 40), (300, 299)])
def test_geometry_of_any_shape_has_a_cell_that_sees_it(size: tuple[int, int], view: View) -> None:
    geometry = geometry_of(*size, LITE0, view)
    rows, columns = geometry.seen
    assert rows
    assert columns
    for cell in range(49):
        x0, y0, x1, y1 = geometry.cell_box(geometry.nearest_seen(cell))
        assert 0 <= x0 < x1 <= size[0]
        assert 0 <= y0 < y1 <= size[1]
    if view != "centre":
        x0, y0, x1, y1 = geometry.frame
        assert min(x0, y0) <= 0
        assert x1 >= size[0] - 1e-6
        assert y1 >= size[1] - 1e-6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("view", ["letterbox", "whole"])
@pytest.mark.parametrize("size", [(400, 300), (300, 400), (2203, 1601), (3001, 603)])
def test_geometry_finds_a_thing_at_the_edge_of_a_whole_picture(
    size: tuple[int, int], view: View, orientation: int
) -> None:
    """A white square in the lower right corner, which the centre of a wide picture would not show."""
    width, height = size
    drawn = (width - min(size) // 3, height - min(size) // 4, width, height)
    upright = Image.new("RGB", size)
    upright.paste((255, 255, 255), drawn)
    stored = STORED[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = upright if stored is None else upright.transpose(Image.Transpose(stored))
    data = to_bytes(turned, "JPEG", quality=90, exif=exif)
    pixels, geometry = cut(decode_image(data, max_pixels=10**8, min_side=512), LITE0, view)
    rows, columns = (np.flatnonzero((pixels[..., 0] > 191).any(axis=axis)) for axis in (1, 0))
    found = geometry.to_original((float(columns[0]), float(rows[0]), columns[-1] + 1.0, rows[-1] + 1.0))
    # half an input pixel, and a quarter since the threshold is above the grey of bars
    limits = 0.8 * np.array([geometry.scale, geometry.scale_down] * 2) + 0.5
    assert (np.abs(np.array(found) - drawn) <= limits).all()
