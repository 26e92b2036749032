from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from miner.visual.geometry import Geometry
from miner.visual.images import decode_image, fit
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


def test_geometry_of_a_grid_that_overhangs_ends_with_the_input() -> None:
    """240 px in cells of 32: the eighth cell has 16 px left."""
    geometry = Geometry(272, 272, left=16, top=16, scale=1, input_size=240, stride=32)
    assert geometry.grid == 8
    assert geometry.cell_box(63) == (240, 240, 256, 256)


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
