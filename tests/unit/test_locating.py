from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from miner.run.locating import geometry_of
from miner.visual.backbone import load_backbone
from miner.visual.images import decode_image, fit


@pytest.mark.parametrize("size", [(640, 480), (300, 500), (90, 60), (257, 257)])
def test_locating_agrees_with_how_a_picture_was_fitted(size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    backbone = load_backbone("efficientnet-lite0")
    _, fitted = fit(decode_image(file.getvalue(), max_pixels=10**6), backbone)
    assert geometry_of(width, height, backbone) == fitted
