"""The networks in torch: building one with its weights, and reading filters and classes of it.

Importing this module imports torch, which takes seconds; only `engine` and `export` do, and only where they need it.
"""

from __future__ import annotations

import importlib
import io
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import platformdirs
import safetensors.torch
import torch
from torch import nn

from miner.errors import BackboneError
from miner.visual.kept import Kept
from miner.visual.registry import read_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miner.visual.backbone import Backbone, Classifier, Library


SAFETENSORS = ".safetensors"
N_SHOWN = 12


def _efficientnet_lite(model: str) -> nn.Module:
    network: nn.Module = _import("efficientnet_lite_pytorch").EfficientNet.from_name(model)
    return network


def _torchvision(model: str) -> nn.Module:
    network: nn.Module = _import("torchvision").models.get_model(model, weights=None)
    return network


def _timm(model: str) -> nn.Module:
    network: nn.Module = _import("timm").create_model(model, pretrained=False)
    return network


def _import(library: str) -> Any:  # noqa: ANN401 - a module
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise BackboneError(f"{library} is not installed: {error}", hint=f"pip install {library}") from error


_BUILDERS: Mapping[Library, Callable[[str], nn.Module]] = {
    "efficientnet-lite": _efficientnet_lite,
    "torchvision": _torchvision,
    "timm": _timm,
}


def define_network(library: Library, model: str) -> nn.Module:
    """Build a network without trained weights.

    Raises:
        BackboneError: The library is not installed, or does not know the model.
    """
    try:
        return _BUILDERS[library](model).eval()
    except BackboneError:
        raise
    # each library says in its own way that it has no such model
    except (KeyError, ValueError, RuntimeError) as error:
        raise BackboneError(f"{library} cannot make a network {model!r}: {' '.join(str(error).split())}") from error


def read_state(data: bytes, suffix: str, source: str) -> dict[str, torch.Tensor]:
    """Read trained weights.

    Args:
        data: Content of a weights file.
        suffix: Of its name: `.safetensors`, or anything else for what `torch.save` writes.
        source: What to call it.

    Raises:
        BackboneError: It holds no tensors by name.
    """
    try:
        if suffix == SAFETENSORS:
            return safetensors.torch.load(data)
        # weights_only: a weights file is data and must not be able to run code
        state: Any = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:
        problem = " ".join(str(error).split())[:200]
        raise BackboneError(f"{source} is no file of weights that is safe to read: {problem}") from error
    if isinstance(state, dict) and set(state) >= {"state_dict"}:
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise BackboneError(f"{source} holds no tensors by name, as a state_dict does")
    return state


def load_state(network: nn.Module, state: Mapping[str, torch.Tensor], source: str) -> None:
    """Put trained weights into a network.

    Raises:
        BackboneError: They are those of another one.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        problem = " ".join(str(error).split())[:200]
        raise BackboneError(f"{source} does not fit the network: {problem}") from error


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
        self._read = find_module(network, layer)
        self._classify = None if classifier is None else _ByCell(find_module(network, classifier.layer), classifier)

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


def find_module(network: nn.Module, name: str) -> nn.Module:
    """Return a module of a network.

    Raises:
        BackboneError: There is none of this dotted name; lists the last ones that there are.
    """
    try:
        return network.get_submodule(name)
    except AttributeError as error:
        known = [module for module, _ in network.named_modules() if module]
        shown = ", ".join(known[-N_SHOWN:])
        raise BackboneError(
            f"network {type(network).__name__} has no layer {name!r}; the last of its {len(known)}: {shown}"
        ) from error


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
    network = define_network(backbone.library, backbone.model)
    load_state(network, _read_trained(backbone), _name_weights(backbone))
    return ItemMaps(network, backbone.layer, backbone.classifier).eval()


def _read_trained(backbone: Backbone) -> dict[str, torch.Tensor]:
    """Read the weights of a network, those of a package from the safetensors that they became when they were first read."""
    if PurePath(backbone.weights.file).suffix == SAFETENSORS:
        return read_state(read_weights(backbone), SAFETENSORS, _name_weights(backbone))
    kept = Kept(default_weights_cache(), SAFETENSORS, _name_weights(backbone))
    data = kept.read(backbone.weights.sha256, lambda: _convert_weights(backbone))
    return read_state(data, SAFETENSORS, _name_weights(backbone))


def default_weights_cache() -> Path:
    """Return the folder where weights are kept as safetensors, by the sha256 of the file that they come from."""
    return platformdirs.user_cache_path("eventminer") / "weights"


def _convert_weights(backbone: Backbone) -> bytes:
    suffix = PurePath(backbone.weights.file).suffix
    state = read_state(read_weights(backbone), suffix, _name_weights(backbone))
    # a copy of each: safetensors has no tensors that share memory
    return safetensors.torch.save({name: tensor.clone().contiguous() for name, tensor in state.items()})


def _name_weights(backbone: Backbone) -> str:
    return f"weights of {backbone.name}"
