from __future__ import annotations

import io
from functools import partial

import numpy as np
import pytest
from PIL import Image

from miner.errors import ImageError
from miner.visual.images import decode_image
from reports.figures import (
    GREY,
    MISSING,
    UNREADABLE,
    Cut,
    Patch,
    clip_box,
    crop_window,
    cut_patch,
    cut_patches,
    pattern_sheet,
)
from tests.report_fakes import jpeg

DECODE = partial(decode_image, max_pixels=1_000_000)
RED, BLUE = (220, 20, 20), (20, 20, 220)


def close(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(a - b) < 25 for a, b in zip(pixel, colour, strict=True))


def test_clip_box_keeps_the_part_inside() -> None:
    assert clip_box((-5, 10, 50, 300), 100, 200) == (0, 10, 50, 200)


@pytest.mark.parametrize(
    "box", [(), (1, 2, 3), (5, 5, 5, 9), (9, 5, 3, 8), (200, 0, 300, 50), (float("nan"), 0, 1, 1), (0, 0, 1, 1e999)]
)
def test_clip_box_refuses_what_is_no_box(box: tuple[float, ...]) -> None:
    assert clip_box(box, 100, 200) is None


def test_crop_window_centres_the_box_with_half_its_side_of_context() -> None:
    assert crop_window(400, 200, (150, 60, 230, 100)) == (130, 20, 250, 140)


def test_crop_window_moves_inside_the_picture_at_its_corner() -> None:
    assert crop_window(400, 200, (0, 0, 80, 80)) == (0, 0, 120, 120)


def test_crop_window_is_not_smaller_than_a_share_of_the_picture() -> None:
    assert crop_window(400, 200, (200, 100, 204, 104)) == (162, 62, 242, 142)


def test_crop_window_sticks_out_for_a_box_longer_than_the_short_side() -> None:
    assert crop_window(400, 200, (50, 0, 350, 200)) == (50, -50, 350, 250)


def test_crop_window_without_a_box_is_the_central_square() -> None:
    assert crop_window(400, 200, None) == (100, 0, 300, 200)


def test_cut_patch_frames_the_box_where_it_lies() -> None:
    patch = cut_patch(Image.new("RGB", (400, 200)), (150, 60, 230, 100), 60)
    assert patch.frame == pytest.approx((20 / 120, 40 / 120, 100 / 120, 80 / 120))


def test_cut_patch_pads_a_window_that_sticks_out_with_grey() -> None:
    patch = cut_patch(Image.new("RGB", (400, 200), RED), (50, 0, 350, 200), 60)
    assert patch.picture is not None
    assert patch.picture.size == (60, 60)
    assert [patch.picture.getpixel((30, y)) for y in (2, 30, 57)] == [GREY, RED, GREY]


def test_cut_patches_reads_boxes_in_upright_pixels() -> None:
    upright = Image.new("RGB", (100, 200), BLUE)
    upright.paste(RED, (0, 0, 40, 40))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=95, exif=exif)
    cut = Cut("a.jpg", (0, 0, 40, 40))
    picture = cut_patches([cut], lambda _: buffer.getvalue(), DECODE, side=60)[cut].picture
    assert picture is not None
    assert close(picture.getpixel((15, 15)), RED)
    assert close(picture.getpixel((55, 55)), BLUE)


def test_cut_patches_scales_boxes_to_a_picture_decoded_smaller() -> None:
    image = Image.new("RGB", (800, 400), BLUE)
    image.paste(RED, (400, 0, 800, 400))
    cut = Cut("a.jpg", (440, 100, 640, 300))
    small = partial(decode_image, max_pixels=1_000_000, min_side=100)
    assert small(jpeg(image)).rgb.shape == (100, 200, 3)
    patch = cut_patches([cut], lambda _: jpeg(image), small, side=60)[cut]
    assert patch.picture is not None
    assert close(patch.picture.getpixel((30, 30)), RED)
    assert patch.frame == pytest.approx((1 / 6, 1 / 6, 5 / 6, 5 / 6))


def test_cut_patches_opens_each_picture_once() -> None:
    opened: list[str] = []

    def open_image(image: str) -> bytes:
        opened.append(image)
        return jpeg(Image.new("RGB", (50, 50)))

    cuts = [Cut("b", (0, 0, 9, 9)), Cut("a"), Cut("b", (5, 5, 20, 20)), Cut("a")]
    assert set(cut_patches(cuts, open_image, DECODE, side=20)) == set(cuts)
    assert sorted(opened) == ["a", "b"]


def test_cut_patches_says_which_pictures_are_missing_or_broken() -> None:
    def open_image(image: str) -> bytes:
        if image == "broken":
            return b"no picture"
        if image == "refused":
            raise ImageError("path-outside", "/etc/passwd is outside of the corpus")
        raise FileNotFoundError(image)

    patches = cut_patches([Cut("broken"), Cut("refused"), Cut("gone")], open_image, DECODE, side=20)
    assert [patches[Cut(name)].note for name in ("broken", "refused", "gone")] == [UNREADABLE, MISSING, MISSING]
    assert all(patch.picture is None for patch in patches.values())


def test_pattern_sheet_lays_patches_out_in_rows_with_frames() -> None:
    patch = Patch(Image.new("RGB", (50, 50), RED), (0.25, 0.25, 0.75, 0.75))
    sheet = pattern_sheet([patch, patch, patch, Patch(None, note=MISSING)], columns=3, side=100)
    assert sheet.size == (5 + 3 * 105, 5 + 2 * 105)
    assert sheet.getpixel((5 + 10, 5 + 10)) == RED
    assert sheet.getpixel((5 + 25, 5 + 50)) == (255, 255, 255)
    assert sheet.getpixel((5 + 10, 5 + 105 + 10)) == GREY


def test_pattern_sheet_with_one_patch_is_one_patch_wide() -> None:
    assert pattern_sheet([Patch(None, note=UNREADABLE)], side=100).size == (110, 110)


def test_pattern_sheet_writes_its_heading_above_the_patches() -> None:
    patches = [Patch(Image.new("RGB", (50, 50), RED))]
    sheet = pattern_sheet(patches, side=100, heading="a name much longer than the sheet is wide")
    head = np.asarray(sheet.crop((0, 0, 110, 30)))
    assert sheet.size == (110, 135)
    assert head.min() < 80
    assert (head[:, 106:] == 255).all()


def test_pattern_sheet_without_patches_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one patch"):
        pattern_sheet([])
