"""Measuring a network: which layer gives maps, what its cells look at, what its classifier makes of them.

Everything is found by running the network, never by its name, so that a row of the table says what is so.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch
from torch import nn

from miner.errors import BackboneError
from miner.visual.backbone import Classifier
from miner.visual.network import ItemMaps, find_module

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_DEPTH = 0.5
"""Least share of the layers with weights that must have run before the maps; less means that later layers mix all places."""

TOLERANCE = 1e-3
ACTIVATIONS: tuple[Literal["none", "relu", "relu6"], ...] = ("none", "relu", "relu6")


class Extent(NamedTuple):
    """What the cells of a map look at.

    Attributes:
        grid: Cells in a row, and rows.
        stride: Input pixels per cell.
        offset: Where the first cell begins, in input pixels; below 0 where the outermost cells reach beyond the input.
        receptive_field: Side of what one cell can depend on, in input pixels; 0 for everything.
    """

    grid: int
    stride: int
    offset: float
    receptive_field: int


class _Call(NamedTuple):
    name: str
    module: nn.Module
    shape: tuple[int, ...]
    has_weights: bool


def find_layer(network: nn.Module, input_size: int) -> str:
    """Find the last layer of a network that gives one map per filter.

    Args:
        network: Called with images alone.
        input_size: Height and width of its input, in pixels.

    Raises:
        BackboneError: No layer does, or what comes after it is most of the network, as in a vision transformer.
    """
    calls = list(_trace(network, input_size))
    weighted = [place for place, call in enumerate(calls) if call.has_weights]
    found = [place for place, call in enumerate(calls) if _is_maps(call.shape)]
    if not found:
        raise BackboneError(f"{type(network).__name__} has no layer that gives a map per filter: no spatial output")
    share = sum(place <= found[-1] for place in weighted) / max(1, len(weighted))
    if share < MIN_DEPTH:
        raise BackboneError(
            f"{type(network).__name__} has no spatial output: maps end at {calls[found[-1]].name!r}, "
            f"after {share:.0%} of its layers",
            hint="choose a convolutional network, or name a layer with --layer",
        )
    return calls[found[-1]].name


def _is_maps(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[2] == shape[3] > 1


def _trace(network: nn.Module, input_size: int) -> Iterator[_Call]:
    """Run the network once on a blank and list its innermost modules in the order in which they end."""
    calls: list[_Call] = []
    handles = []
    for name, module in network.named_modules():
        if name:

            def note(ran: nn.Module, _inputs: object, output: object, name: str = name) -> None:
                shape = tuple(output.shape) if isinstance(output, torch.Tensor) else ()
                weighted = any(parameter.ndim > 1 for parameter in ran.parameters(recurse=False))
                calls.append(_Call(name, ran, shape, weighted))

            handles.append(module.register_forward_hook(note))
    try:
        with torch.inference_mode():
            network(torch.zeros(1, 3, input_size, input_size))
    finally:
        for handle in handles:
            handle.remove()
    yield from calls


def count_filters(network: nn.Module, layer: str, input_size: int) -> int:
    """Return how many maps a layer gives.

    Raises:
        BackboneError: There is no such layer, or it gives no maps.
    """
    with torch.inference_mode():
        filters, _ = ItemMaps(network, layer)(torch.zeros(1, 3, input_size, input_size))
    if filters.shape[2] != filters.shape[3] or filters.shape[2] < 2:
        raise BackboneError(f"layer {layer!r} gives maps of {tuple(filters.shape[2:])} cells for a square picture")
    return int(filters.shape[1])


def find_classifier(network: nn.Module, layer: str, input_size: int) -> Classifier | None:
    """Find the linear layer that makes classes of the mean over cells, and prove it on noise.

    Returns:
        None where there is none, or the network's answer is not what it makes of the mean of the maps.

    Raises:
        BackboneError: As of `count_filters`.
    """
    linear = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    n_filters = count_filters(network, layer, input_size)
    if not linear or linear[-1][1].in_features != n_filters:
        return None
    name, last = linear[-1]
    noise = torch.randn(2, 3, input_size, input_size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        answer = network(noise)
        if answer.shape != (2, last.out_features):
            return None
        bias = 0.0 if last.bias is None else last.bias
        tried = [Classifier(layer=name, activation=kind, n_classes=last.out_features) for kind in ACTIVATIONS]
        errors = [
            float((ItemMaps(network, layer, one)(noise)[1].mean(dim=(2, 3)) + bias - answer).abs().max())
            for one in tried
        ]
    best = min(range(len(tried)), key=errors.__getitem__)
    return tried[best] if errors[best] <= TOLERANCE * float(answer.abs().max()) else None


def measure_extent(network: nn.Module, layer: str, input_size: int) -> Extent:
    """Measure what the cells of a layer look at.

    Cells are taken to tile the input around its centre. Their distance is what more input it takes to have more of them.

    Args:
        network: Called with images alone; it is not changed.
        layer: Dotted name of the layer.
        input_size: Height and width of its input, in pixels.

    Raises:
        BackboneError: The layer gives no maps, does not run on larger inputs, or its outermost cells lie outside of the input.
    """
    even = _even_copy(network)
    grid = _grid(even, layer, input_size)
    one_more, two_more = (_side_for(even, layer, input_size, grid + more) for more in (1, 2))
    stride = two_more - one_more
    offset = (input_size - grid * stride) / 2
    if offset + stride <= 0:
        raise BackboneError(
            f"The layer {layer!r} has {grid} cells in a row, {stride} pixels apart, for an input of {input_size}: the outermost see nothing of it.",
            hint="Choose another layer.",
        )
    return Extent(grid, stride, offset, _receptive_field(even, layer, input_size))


def _side_for(network: nn.Module, layer: str, side: int, grid: int) -> int:
    """Return the least input, in pixels, that has so many cells in a row."""
    low, high = side, 2 * side
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _grid(network, layer, middle) >= grid else (middle + 1, high)
    return low


class _ReachedError(Exception):
    """The layer has run; nothing after it matters."""


def _run(network: nn.Module, layer: str, images: torch.Tensor) -> torch.Tensor:
    """Return what a layer gives, without running what comes after it.

    Raises:
        BackboneError: The layer does not run on such an input, or gives no maps.
    """
    outputs: list[object] = []

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        outputs.append(output)
        raise _ReachedError

    handle = find_module(network, layer).register_forward_hook(keep)
    try:
        network(images)
    except _ReachedError:
        pass
    except (RuntimeError, AssertionError, ValueError) as error:
        raise BackboneError(
            f"{type(network).__name__} takes no input of {images.shape[-1]} x {images.shape[-1]} pixels: {error}"
        ) from error
    finally:
        handle.remove()
    maps = outputs[0] if outputs else None
    if not isinstance(maps, torch.Tensor) or not _is_maps(tuple(maps.shape)):
        raise BackboneError(f"layer {layer!r} of {type(network).__name__} gives no map per filter")
    return maps


def _grid(network: nn.Module, layer: str, side: int) -> int:
    with torch.inference_mode():
        return int(_run(network, layer, torch.zeros(1, 3, side, side)).shape[-1])


def _receptive_field(network: nn.Module, layer: str, input_size: int) -> int:
    """Return the side of the square of pixels on which the middle cell depends, 0 if it reaches the edge of every input.

    All weights are positive and equal, so no path cancels another: pixels with a gradient are the receptive field (Luo et al.,
    "Understanding the effective receptive field in deep convolutional neural networks", NIPS 2016, section 2).
    """
    precise = copy.deepcopy(network).double()  # in float32 the faint edge of a large field is 0
    for side in (input_size, 2 * input_size, 4 * input_size):
        image = torch.ones(1, 3, side, side, dtype=torch.float64, requires_grad=True)
        maps = _run(precise, layer, image)
        middle = maps.shape[-1] // 2
        maps[0, 0, middle, middle].backward()  # type: ignore[no-untyped-call]
        gradient = image.grad
        if gradient is None:
            return 0
        columns = torch.nonzero(gradient[0].abs().sum(dim=(0, 1))).flatten()
        if len(columns) and columns[0] > 0 and columns[-1] < side - 1:
            return int(columns[-1] - columns[0] + 1)
    return 0


def _even_copy(network: nn.Module) -> nn.Module:
    """Copy a network and make every path through it count alike; a maximum becomes a mean."""
    even = copy.deepcopy(network).eval()
    for module in list(even.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                pool = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, ceil_mode=child.ceil_mode)
                setattr(module, name, pool)
    with torch.no_grad():
        for name, tensor in (*even.named_parameters(), *even.named_buffers()):
            if tensor.ndim > 1:
                tensor.fill_(1.0 / tensor[0].numel())
            elif tensor.is_floating_point():
                tensor.fill_(1.0 if name.endswith(("running_var", "weight")) else 0.0)
    return even
