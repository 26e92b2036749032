from __future__ import annotations

import numpy as np
from PIL import Image

from reports.album import BUDGET_BYTES, BYTES_PER_PIXEL, build_album, choose_side, encode_within
from reports.figures import Cut
from tests.report_fakes import drawn_source, fake_inputs


def noise(n: int) -> dict[Cut, Image.Image]:
    rng = np.random.default_rng(0)
    return {Cut(str(i)): Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)) for i in range(n)}


def test_choose_side_fits_the_largest_gallery_into_the_budget() -> None:
    n = 13 * 20 * 12
    side = choose_side(n)
    assert side == 112
    assert n * side**2 * BYTES_PER_PIXEL <= BUDGET_BYTES


def test_choose_side_shows_few_patches_larger_but_not_without_end() -> None:
    assert (choose_side(0), choose_side(30), choose_side(1_000_000)) == (176, 176, 96)


def test_encode_within_lowers_the_quality_until_the_budget_holds() -> None:
    pictures = noise(4)
    free = sum(map(len, encode_within(pictures, 10**9).values()))
    bound = sum(map(len, encode_within(pictures, free * 4 // 5).values()))
    assert bound <= free * 4 // 5


def test_build_album_holds_each_picture_once() -> None:
    inputs = fake_inputs(drawn_source())
    cut = Cut("images/0003.jpg", (10.0, 10.0, 60.0, 60.0))
    album = build_album(inputs, [cut, Cut("images/0004.jpg"), cut])
    assert list(album.pictures) == ["i1", "i2"]
    assert [plate.reference for plate in album.plates.values()] == ["i1", "i2"]
    assert album.pictures["i1"].startswith("data:image/jpeg;base64,/9j/")
