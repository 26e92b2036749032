from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from reports.figures import clip_box, crop_window, cut_patch

SIDES = st.integers(1, 300)
EDGES = st.floats(-50, 350)
BOXES = st.tuples(EDGES, EDGES, EDGES, EDGES)


@given(SIDES, SIDES, BOXES)
def test_crop_window_is_square_and_holds_the_box(
    width: int, height: int, box: tuple[float, float, float, float]
) -> None:
    clipped = clip_box(box, width, height)
    x0, y0, x1, y1 = crop_window(width, height, clipped)
    assert abs((x1 - x0) - (y1 - y0)) < 1e-6
    if clipped is not None:
        assert x0 <= clipped[0] + 1e-6
        assert y0 <= clipped[1] + 1e-6
        assert x1 >= clipped[2] - 1e-6
        assert y1 >= clipped[3] - 1e-6


@given(SIDES, SIDES, BOXES)
def test_cut_patch_of_any_box_has_the_asked_size_and_a_frame_inside(
    width: int, height: int, box: tuple[float, float, float, float]
) -> None:
    patch = cut_patch(Image.new("RGB", (width, height)), box, 32)
    assert patch.picture is not None
    assert patch.picture.size == (32, 32)
    if patch.frame is not None:
        x0, y0, x1, y1 = patch.frame
        assert 0 < x0 <= x1 < 1
        assert 0 < y0 <= y1 < 1
