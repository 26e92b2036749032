"""The networks in torch: building one with its weights, and reading filters and classes of it.

Importing this module imports torch, which takes seconds; only `engine` and `export` do, and only where they need it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

from miner.errors import BackboneError
from miner.visual.backbone import read_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miner.visual.backbone import Backbone, Classifier


def _efficientnet_lite(backbone: Backbone) -> nn.Module:
    network: nn.Module = EfficientNet.from_name(backbone.name)
    return network


_BUILDERS: Mapping[str, Callable[[Backbone], nn.Module]] = {"efficientnet-lite": _efficientnet_lite}


class ItemMaps(nn.Module):
    """A network that returns the maps of one of its layers, clipped at 0, and what its classifier sees in each cell.

    The layer is read by a hook that lives only during a call, so the wrapped network is never left changed. The clipped
    copy is made inside the hook: an in-place activation after the layer cannot reach it.

    Args:
        network: Any network; it is called with the input alone.
        layer: Dotted name of the module whose output is read.
        classifier: What makes classes of that output; none for no class maps.

    Raises:
        BackboneError: The network has no such module, or the classifier is not as described.
    """

    def __init__(self, network: nn.Module, layer: str, classifier: Classifier | None = None) -> None:
        """Find the layers."""
        super().__init__()
        self.network = network
        self._read = _find(network, layer)
        self._classify = None if classifier is None else _ByCell(_find(network, classifier.layer), classifier)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the network.

        Args:
            images: float32, (n, 3, S, S).

        Returns:
            Filters, float32, (n, n_filters, rows, columns), at least 0, and classes, float32, (n, n_classes, rows, columns),
            of either sign; n_classes is 0 without a classifier.

        Raises:
            BackboneError: The layer did not run, or did not give one map per filter.
        """
        outputs: list[object] = []

        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            outputs.append(output.clamp(min=0) if isinstance(output, torch.Tensor) else output)

        handle = self._read.register_forward_hook(keep)
        try:
            self.network(images)
        finally:
            handle.remove()
        filters = _only_maps(outputs)
        return filters, filters[:, :0] if self._classify is None else self._classify(filters)


class _ByCell(nn.Module):
    """A classifier moved from the mean over cells to each cell; being linear, the mean of its maps is its logits.

    The bias is left out: one number for each class, it moves that class's values and their quantile alike.

    Source: Zhou et al., "Learning deep features for discriminative localization", CVPR 2016, equation 2.
    """

    def __init__(self, linear: nn.Module, classifier: Classifier) -> None:
        super().__init__()
        if not isinstance(linear, nn.Linear) or linear.out_features != classifier.n_classes:
            raise BackboneError(f"layer {classifier.layer!r} must be linear to {classifier.n_classes}, it is {linear}")
        self._linear = linear
        self._highest = 6.0 if classifier.activation == "relu6" else None

    def forward(self, filters: torch.Tensor) -> torch.Tensor:
        active = filters if self._highest is None else filters.clamp(max=self._highest)
        return nn.functional.conv2d(active, self._linear.weight[:, :, None, None])


def _find(network: nn.Module, layer: str) -> nn.Module:
    try:
        return network.get_submodule(layer)
    except AttributeError as error:
        raise BackboneError(f"network {type(network).__name__} has no layer {layer!r}") from error


def _only_maps(outputs: list[object]) -> torch.Tensor:
    """Return the one output, if it is a stack of maps.

    Raises:
        BackboneError: It is not.
    """
    maps = outputs[0] if len(outputs) == 1 else None
    if isinstance(maps, torch.Tensor) and maps.ndim == 4:
        return maps
    shapes = [tuple(o.shape) if isinstance(o, torch.Tensor) else type(o).__name__ for o in outputs]
    raise BackboneError(f"the layer must give one output of shape (n, filters, rows, columns), got {shapes}")


def build_network(backbone: Backbone) -> ItemMaps:
    """Build a network with its trained weights, ready for inference.

    Raises:
        BackboneError: The weights are missing, altered, or do not fit the network.
    """
    network = _BUILDERS[backbone.family](backbone)
    # weights_only: a weights file is data and must not be able to run code
    state: dict[str, Any] = torch.load(io.BytesIO(read_weights(backbone)), map_location="cpu", weights_only=True)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise BackboneError(f"the weights of {backbone.name} do not fit the network: {error}") from error
    return ItemMaps(network, backbone.layer, backbone.classifier).eval()
